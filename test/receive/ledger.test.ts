import { type RefusedPush, tokenEnd } from '../../src/call/refusal.ts';
import { createLog } from '../../src/log.ts';
import { Ledger } from '../../src/receive/ledger.ts';
import type { NewRejection } from '../../src/store/rejections.ts';
import { type Store, StoreUnavailable } from '../../src/store/store.ts';
import { rawBody, room } from '../support/rejections.ts';
import { assert, suite, until } from '../support/suite.ts';
import { VirtualTime } from '../support/virtual-clock.ts';
import { withSqliteStore } from '../support/with-store.ts';

const noting = suite('ledger of what was not taken');

const token = 'a-token-of-long-ago-0f3a9f2c';

interface Rig {
  ledger: Ledger;
  store: Store;
  /** `[level] message`, and what else a line has. */
  log: { msg: string; source?: string; cause?: string; sender?: string }[];
  /** Commits that it asked for, as many rows each. */
  commits: number[];
  disk: { isFull: boolean };
  note(more?: Partial<RefusedPush>): Promise<void>;
  pass(ms: number): Promise<void>;
}

function withLedger(use: (rig: Rig) => Promise<void>): Promise<void> {
  return withSqliteStore(async (store) => {
    const time = new VirtualTime();
    const clock = time.clock();
    const log: Rig['log'] = [];
    const commits: number[] = [];
    const disk = { isFull: false };
    let writing = 0;
    const ledger = new Ledger({
      store: {
        async reject(rejections: readonly NewRejection[], bytes: number) {
          if (disk.isFull) throw new StoreUnavailable('SQLite: database or disk is full');
          commits.push(rejections.length);
          writing++;
          return store.reject(rejections, bytes).finally(() => writing--);
        },
      },
      clock,
      log: createLog('info', [], { write: (line: string) => log.push(JSON.parse(line)) }),
      bytesPerSource: () => room,
      written: () => {},
    });
    const note: Rig['note'] = (more = {}) =>
      ledger.note({
        ...{ cause: 'unknown_token', reason: 'Unknown token.', token, sender: '203.0.113.7' },
        at: clock.now(),
        ...more,
      });
    await use({
      ...{ ledger, store, log, commits, disk, note },
      async pass(ms) {
        await time.pass(ms, async () => {});
        await until('it is written', () => writing === 0);
        await new Promise(setImmediate);
      },
    });
    await ledger.close();
  });
}

const tallyOf = async (store: Store) =>
  (await store.tallyRejected(new Date(0))).map(({ source, cause, mark, count }) =>
    [source || '-', cause, mark, count].join(' '),
  );

noting('wrong tokens are counted in memory and written once a second', () =>
  withLedger(async ({ note, pass, store, commits }) => {
    for (let n = 0; n < 5_000; n++) await note();
    assert.equal([commits, await tallyOf(store)], [[], []]);
    await pass(1_000);
    assert.equal([commits, await tallyOf(store)], [[1], ['- unknown_token 9f2c 5000']]);
    await pass(60_000);
    assert.is(commits.length, 1, 'nothing came, nothing is written');
  }),
);

noting('a million tokens, each another, are a few rows, a commit and a few lines', () =>
  withLedger(async ({ note, pass, store, commits, log }) => {
    const at = new Date();
    for (let n = 0; n < 100_000; n++) await note({ at, token: `guessed-token-number-${n}` });
    await pass(1_000);
    const rows = await store.tallyRejected(new Date(0));
    assert.equal(commits, [101]);
    assert.is(
      rows.reduce((total, { count }) => total + count, 0),
      100_000,
    );
    assert.ok(log.length <= 11, `${log.length} lines`);
    await pass(59_000);
    for (let n = 0; n < 1_000; n++) await note({ at, token: `another-guess-${100_000 + n}` });
    await pass(1_000);
    assert.ok(log.length <= 23, `${log.length} lines`);
    assert.ok((await store.rejections({ limit: 1_000, headBytes: 0 })).length <= 201);
  }),
);

noting('the log has a line a minute for each token end, with the count and the way to the mend', () =>
  withLedger(async ({ note, pass, log }) => {
    for (let second = 0; second < 150; second++) {
      await note();
      await note({ cause: 'too_large', source: 'acme', reason: 'The body is longer than 4096 bytes.' });
      await pass(1_000);
    }
    const tokens = log.filter(({ cause }) => cause === 'unknown_token').map(({ msg }) => msg);
    assert.is(tokens.length, 3, tokens.join('\n'));
    assert.match(
      tokens[0]!,
      /^A URL with a token that is none of ours: ends …9f2c, 1 push since 2026-11-02T\S+Z\. Was the configuration or the store changed\?/,
    );
    assert.match(tokens[2]!, /ends …9f2c, 1\d\d pushes since/);
    assert.is(log.filter(({ source }) => source === 'acme').length, 3);
    assert.not.match(log.map(({ msg }) => msg).join(), 'long-ago');
  }),
);

noting('what came within the minute is said when it is over, though nothing follows', () =>
  withLedger(async ({ note, pass, log, ledger }) => {
    await note();
    await pass(1_000);
    for (let n = 0; n < 13; n++) await note();
    await pass(1_000);
    assert.is(log.length, 1);
    await pass(60_000);
    assert.is(log.length, 2);
    assert.match(log[1]!.msg, 'ends …9f2c, 14 pushes since');
    await note();
    await ledger.close();
    assert.match(log[2]!.msg, '15 pushes', 'and at the end');
  }),
);

noting('a body is kept before the answer, and lines of bodies are a line a minute, too', () =>
  withLedger(async ({ note, pass, store, commits, log }) => {
    const unreadable = { cause: 'unreadable', source: 'acme', reason: 'The body is not JSON.' } as const;
    for (let n = 0; n < 5; n++) await note({ ...unreadable, body: rawBody(`{${n}`) });
    assert.is(commits.length, 5);
    assert.is((await store.rejectedKept())[0]?.bodies, 5);
    await pass(61_000);
    assert.equal(
      log.map(({ msg }) => /^\d+ push\w* could not be read \([^)]*\)/.exec(msg)?.[0]),
      [
        '1 push could not be read (The body is not JSON)',
        '4 pushes could not be read (The body is not JSON)',
      ],
    );
  }),
);

noting('a store that takes nothing loses no count, and who sent a body is told', () =>
  withLedger(async ({ note, pass, store, disk, log }) => {
    disk.isFull = true;
    await note();
    await pass(1_000);
    await note({ cause: 'not_stored', source: 'acme', reason: 'Not stored: SQLite: disk is full' });
    await note();
    await pass(3_000);
    assert.equal(log.length, 2, 'told all the same');
    await note({ cause: 'unreadable', source: 'acme', body: rawBody('{') }).then(
      () => assert.unreachable(),
      (reason) => assert.instance(reason, StoreUnavailable),
    );
    disk.isFull = false;
    await pass(1_000);
    assert.equal((await tallyOf(store)).sort(), ['- unknown_token 9f2c 2', 'acme not_stored  1']);
  }),
);

noting('the end of a token is shown where twelve characters or more stay hidden', () => {
  for (const [whole, end] of [
    ['', ''],
    ['admin', ''],
    ['123456789012345', ''],
    ['1234567890123456', '3456'],
    [`${'x'.repeat(5_000)}9f2c`, '9f2c'],
    ['1234567890123456\u0007\u202e<"', '????'],
  ] as const)
    assert.is(tokenEnd(whole), end, whole.slice(0, 30));
});

noting.run();
