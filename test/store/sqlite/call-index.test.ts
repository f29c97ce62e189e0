/*
 * The index of calls against a plain computation over all calls, after random interleavings of pushes, lapses, removals,
 * attempts, decisions, kills and steps of the index.
 */

import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { CallState } from '../../../src/call/call.ts';
import type { Settings } from '../../../src/config/settings.ts';
import { searchOf } from '../../../src/operator/call-search.ts';
import { indexedCall, readingsOf } from '../../../src/operator/indexed-call.ts';
import { kyselyOver, openDatabase } from '../../../src/runtime/sqlite.ts';
import type { IndexedCall, IndexFilter } from '../../../src/store/call-index.ts';
import type { CallView } from '../../../src/store/calls.ts';
import type { Lease } from '../../../src/store/leases.ts';
import { weeks } from '../../../src/store/migrations/007-weeks.ts';
import { connectorCounts } from '../../../src/store/migrations/013-connector-counts.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { toQuarters } from '../../../src/store/time-buckets.ts';
import { load } from '../../config/with-config.ts';
import { assert, suite } from '../../support/suite.ts';
import { newPush, withFolder } from '../../support/with-store.ts';

const index = suite('call index');

const runs = Number(process.env['INDEX_RUNS'] ?? 40);
const epoch = Date.parse('2026-11-02T03:10:00.000Z');
const at = (minutes: number) => new Date(epoch + minutes * 60_000);

const sources = ['acme', 'beta'];
const callers = ['+61412345678', '0412 345 679', '0299998888', 'anonymous', ''];
const dealers = ['Northside Plumbing', 'Südtor Gas', ''];
const keywords = ['hot water', 'emergency plumber', ''];
const results = ['Answered', 'Busy', 'Unanswered', ''];
const callIds = ['11', '12', '213', '4', '5', '6'];
const routes = [['first'], ['first', 'second'], []];

type Command =
  | {
      do: 'push';
      source: number;
      id: number;
      caller: number;
      dealer: number;
      keyword: number;
      result: number;
      minute: number;
      route: number;
    }
  | { do: 'lapse'; minute: number }
  | { do: 'purge'; what: 'pushes' | 'calls'; minute: number }
  | { do: 'erase'; which: number }
  | { do: 'settle'; which: number; outcome: 'delivered' | 'failed' | 'due' }
  | { do: 'skip'; which: number; connector: number }
  | { do: 'replay'; which: number; route: number }
  | { do: 'step'; limit: number }
  | { do: 'another version' }
  | { do: 'read otherwise'; source: number }
  | { do: 'kill' }
  | { do: 'upgrade' };

const which = fc.nat(9);
const minute = fc.integer({ min: 0, max: 3 * 24 * 60 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('push' as const),
      source: fc.nat(1),
      id: fc.nat(callIds.length - 1),
      caller: fc.nat(callers.length - 1),
      dealer: fc.nat(dealers.length - 1),
      keyword: fc.nat(keywords.length - 1),
      result: fc.nat(results.length - 1),
      minute,
      route: fc.nat(routes.length - 1),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('step' as const), limit: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lapse' as const), minute }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('purge' as const),
      what: fc.constantFrom('pushes' as const, 'calls' as const),
      minute,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('erase' as const), which }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which,
      outcome: fc.constantFrom('delivered' as const, 'failed' as const, 'due' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('skip' as const), which, connector: fc.nat(1) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('replay' as const), which, route: fc.nat(routes.length - 1) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('another version' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('read otherwise' as const), source: fc.nat(1) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('upgrade' as const) }) },
);

async function run(file: string, settings: Settings, commands: readonly Command[]): Promise<void> {
  let readings = readingsOf(settings);
  let store = await openSqliteStore(file, 'bridge');
  const read = (state: CallState) => indexedCall(settings, state);
  const rowOf = async (which: number) => {
    const calls = await store.calls({ limit: 100 });
    return calls[which % Math.max(calls.length, 1)];
  };
  try {
    for (const each of commands) {
      switch (each.do) {
        case 'push': {
          const fields = {
            PLA_Call_Id: callIds[each.id]!,
            PLA_Caller_Phone_Number: callers[each.caller]!,
            PLA_Dealer_Name: dealers[each.dealer]!,
            PLA_Keywords_Searched: keywords[each.keyword]!,
            PLA_CallResult: results[each.result]!,
          };
          await store.record(
            newPush(fields, {
              source: sources[each.source]!,
              receivedAt: at(each.minute),
              route: () => routes[each.route]!,
            }),
          );
          break;
        }
        case 'lapse':
          await store.lapse(at(each.minute), () => ['first'], 2);
          break;
        case 'purge':
          await store.purge(each.what, at(each.minute), 0, 3);
          break;
        case 'erase': {
          const call = await rowOf(each.which);
          if (!call) break;
          await store.erase({
            rows: [call.row],
            number: '+61412345678',
            shown: '***',
            told: [],
            mask: (text) => text,
            holds: () => false,
            unsearchable: false,
            at: at(0),
          });
          break;
        }
        case 'settle':
          await settle(store, each.outcome, each.which);
          break;
        case 'skip': {
          const call = await rowOf(each.which);
          if (call) await store.skip(call.row, ['first', 'second'][each.connector]!, 'A test call.', at(0));
          break;
        }
        case 'replay': {
          const call = await rowOf(each.which);
          if (call) await store.replay([call.row], () => routes[each.route]!, at(0));
          break;
        }
        case 'step':
          await store.indexCalls(readings, read, each.limit);
          break;
        case 'another version':
          readings = { ...readings, version: `${readings.version}+` };
          break;
        case 'read otherwise': {
          const name = sources[each.source]!;
          const source = settings.sources[name]!;
          const region = source.region === 'AU' ? 'NZ' : 'AU';
          settings = { ...settings, sources: { ...settings.sources, [name]: { ...source, region } } };
          readings = { ...readingsOf(settings), version: readings.version };
          break;
        }
        case 'kill':
          await store.close();
          store = await openSqliteStore(file, 'bridge');
          break;
        case 'upgrade':
          await store.close();
          await countWeeks(file);
          store = await openSqliteStore(file, 'bridge');
          break;
      }
    }
    for (let steps = 0; !(await store.indexCalls(readings, read, 3)).isDone; steps++)
      assert.ok(steps < 1_000, 'the index comes to an end');
    await compare(store, settings);
  } finally {
    await store.close();
  }
}

/** What the steps did to a store of the versions that counted no weeks and no connectors. */
async function countWeeks(file: string): Promise<void> {
  const database = openDatabase(file);
  database.exec("delete from call_counts where span = 'week' or facet = 'connector'");
  await weeks.up(kyselyOver(database));
  await connectorCounts.up(kyselyOver(database));
  database.close();
}

async function settle(store: Store, outcome: 'delivered' | 'failed' | 'due', which: number): Promise<void> {
  const lease = (await store.acquireLease('first', 'me', at(which), 1)) as Lease | null;
  if (!lease) return;
  const due = await store.takeDue('first', at(1e6), 10);
  const one = due[which % Math.max(due.length, 1)];
  if (one)
    await store.settle(lease, [
      {
        callRow: one.callRow,
        revision: one.revision,
        attempt: {
          at: at(0),
          tookMs: 1,
          outcome: outcome === 'delivered' ? 'delivered' : outcome === 'failed' ? 'rejected' : 'retry',
          reason: outcome === 'delivered' ? null : 'No.',
          notes: [],
          requests: 1,
          batch: 1,
        },
        records: {},
        next: outcome === 'due' ? { state: 'due', at: at(5) } : { state: outcome },
      },
    ]);
  await store.releaseLease(lease);
}

async function compare(store: Store, settings: Settings): Promise<void> {
  const all = (await store.calls({ limit: 1_000 })).map((view) => ({
    view,
    seen: indexedCall(settings, view.state),
  }));
  const days = [undefined, at(0), at(700), at(3_000)];
  for (const filter of filters(settings)) {
    for (const since of days) {
      for (const until of [undefined, at(1_500)]) {
        const asked = { ...filter, since, until };
        const expected = all.filter((call) => matches(call, asked)).map(({ view }) => view.row);
        assert.equal(await store.findCalls(asked, null, 1_000), expected, JSON.stringify(asked));
        assert.is((await store.countFound(asked, null, 1_000)).calls, expected.length);
        const second = await store.findCalls(asked, expected[0] ?? 1, 1_000);
        assert.equal(second, expected.slice(1));
      }
    }
  }
  for (const [from, to] of [
    [0, 4_400],
    [100, 900],
    [700, 2_300],
    [-28_800, 11_520], // with a whole week of counts, and no month
  ] as const) {
    const { since, until } = toQuarters(at(from), at(to));
    const within = all.filter(({ view }) => {
      const received = view.state.firstReceivedAt.getTime();
      return received >= since && received < until;
    });
    const sumOf = (of: typeof within) => {
      const sum = { calls: 0, answered: 0, unanswered: 0, busy: 0, other: 0, unknown: 0, missed: 0 };
      for (const { seen } of of) {
        sum.calls++;
        sum[(seen.result ?? 'unknown') as 'unknown']++;
        if (seen.missed) sum.missed++;
      }
      return sum;
    };
    const counts = (await store.countCalls([{ since, until }])).map(({ at: _, ...count }) => count);
    assert.equal(counts, within.length > 0 ? [sumOf(within)] : []);
    for (const facet of ['source', 'dealer', 'keyword'] as const) {
      const nameOf = ({ view, seen }: (typeof within)[number]) =>
        facet === 'source' ? view.state.source : seen[facet];
      const names = [...new Set(within.map(nameOf).filter((name) => name !== null))];
      const expected = names
        .map((name) => ({ name, ...sumOf(within.filter((call) => nameOf(call) === name)) }))
        .sort((a, b) => b.calls - a.calls || (a.name < b.name ? -1 : 1));
      assert.equal(await store.topCalls(facet, since, until, 100), expected);
    }
    const placeOf = ({ deliveries }: CallView) => {
      const states = deliveries.map(({ state }) => state);
      return states.length === 0
        ? 'unrouted'
        : (['failed', 'due', 'skipped', 'delivered'] as const).find((state) => states.includes(state));
    };
    const places = within.map(({ view }) => placeOf(view));
    const count = (place: string) => places.filter((one) => one === place).length;
    const range = await store.countRange(new Date(since), new Date(until));
    for (const place of ['failed', 'due', 'skipped', 'delivered', null] as const)
      for (const missed of [true, false]) {
        const expected = within.filter(
          (call) => placeOf(call.view) === (place ?? 'unrouted') && call.seen.missed === missed,
        );
        const counted = range.calls.filter((one) => one.place === place && one.missed === missed);
        assert.is(
          counted.reduce((sum, one) => sum + one.count, 0),
          expected.length,
        );
        for (const { source, count } of counted)
          assert.is(count, expected.filter(({ view }) => view.state.source === source).length);
      }
    for (const { connector, state, count } of range.deliveries) {
      const all = within.flatMap(({ view }) => view.deliveries);
      assert.is(count, all.filter((one) => one.connector === connector && one.state === state).length);
    }
    assert.is(
      range.deliveries.reduce((sum, { count }) => sum + count, 0),
      within.reduce((sum, { view }) => sum + view.deliveries.length, 0),
    );
    assert.equal(await store.tallyCalls(new Date(since), new Date(until)), {
      failed: count('failed'),
      waiting: count('due'),
      skipped: count('skipped'),
      unrouted: count('unrouted'),
      connectors: [...new Set(within.flatMap(({ view }) => view.deliveries.map((one) => one.connector)))]
        .sort()
        .map((connector) => {
          const own = within.flatMap(({ view }) =>
            view.deliveries.filter((one) => one.connector === connector),
          );
          const inState = (state: string) => own.filter((one) => one.state === state).length;
          return {
            connector,
            calls: own.length,
            waiting: inState('due'),
            failed: inState('failed'),
            skipped: inState('skipped'),
          };
        }),
    });
  }
}

function filters(settings: Settings): IndexFilter[] {
  const search = (text: string) => ({ search: searchOf(settings, text, false) });
  return [
    {},
    { source: 'acme' },
    { result: 'busy' },
    { missed: true },
    { missed: false },
    { source: 'beta', result: 'answered' },
    { source: 'beta', missed: true },
    { connector: 'second' },
    { connector: 'first', state: 'due' },
    { state: 'delivered' },
    { state: 'failed' },
    { state: 'skipped', connector: 'first' },
    { state: 'unrouted' },
    search('0412 345'),
    search('+61412345678'),
    search('5679'),
    search('1'),
    search('plumb'),
    search('SUDTOR gas'),
    { ...search('plumb'), state: 'due', source: 'acme' },
    { source: 'acme', result: 'busy', missed: true, connector: 'first' },
  ];
}

/** What the filter says, told apart from how the index finds it. */
function matches({ view, seen }: { view: CallView; seen: IndexedCall }, filter: IndexFilter): boolean {
  const { state, deliveries } = view;
  const { search } = filter;
  const received = state.firstReceivedAt;
  if (filter.since && received < filter.since) return false;
  if (filter.until && received >= filter.until) return false;
  if (filter.source !== undefined && state.source !== filter.source) return false;
  if (filter.result !== undefined && seen.result !== filter.result) return false;
  if (filter.missed !== undefined && seen.missed !== filter.missed) return false;
  if (filter.state === 'unrouted') {
    if (deliveries.length > 0) return false;
  } else if (filter.state !== undefined || filter.connector !== undefined) {
    const isOne = deliveries.some(
      (delivery) =>
        (filter.connector === undefined || delivery.connector === filter.connector) &&
        (filter.state === undefined || delivery.state === filter.state),
    );
    if (!isOne) return false;
  }
  if (!search) return true;
  const { caller } = seen;
  return (
    search.callers.some((beginning) => caller?.startsWith(beginning)) ||
    search.callerEnds.some((end) => caller?.endsWith(end)) ||
    search.callIds.some((id) => state.callId.startsWith(id)) ||
    (search.words.length > 0 && search.words.every((word) => seen.words.some((one) => one.startsWith(word))))
  );
}

index('is what a plain computation over all calls says, whatever happened', () =>
  withFolder(async (folder) => {
    const { settings } = await load(
      'sources: { acme: {}, beta: { callIdPrefix: b- } }\nroutes: [{ to: [first, second] }]\nconnectors: { first: { type: sandbox }, second: { type: sandbox } }\n',
    );
    const empty = join(folder, 'empty.db');
    await (await openSqliteStore(empty, 'bridge')).close();
    let n = 0;
    const details = await fc.check(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 40, size: 'max' }), async (commands) => {
        const file = join(folder, `${n++}.db`);
        await copyFile(empty, file);
        try {
          await run(file, settings, commands);
        } finally {
          for (const part of ['', '-wal', '-shm', '.lock']) await rm(file + part, { force: true });
        }
      }),
      { numRuns: runs },
    );
    if (!details.failed) return;
    const [commands] = details.counterexample ?? [];
    const told = (commands ?? []).map((each) => `  ${JSON.stringify(each)}`).join('\n');
    throw new Error(`${(details.errorInstance as Error).message}\n${told}`, { cause: details.errorInstance });
  }),
);

/*
 * The index followed the pushes by the last id that it had seen. On a database where commits overlap, a push with a lower
 * id is committed after one with a higher id, and was passed by for good.
 */
index('a push that is committed after one with a higher id is not passed by', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const store = await openSqliteStore(file, 'bridge');
    const read = () => ({
      result: null,
      missed: false,
      caller: null,
      dealer: null,
      keyword: null,
      words: [],
    });
    const found = async () => {
      while (!(await store.indexCalls({ version: '1', sources: {} }, read, 8)).isDone);
      return (await store.findCalls({}, null, 10)).length;
    };
    const other = openDatabase(file);
    try {
      await found();
      await store.record(newPush({ PLA_Call_Id: 'higher' }));
      other.exec('update pushes set id = 1000 where id = 1');
      assert.is(await found(), 1);
      other.exec('update pushes set id = 1 where id = 1000');
      await store.record(newPush({ PLA_Call_Id: 'lower' }));
      assert.is(await found(), 2);
    } finally {
      other.close();
      await store.close();
    }
  }),
);

index.run();
