import { model } from '../../connectors/sandbox/model.ts';
import { options } from '../../connectors/sandbox/options.ts';
import { CrmEngine, CrmRequestFailed, type Row, type SimpleCrm, simpleDriver } from '../../src/crm/index.ts';
import { deliveryOf, startPush } from '../support/build-push.ts';
import { testTools } from '../support/connector-tools.ts';
import { movingClock } from '../support/moving-clock.ts';
import { assert, suite } from '../support/suite.ts';

const unkeyed = suite('people whose keys are not unique');

/** A CRM that keeps no key unique, and whose searches find nothing until it is told to. */
class LaggingCrm implements SimpleCrm {
  readonly name = 'Lagging';
  readonly keys = { lagMs: 60_000 };
  readonly records: (Row & { type: string })[] = [];
  /** Of the next making of people: whether it is carried out, though no answer comes. */
  lost: boolean | undefined;
  isShown = false;

  async create(type: string, all: readonly Row['fields'][]) {
    const { lost } = this;
    if (type === 'contact') this.lost = undefined;
    const made = all.map((fields) => ({ type, id: String(this.records.length + 1), fields }));
    if (type !== 'contact' || lost !== false) this.records.push(...made);
    if (type === 'contact' && lost !== undefined)
      throw new CrmRequestFailed({ kind: 'retry', reason: 'No answer.', isUnanswered: true });
    return made.map(({ id }) => ({ id }));
  }

  async update(_: string, changes: readonly { id: string }[]) {
    return changes.map(({ id }) => ({ id }));
  }

  async read(type: string, { field, values }: { field: string; values: readonly string[] }) {
    const key = (row: Row) => String(field === 'id' ? row.id : row.fields[field]);
    return this.records.filter(
      (row) => row.type === type && (field === 'id' || this.isShown) && values.includes(key(row)),
    );
  }

  async search() {
    return [];
  }

  async users() {
    return new Map();
  }
}

for (const lost of [true, false])
  unkeyed(
    `the answer to their making is lost, and it was ${lost ? 'carried out' : 'not'}: one in the end`,
    async () => {
      const crm = new LaggingCrm();
      const { clock, pass } = movingClock();
      const tools = testTools({ clock });
      const settings = options.parse({});
      const deliver = async () => {
        const engine = new CrmEngine(simpleDriver(crm, model, settings), settings, tools);
        const [outcome] = await engine.deliver([deliveryOf([startPush('1')])], AbortSignal.timeout(5_000));
        return outcome;
      };
      crm.lost = lost;
      assert.is((await deliver())?.kind, 'retry');
      const waiting = await deliver();
      assert.is(waiting?.kind, 'retry', JSON.stringify(waiting));
      assert.match(JSON.stringify(waiting), 'does not keep the keys of people unique');
      const notBefore = waiting?.kind === 'retry' ? waiting.notBefore?.getTime() : undefined;
      assert.ok((notBefore ?? 0) - clock.now().getTime() > 9 * 60_000, 'ten times the lag');
      pass(10 * 60_000);
      crm.isShown = true;
      const outcome = await deliver();
      assert.is(outcome?.kind, 'delivered', JSON.stringify(outcome));
      const people = crm.records.filter(({ type }) => type === 'contact');
      assert.equal(
        people.map(({ id }) => id),
        [outcome?.records?.person?.id],
      );
    },
  );

unkeyed.run();
