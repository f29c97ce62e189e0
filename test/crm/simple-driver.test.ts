import { model as sandbox } from '../../connectors/sandbox/model.ts';
import { options } from '../../connectors/sandbox/options.ts';
import {
  CrmEngine,
  CrmRequestFailed,
  type Row,
  type SimpleCrm,
  type SimpleModel,
  simpleDriver,
} from '../../src/crm/index.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { testTools } from '../support/connector-tools.ts';
import { movingClock } from '../support/moving-clock.ts';
import { assert, suite } from '../support/suite.ts';

const simple = suite('simple driver');

/** What calls leave is of one type: which it is, only the field that has the key tells. */
const model: SimpleModel = {
  ...sandbox,
  activity: { ...sandbox.activity, type: 'note', key: 'callKey' },
  followUp: { ...sandbox.followUp, type: 'note', key: 'taskKey' },
  sale: { ...sandbox.sale, type: 'note', key: 'saleKey' },
};

class MemoryCrm implements SimpleCrm {
  readonly name = 'Memory';
  readonly keys: SimpleCrm['keys'];
  readonly most?: number;
  readonly rows: (Row & { type: string })[] = [];
  /** How many each request was for, by what it was. */
  readonly asked: [request: string, count: number][] = [];
  /** Whether an answer to the making of records is lost. */
  loses: (records: readonly Row['fields'][]) => boolean = () => false;
  refuses: (request: string, nth: number) => boolean = () => false;

  constructor(keys: SimpleCrm['keys'], most?: number) {
    this.keys = keys;
    if (most !== undefined) this.most = most;
  }

  #ask(request: string, { length }: readonly unknown[]): void {
    this.asked.push([request, length]);
    if (this.refuses(request, this.of(request).length))
      throw new CrmRequestFailed({ kind: 'retry', scope: 'connector', reason: 'Too busy.', isUndone: true });
  }

  of(request: string): number[] {
    return this.asked.filter(([one]) => one === request).map(([, count]) => count);
  }

  async create(type: string, all: readonly Row['fields'][]) {
    this.#ask(`create ${type}`, all);
    const made = all.map((fields) => {
      const row = { type, id: String(this.rows.length + 1), fields };
      this.rows.push(row);
      return { id: row.id };
    });
    if (this.loses(all)) throw new CrmRequestFailed({ kind: 'retry', reason: 'No answer.' });
    return made;
  }

  async update(type: string, changes: readonly Row[]) {
    this.#ask(`update ${type}`, changes);
    for (const { id, fields } of changes)
      Object.assign(this.rows.find((row) => row.id === id)?.fields ?? {}, fields);
    return changes.map(({ id }) => ({ id }));
  }

  async read(type: string, { field, values }: { field: string; values: readonly string[] }) {
    this.#ask(`read ${type} by ${field}`, values);
    const named = ({ id, fields }: Row) => values.includes(String(field === 'id' ? id : fields[field]));
    return this.rows.filter((row) => row.type === type && named(row));
  }

  async search(callers: readonly unknown[]) {
    this.#ask('search', callers);
    return [];
  }

  async users(addresses: readonly string[]) {
    this.#ask('users', addresses);
    return new Map(
      addresses.flatMap((one) => (one.startsWith('jane') ? [[one, { id: 'u1' }] as const] : [])),
    );
  }
}

const signal = () => AbortSignal.timeout(5_000);
const number = (nth: number) => ({ PLA_Caller_Phone_Number: `+6144444444${nth}` });
const missed = { PLA_CallResult: 'Unanswered' };

for (const keys of ['unique', { lagMs: 0 }] as const)
  simple(`records of one type are told apart by their key fields, ${JSON.stringify(keys)}`, async () => {
    const crm = new MemoryCrm(keys);
    const { clock, pass } = movingClock();
    const settings = options.parse({
      followUp: { when: 'call.dealer.id' },
      sale: { when: 'call.dealer.id', stage: 's' },
    });
    const tools = testTools({ clock });
    const deliver = async () => {
      const engine = new CrmEngine(simpleDriver(crm, model, settings), settings, tools);
      pass(600_000);
      const [outcome] = await engine.deliver([deliveryOf([startPush('1'), endPush('1')])], signal());
      return outcome;
    };
    const kinds = () =>
      crm.rows.map(({ fields }) => Object.keys(fields).filter((one) => one.endsWith('Key')));
    crm.loses = (all) => keys !== 'unique' && all.some((one) => 'taskKey' in one);
    if (keys !== 'unique') assert.is((await deliver())?.kind, 'retry');
    crm.loses = () => false;
    const outcome = await deliver();
    assert.is(outcome?.kind, 'delivered', JSON.stringify(outcome));
    assert.equal(kinds(), [[], ['callKey'], ['taskKey'], ['saleKey']]);
    const { activity, followUp, sale } = outcome?.records ?? {};
    assert.equal([activity?.id, followUp?.id, sale?.id], ['2', '3', '4']);
    if (keys === 'unique') return;
    assert.equal((await deliver())?.records, outcome?.records, 'without the memory of it, too');
    assert.is(crm.rows.length, 4);
  });

simple('what an earlier version noted of records without unique keys is read', async () => {
  const crm = new MemoryCrm({ lagMs: 0 });
  const settings = options.parse({});
  const tools = testTools();
  const deliver = async (id: string) => {
    const engine = new CrmEngine(simpleDriver(crm, sandbox, settings), settings, tools);
    const [outcome] = await engine.deliver([deliveryOf([startPush(id)])], signal());
    return outcome;
  };
  tools.kept.set('made calls', '[["1","7"]]');
  assert.is((await deliver('1'))?.records?.activity?.id, '7');
  tools.kept.set('making calls 2', String(Date.now()));
  assert.is((await deliver('2'))?.kind, 'retry');
});

simple('each is written once in an attempt, also where several roles have one type', async () => {
  const crm = new MemoryCrm({ lagMs: 0 });
  const settings = options.parse({});
  const engine = new CrmEngine(simpleDriver(crm, model, settings), settings, testTools());
  await engine.deliver([deliveryOf([startPush('1')])], signal());
  assert.equal([crm.of('create note'), crm.of('update note')], [[1], []]);
});

simple('no request is for more than the CRM takes', async () => {
  const crm = new MemoryCrm('unique', 2);
  const settings = options.parse({ followUp: { doneWhen: 'reached' } });
  const engine = new CrmEngine(simpleDriver(crm, model, settings), settings, testTools());
  const numbers = [0, 1, 2, 3, 4];
  const at = (hour: number) => ({ PLA_CallStartTime: `2026-10-01T0${hour}:00:00Z` });
  const calls = (hour: number, end = {}) =>
    numbers.map((nth) => {
      const id = `${hour}${nth}`;
      return deliveryOf([startPush(id, { ...number(nth), ...at(hour) }), endPush(id, end)]);
    });
  for (const batch of [calls(1, missed), calls(2, missed), calls(3)])
    for (const outcome of await engine.deliver(batch, signal()))
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
  assert.equal(crm.of('create contact'), [2, 2, 1]);
  assert.equal(crm.of('search'), [2, 2, 1]);
  assert.equal(crm.of('update note'), [2, 2, 2, 2, 2], 'the follow-ups of two calls each');
  assert.is(
    crm.asked.every(([, count]) => count <= 2),
    true,
    JSON.stringify(crm.asked),
  );
});

simple(
  'a part that fails costs those before it nothing, and none is sent after the CRM is too busy',
  async () => {
    const crm = new MemoryCrm('unique', 2);
    const settings = options.parse({});
    const engine = new CrmEngine(simpleDriver(crm, model, settings), settings, testTools());
    crm.refuses = (request, nth) => request === 'create note' && nth === 2;
    const batch = [0, 1, 2, 3, 4].map((nth) => deliveryOf([startPush(`${nth}`, number(nth))]));
    const outcomes = await engine.deliver(batch, signal());
    assert.equal(
      outcomes.map(({ kind }) => kind),
      ['delivered', 'delivered', 'retry', 'retry', 'retry'],
    );
    assert.equal(crm.of('create note'), [2, 2]);
  },
);

for (const refused of ['contact', 'note'])
  simple(
    `without unique keys, a ${refused} that was refused by a limit is made at the next attempt`,
    async () => {
      const crm = new MemoryCrm({ lagMs: 0 }, 2);
      const settings = options.parse({});
      const engine = new CrmEngine(simpleDriver(crm, model, settings), settings, testTools());
      const batch = [0, 1, 2, 3, 4].map((nth) => deliveryOf([startPush(`${nth}`, number(nth))]));
      const kinds = async () => (await engine.deliver(batch, signal())).map(({ kind }) => kind);
      crm.refuses = (request, nth) => request === `create ${refused}` && nth === 2;
      assert.equal(await kinds(), ['delivered', 'delivered', 'retry', 'retry', 'retry']);
      assert.equal(await kinds(), Array(5).fill('delivered'));
      assert.is(crm.rows.length, 10);
    },
  );

simple('of an owner whom the CRM does not know a note tells, and it is not asked again', async () => {
  const crm = new MemoryCrm('unique');
  const map = { '0298989898': 'joe@acme.example' };
  const settings = options.parse({ owner: { by: 'call.answeredBy.number', map } });
  const engine = new CrmEngine(simpleDriver(crm, model, settings), settings, testTools());
  const [outcome] = await engine.deliver([deliveryOf([startPush('1'), endPush('1')])], signal());
  assert.is(outcome?.kind, 'delivered', JSON.stringify(outcome));
  assert.match(JSON.stringify(outcome?.notes), 'No owner was set: Memory has no user joe@acme.example');
  assert.equal(crm.of('users'), [1]);
});

simple.run();
