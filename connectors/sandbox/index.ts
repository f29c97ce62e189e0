import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Connection,
  type Delivery,
  defineConnector,
  holds,
  type Outcome,
  type Tools,
} from '../../src/connector/index.ts';
import { CrmEngine, draftsFrom, draftsOf, simpleDriver } from '../../src/crm/index.ts';
import { LocalCrm } from './local-crm.ts';
import { model } from './model.ts';
import { options, type SandboxOptions } from './options.ts';

/*
 * A CRM in a file: the default, so that the bridge can be tried without an account anywhere. It is also the smallest
 * connector that stands on the engine: the one to copy.
 */

export default defineConnector({
  type: 'sandbox',
  options,
  draft: (options, delivery) => draftsOf(draftsFrom(model, options), delivery),
  open: (options, tools) => connectionTo(new LocalCrm(fileIn(tools), options.keys), options, tools),
  /** In memory: empty, or with what the file holds. */
  openDry(options, tools, { online, plan }) {
    const crm = new LocalCrm(':memory:', options.keys, (method, path, fields) =>
      plan({ method, path, body: JSON.parse(JSON.stringify(fields)), sent: false }),
    );
    const file = fileIn(tools);
    if (online && existsSync(file)) crm.copyFrom(file);
    return connectionTo(crm, options, tools);
  },
});

const fileIn = ({ dataDir }: Tools) => join(dataDir, 'sandbox.db');

function connectionTo(crm: LocalCrm, options: SandboxOptions, tools: Tools): Connection {
  const engine = new CrmEngine(simpleDriver(crm, model, options), options, tools);
  return {
    limits: { batch: 100, parallel: 1 },
    async deliver(batch, signal) {
      const refused = await refusedOnce(batch, options, tools);
      const due = batch.filter((delivery) => !refused.has(delivery));
      const outcomes = await engine.deliver(due, signal);
      return batch.map((delivery) => outcomes[due.indexOf(delivery)] ?? refusal);
    },
    check: async () => [{ level: 'ok', subject: 'file', message: `Records are written to ${crm.file}.` }],
    plan: async () => [],
    apply: async () => {},
    read: async ({ type, id }) => (await crm.read(type, { field: 'id', values: [id] }))[0]?.fields ?? null,
    link: () => undefined,
    close: async () => crm.close(),
  };
}

const refusal: Outcome = {
  kind: 'rejected',
  reason: 'The sandbox refuses this call once, as refuseOnce says: replay it, and it is written.',
};

/** Those that meet the condition for the first time: so that a failure can be looked at, and replayed. */
async function refusedOnce(
  batch: readonly Delivery[],
  { refuseOnce }: SandboxOptions,
  { memory }: Tools,
): Promise<ReadonlySet<Delivery>> {
  if (!refuseOnce) return new Set();
  const met = batch.filter(({ call, source }) => holds(refuseOnce, { call, timezone: source.timezone }));
  const nameOf = ({ key }: Delivery) => `refused ${key}`;
  const before = await memory.recall(met.map(nameOf));
  const refused = met.filter((delivery) => !before.has(nameOf(delivery)));
  if (refused.length > 0)
    await memory.remember(new Map(refused.map((delivery) => [nameOf(delivery), 'yes'])));
  return new Set(refused);
}
