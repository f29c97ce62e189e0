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

masking.run();
