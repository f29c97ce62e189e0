import type { Connection, Delivery, Outcome, RecordRef } from '../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import type { TestTools } from '../support/connector-tools.ts';
import { assert, suite } from '../support/suite.ts';

/** A CRM as its emulator shows it, and as its administrators and users change it. */
export interface RuledCrm {
  /** A fresh connection, with settings as YAML gives them beside the log-in. What `tools` keep is all that is remembered. */
  open(settings: Record<string, unknown>, tools?: TestTools): Promise<Connection>;
  /** A field that an administrator makes, of activities or of whatever people may be. Returns its name. */
  addField(of: 'activity' | 'person', kind: 'number' | 'boolean'): string;
  /** What it holds of a record. */
  held(record: RecordRef): Record<string, unknown>;
}

/** What must be the same in every CRM: the same settings and the same calls do the same, whatever the CRM calls it. */
export function crmContract(
  name: string,
  withCrm: (use: (crm: RuledCrm) => Promise<void>) => Promise<void>,
): void {
  const contract = suite(`CRM contract: ${name}`);

  async function deliver(connection: Connection, delivery: Delivery): Promise<Outcome> {
    const [outcome] = await connection.deliver([delivery], AbortSignal.timeout(20_000));
    return outcome as Outcome;
  }

  const whole = (id: string, start: Record<string, string> = {}, end: Record<string, string> = {}) =>
    deliveryOf([startPush(id, start), endPush(id, end)]);

  contract('$1,250.00 is a number and yes a yes wherever the field is one', () =>
    withCrm(async (crm) => {
      const properties = {
        [crm.addField('activity', 'number')]: '$1,250.00',
        [crm.addField('activity', 'boolean')]: 'yes',
      };
      const outcome = await deliver(await crm.open({ activity: { properties } }), whole('1'));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.is(outcome.notes, undefined);
      const held = crm.held(outcome.records?.activity as RecordRef);
      assert.equal(
        Object.keys(properties).map((field) => String(held[field])),
        ['1250', 'true'],
      );
    }),
  );

  contract.run();
}
