import { laneOf } from '../../src/call/call.ts';
import type { Fields } from '../../src/call/push.ts';
import { openDatabase } from '../../src/runtime/sqlite.ts';
import { startOf, stepOfMs } from '../../src/store/time-buckets.ts';
import { pick as pickOf, seeded } from '../support/random.ts';

const year = 365 * 86_400_000;
const random = seeded(7);
const pick = <T>(from: readonly T[]): T => pickOf(random, from);

const dealers = Array.from(
  { length: 300 },
  (_, n) =>
    `${pick(['Northside', 'Harbour', 'Southern', 'Western', 'Central'])} ${pick(['Plumbing', 'Gas', 'Electrical', 'Roofing', 'Tiling'])} ${n}`,
);
const terms = [
  'hot',
  'water',
  'emergency',
  'blocked',
  'drain',
  'gas',
  'fitter',
  'repair',
  'near',
  'me',
  'cheap',
  'best',
  'after',
  'hours',
  'leak',
  'tap',
  'heater',
  'sydney',
  'perth',
  'auckland',
];
const keywords = Array.from({ length: 5_000 }, () =>
  Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(terms)).join(' '),
);
const cities = ['Sydney', 'Perth', 'Melbourne', 'Brisbane', 'Adelaide', 'Darwin', 'Hobart'];

/** Calls that are still on their way to the CRM: the newest ones. */
const waiting = 5_000;
const inATransaction = 50_000;

/**
 * Puts the calls of a year into an empty store's tables, as receiving and delivering would leave them; all but the
 * index, which follows by steps of its own. A call has two pushes, and two attempts for each connector.
 */
export function fillYear(file: string, calls: number, now: number): void {
  const database = openDatabase(file);
  database.exec('pragma synchronous=off; pragma cache_size=-200000');
  const addCall = database.prepare(
    'insert into calls (id, source, call_id, revision, lane, first_received_at, last_received_at, end_received_at, lapsed, lapse_at) values (?, ?, ?, 2, ?, ?, ?, ?, 0, null)',
  );
  const addPush = database.prepare(
    'insert into pushes (id, call, received_at, body, repeats, last_repeat_at) values (?, ?, ?, ?, 0, null)',
  );
  const addDelivery = database.prepare(
    'insert into deliveries (call, connector, state, wanted_revision, delivered_revision, due_at, attempts, failures, failing_since, last_reason, records) values (?, ?, ?, 2, ?, ?, ?, 0, null, ?, ?)',
  );
  const addAttempt = database.prepare(
    'insert into attempts (call, connector, n, at, took_ms, revision, outcome, reason, notes, requests, batch) values (?, ?, ?, ?, 120, ?, ?, ?, ?, 3, 1)',
  );
  const addPerson = database.prepare(
    'insert or ignore into people (connector, number, type, id) values (?, ?, ?, ?)',
  );
  const addLag = database.prepare(
    'insert into lag_counts (span, connector, at, step, deliveries) values (?, ?, ?, ?, 1) on conflict do update set deliveries = deliveries + 1',
  );
  const deliver = (
    call: number,
    connector: string,
    number: string,
    at: { start: number; end: number },
    state: 'due' | 'failed' | 'delivered',
  ) => {
    const reason = 'Property values were not valid: the stage does not exist.';
    const records = JSON.stringify({
      person: { type: 'contact', id: number.slice(-7) },
      activity: { type: 'call', id: String(call) },
    });
    const delivered = { due: 0, failed: 1, delivered: 2 }[state];
    const attempts = { due: 0, failed: 2, delivered: 2 }[state];
    addDelivery.run(
      call,
      connector,
      state,
      delivered,
      state === 'due' ? at.start : null,
      attempts,
      state === 'failed' ? reason : null,
      delivered > 0 ? records : '{}',
    );
    for (let n = 1; n <= attempts; n++) {
      const isRefused = n > delivered;
      const received = n === 1 ? at.start : at.end;
      const lag = 100 + Math.floor(random() ** 4 * 20_000);
      addAttempt.run(
        call,
        connector,
        n,
        received + lag,
        n,
        isRefused ? 'rejected' : 'delivered',
        isRefused ? reason : null,
        n === 1 ? '["Person: Known from an earlier call."]' : '[]',
      );
      if (isRefused) continue;
      for (const span of ['quarter', 'day'] as const)
        addLag.run(span, connector, startOf(span, received + lag), stepOfMs(lag));
    }
    if (delivered > 0) addPerson.run(connector, number, 'contact', number.slice(-7));
  };
  database.exec('begin');
  for (let n = 1; n <= calls; n++) {
    const start = Math.floor(now - year + (n / calls) * (year - 200_000));
    const source = random() < 0.7 ? 'acme' : random() < 0.9 ? 'beta' : 'gamma';
    const seconds = 5 + Math.floor(random() * 170);
    const end = start + seconds * 1000;
    const number = `+614${String((Math.floor(random() * calls * 0.6) * 37) % 1e8).padStart(8, '0')}`;
    const id = { PLA_Call_Id: String(7_000_000 + n), PLA_CID: '123' };
    const begins: Fields = {
      ...id,
      PLA_Caller_Phone_Number: number,
      PLA_City: pick(cities),
      PLA_Number_Dialed: '0288889999',
      PLA_Dealer_Name: pick(dealers),
      PLA_Keywords_Searched: random() < 0.6 ? pick(keywords) : '',
      PLA_Search_Engine_Used: pick(['google', 'bing', 'direct']),
      PLA_CallStartTime: String(start).padStart(20, '0'),
    };
    const ends: Fields = {
      ...id,
      PLA_Answering_Point: '0298989898',
      PLA_CallResult: pick(['Answered', 'Answered', 'Answered', 'Unanswered', 'Busy']),
      PLA_Duration: `${seconds}s`,
    };
    addCall.run(n, source, id.PLA_Call_Id, laneOf('', begins), start, end, end);
    addPush.run(2 * n - 1, n, start, JSON.stringify(begins));
    addPush.run(2 * n, n, end, JSON.stringify(ends));
    if (random() >= 0.002) {
      const isWaiting = n > calls - waiting;
      deliver(
        n,
        'crm',
        number,
        { start, end },
        isWaiting ? 'due' : random() < 0.003 ? 'failed' : 'delivered',
      );
      if (source === 'gamma') deliver(n, 'other', number, { start, end }, 'delivered');
    }
    if (n % inATransaction === 0) database.exec('commit; begin');
  }
  database.exec('commit');
  database.close();
}
