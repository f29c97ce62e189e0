import { masked } from '../../src/operator/masking.ts';
import { assert, suite } from '../support/suite.ts';

const masking = suite('masking');

masking('whatever reads like a number is masked; ids and instants stay', () => {
  assert.equal(
    masked({
      callId: '0412345678',
      receivedAt: '2026-11-24T03:15:00.000Z',
      caller: { number: '+61412345678', display: '0412 345 678' },
      records: [{ id: '0612345678', type: 'call', link: 'https://crm.example/0612345678' }],
      reason: 'The phone (02) 9999 8888 is taken by 2 others.',
      revision: 61412345678,
      nothing: null,
    }),
    {
      callId: '0412345678',
      receivedAt: '2026-11-24T03:15:00.000Z',
      caller: { number: '+6141***678', display: '041***678' },
      records: [{ id: '0612345678', type: 'call', link: 'https://crm.example/0612345678' }],
      reason: 'The phone 029***888 is taken by 2 others.',
      revision: 61412345678,
      nothing: null,
    },
  );
});

masking('a number that a call names is masked however its texts write it', () => {
  for (const written of ['412345678', '4 12 34 56 78', '(04)12-345-678', '412.345.678', 'x61412345678y'])
    for (const part of ['caller', 'dialled', 'answeredBy'])
      assert.not.match(
        masked({ calls: [{ [part]: { number: '+61412345678' }, keywords: [`ring ${written} now`] }] })
          .calls.flatMap(({ keywords }) => keywords)
          .join(),
        /12\W*34\W*56\W*78/,
        written,
      );
});

/* `0412,345,678` cannot be read as a number, and stood whole in lists, titles and exports. */
masking('a number that could not be read is masked as any other, whatever stands between its digits', () => {
  for (const written of [
    '0412,345,678',
    '0412\u2022345\u2022678',
    '0412|345|678',
    '0412:345:678',
    '0412\u00b7345 ~ 678',
  ]) {
    const shown = masked({
      caller: { number: null, display: written },
      title: `Call from ${written}`,
      fields: [
        { name: 'PLA_Caller_Phone_Number', value: written },
        { name: 'PLA_Landing_Page', value: `https://acme.example/?tel=${encodeURIComponent(written)}` },
      ],
    });
    assert.equal(
      shown,
      {
        caller: { number: null, display: '041***678' },
        title: 'Call from 041***678',
        fields: [
          { name: 'PLA_Caller_Phone_Number', value: '041***678' },
          { name: 'PLA_Landing_Page', value: 'https://acme.example/?tel=041***678' },
        ],
      },
      written,
    );
  }
});

masking('digits of any script are digits', () => {
  for (const zero of [0x0660, 0x06f0, 0x0966, 0x0e50, 0xff10]) {
    const written = String.fromCharCode(...[...'0412345678'].map((digit) => zero + Number(digit)));
    const { title } = masked({ caller: { number: null, display: written }, title: `Call from ${written}` });
    assert.is(title, 'Call from 041***678', written);
  }
});

masking('a short number of a country is known also as it is dialled', () => {
  const { keywords } = masked({
    dialled: { number: '+61131234', display: '13 12 34' },
    keywords: 'ring 13 12 34',
  });
  assert.is(keywords, 'ring ***');
});

masking.run();
