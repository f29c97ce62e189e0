import * as fc from 'fast-check';
import { type CallState, foldFields, kindOf, type Reading, readCall } from '../../src/call/call.ts';
import { readLandingPage } from '../../src/call/landing-page.ts';
import { parsePhone } from '../../src/call/phone.ts';
import { decodeBody, type Fields, parsePush, pushFields, UnreadablePush } from '../../src/call/push.ts';
import {
  parseAmount,
  parseDuration,
  parseInstant,
  parseUrl,
  parseYesNo,
  playerUrl,
} from '../../src/call/values.ts';
import { withheldWords } from '../../src/config/withheld-words.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';
import { newPush, withSqliteStore } from '../support/with-store.ts';

const folding = suite('folding');

const reading: Reading = {
  region: 'AU',
  timezone: 'Australia/Sydney',
  withheldWords,
  missed: ['unanswered'],
  emailOnly: [],
};
const receivedAt = new Date('2026-11-02T03:15:00.000Z');

function fold(pushes: readonly Fields[]): Fields {
  let fields: Fields | undefined;
  for (const push of pushes) fields = foldFields(fields, push);
  return { ...fields };
}

function callOf(fields: Fields): unknown {
  const ended = ['end', 'both'].includes(kindOf(fields));
  const state: CallState = {
    source: 'acme',
    callId: '1122334',
    fields,
    firstReceivedAt: receivedAt,
    endReceivedAt: ended ? receivedAt : null,
    lapsed: false,
  };
  const call = JSON.parse(JSON.stringify(readCall(state, reading)));
  // Blanks say nothing, so which of them were sent is no part of the call.
  call.fields = Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value.trim() !== '')
      .sort(),
  );
  return call;
}

const key = fc.oneof(
  fc.constantFrom(...pushFields.filter((name) => name !== 'PLA_Call_Id')),
  fc.constantFrom('PLA_assignee', '__proto__', 'constructor', 'x'),
);
const text = fc.oneof(
  fc.constantFrom('Answered', '50s', 'Y', '+61444444444', '00000001556755937003', 'https://a.example/x.wav'),
  fc.string({ minLength: 1 }).filter((value) => value.trim() !== ''),
);

/** What one call says in all. */
const truth = fc.dictionary(key, text, { noNullPrototype: false, minKeys: 1, maxKeys: 12 });

/** Pushes that each tell a part of it, some of it twice, blanks elsewhere; whatever is told is the same. */
const agreeing = truth.chain((whole) => {
  const names = Object.keys(whole);
  const part = fc.record({ told: fc.subarray(names), blank: fc.subarray(names) }).map(({ told, blank }) => {
    const push: Fields = Object.create(null);
    push['PLA_Call_Id'] = '1122334';
    for (const name of blank) push[name] = '';
    for (const name of told) push[name] = whole[name] as string;
    return push;
  });
  return fc.array(part, { minLength: 1, maxLength: 6 });
});

const inTwoOrders = agreeing.chain((pushes) =>
  fc.record({
    once: fc.constant(pushes),
    shuffled: fc
      .tuple(
        fc.shuffledSubarray(pushes, { minLength: pushes.length, maxLength: pushes.length }),
        fc.array(fc.constantFrom(...pushes), { maxLength: 4 }),
      )
      .map(([all, again]) => [...all, ...again]),
  }),
);

folding('any order and any repetition of pushes that agree gives the same call', () => {
  fc.assert(
    fc.property(inTwoOrders, ({ once, shuffled }) => {
      assert.equal(callOf(fold(shuffled)), callOf(fold(once)));
    }),
    { numRuns: 300 },
  );
});

folding('any split of a call into pushes gives the call that one push gives', () => {
  fc.assert(
    fc.property(truth, fc.array(fc.nat({ max: 4 }), { minLength: 12, maxLength: 12 }), (whole, places) => {
      const split: Fields[] = Array.from({ length: 5 }, () => Object.create(null));
      for (const [i, name] of Object.keys(whole).entries()) {
        (split[places[i] as number] as Fields)[name] = whole[name] as string;
      }
      assert.equal(callOf(fold(split)), callOf(fold([whole])));
    }),
    { numRuns: 300 },
  );
});

folding('the store folds the same, whatever arrives together and in whatever order', async () => {
  await withSqliteStore(async (store) => {
    let n = 0;
    await fc.assert(
      fc.asyncProperty(inTwoOrders, fc.boolean(), async ({ once, shuffled }, together) => {
        const ids = [`${++n}a`, `${n}b`];
        for (const [i, pushes] of [once, shuffled].entries()) {
          const recorded = pushes.map(
            (push) => () => store.record(newPush(push, { callId: ids[i] as string })),
          );
          if (together) await Promise.all(recorded.map((record) => record()));
          else for (const record of recorded) await record();
        }
        const [a, b] = await Promise.all(ids.map(async (id) => (await store.stories(id))[0]));
        assert.equal(callOf(b!.state.fields), callOf(a!.state.fields));
        assert.equal(callOf(a!.state.fields), callOf(fold(once)));
        assert.is(b!.state.endReceivedAt === null, a!.state.endReceivedAt === null);
        const bodies = new Set(shuffled.map((push) => JSON.stringify(push)));
        assert.equal(new Set(b!.pushes.map((push) => push.body)), bodies);
        assert.is(
          b!.pushes.reduce((sum, push) => sum + 1 + push.repeats, 0),
          shuffled.length,
        );
      }),
      { numRuns: 60 },
    );
  });
});

folding('where two contradict, the one received last wins and both are kept', async () => {
  await withSqliteStore(async (store) => {
    await store.record(newPush(endPush('1', { PLA_CallResult: 'Busy' })));
    const { state } = await store.record(newPush(endPush('1', { PLA_CallResult: 'Answered' })));
    assert.is(state.fields['PLA_CallResult'], 'Answered');
    const [story] = await store.stories('1');
    assert.equal(
      story!.pushes.map((push) => push.fields['PLA_CallResult']),
      ['Busy', 'Answered'],
    );
  });
});

folding('a blank never erases', () => {
  fc.assert(
    fc.property(truth, fc.constantFrom('', ' ', '\t\n'), (whole, blank) => {
      const blanks = Object.fromEntries(Object.keys(whole).map((name) => [name, blank]));
      assert.equal(fold([whole, blanks]), fold([whole]));
    }),
  );
});

folding('a start after the end takes nothing back', () => {
  const call = callOf(fold([endPush('1122334'), startPush('1122334')])) as { phase: string; result: string };
  assert.equal([call.phase, call.result], ['ended', 'answered']);
  const blankEnd = Object.fromEntries(Object.keys(endPush('1122334')).map((name) => [name, '']));
  const padded = { ...blankEnd, ...startPush('1122334') };
  assert.equal(
    callOf(fold([endPush('1122334'), padded])),
    callOf(fold([startPush('1122334'), endPush('1122334')])),
  );
});

folding('what is folded is a new object only when something changed', () => {
  const known = fold([startPush('1')]);
  assert.is(foldFields(known, startPush('1')), known);
  assert.is(foldFields(known, { PLA_City: '' }), known);
  const before = { ...known };
  assert.is.not(foldFields(known, { PLA_City: 'Perth' }), known);
  assert.equal(known, before);
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...'0123456789:., $-+%hms?&#=/\u00a0') }),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
);

folding('no reader of a value ever throws', () => {
  fc.assert(
    fc.property(anyText, (value) => {
      for (const parse of [parseInstant, parseDuration, parseAmount, parseYesNo, readLandingPage])
        parse(value);
      parsePhone(value, 'AU');
      const url = parseUrl(value);
      if (url !== null) assert.is(new URL(playerUrl(url)).searchParams.getAll('mode').at(-1), 'direct');
    }),
    { numRuns: 1_000 },
  );
});

folding('no fields make a call that cannot be read', () => {
  fc.assert(
    fc.property(fc.dictionary(key, anyText, { maxKeys: 15 }), (fields) => {
      JSON.stringify(
        readCall(
          {
            source: 's',
            callId: '1',
            fields,
            firstReceivedAt: receivedAt,
            endReceivedAt: null,
            lapsed: true,
          },
          reading,
        ),
      );
    }),
    { numRuns: 300 },
  );
});

const anyBody = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map(decodeBody),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.json(),
  fc.json().map((json) => `{"PLA_Call_Id":${json},}`),
  fc.string({ unit: fc.constantFrom(...'{}[]",:\\=&%1a \n') }),
  fc.webQueryParameters(),
);

folding('any body is a push of texts, or unreadable', () => {
  fc.assert(
    fc.property(anyBody, (body) => {
      try {
        const { callId, fields } = parsePush(body);
        assert.is(callId, callId.trim());
        assert.ok(callId.length >= 1 && callId.length <= 64);
        for (const value of Object.values(fields)) assert.type(value, 'string');
      } catch (reason) {
        if (!(reason instanceof UnreadablePush)) throw reason;
      }
    }),
    { numRuns: 2_000 },
  );
});

folding.run();
