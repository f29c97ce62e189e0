import { join } from 'node:path';
import {
  type Connection,
  type Delivery,
  defineConnector,
  knownPerson,
  OpenFollowUps,
  type Outcome,
  type RecordDraft,
  type Records,
  type Tools,
} from '../../src/connector/index.ts';
import { settleFollowUps } from '../../src/crm/index.ts';
import { draftActivity, draftFollowUp, draftPerson, draftSale } from './drafts.ts';
import { LocalCrm } from './local-crm.ts';
import { options, type SandboxOptions } from './options.ts';
import { RefuseOnce } from './refuse-once.ts';
import { RehearsingCrm } from './rehearsal.ts';

/*
 * A CRM in a file: the default, so that the bridge can be tried without an account anywhere. It is also the smallest
 * connector that keeps every promise of the contract: the one to copy.
 */

export default defineConnector({
  type: 'sandbox',
  options,
  draft: (options, delivery) => drafts(options, delivery),
  open: (options, tools) => connectionTo(new LocalCrm(fileIn(tools)), options, tools),
  openRehearsal: (options, tools, rehearsal) =>
    connectionTo(new RehearsingCrm(fileIn(tools), rehearsal), options, tools),
});

function fileIn({ dataDir }: Tools): string {
  return join(dataDir, 'sandbox.db');
}

function drafts(options: SandboxOptions, delivery: Delivery): RecordDraft[] {
  const left = [
    options.activity.isWritten ? draftActivity(options, delivery) : [],
    draftFollowUp(options, delivery) ?? [],
    draftSale(options, delivery) ?? [],
  ].flat();
  return left.length === 0 ? [] : [draftPerson(options, delivery) ?? [], left].flat();
}

function connectionTo(crm: LocalCrm, options: SandboxOptions, { memory }: Tools): Connection {
  const followUps = new OpenFollowUps(options.followUp, memory);
  const refuseOnce = new RefuseOnce(options.refuseOnce, memory);
  return {
    limits: { batch: 100, parallel: 1 },
    async deliver(batch) {
      const refused = await refuseOnce.of(batch);
      const outcomes = crm.inOneCommit(() =>
        batch.map((delivery) => (refused.has(delivery) ? refusal : write(crm, options, delivery))),
      );
      await followUps.add(
        batch.flatMap((delivery, i) => {
          const followUp = outcomes[i]?.records?.followUp;
          return followUp ? [{ delivery, followUp }] : [];
        }),
      );
      const settled = await settleFollowUps(followUps, batch, async (ids) => {
        for (const id of ids) crm.update({ type: 'task', id }, { status: 'completed' });
        return new Map();
      });
      return outcomes.map((outcome, i) => {
        const notes = settled.get(batch[i] as Delivery)?.notes;
        return notes ? { ...outcome, notes: [...(outcome.notes ?? []), ...notes] } : outcome;
      });
    },
    check: async () => [{ level: 'ok', subject: 'file', message: `Records are written to ${crm.file}.` }],
    plan: async () => [],
    apply: async () => {},
    read: async (record) => crm.read(record),
    link: () => undefined,
    close: async () => crm.close(),
  };
}

const refusal: Outcome = {
  kind: 'rejected',
  reason: 'The sandbox refuses this call once, as refuseOnce says: replay it, and it is written.',
};

/** Every record is written under its key, so that writing it again finds it. */
function write(crm: LocalCrm, options: SandboxOptions, delivery: Delivery): Outcome {
  if (options.write === 'atEnd' && delivery.call.phase === 'ringing') {
    return { kind: 'delivered', records: {}, notes: ['Waits for the end of the call.'] };
  }
  const records: Records = {};
  let whyPerson: string | undefined;
  const left = [draftFollowUp(options, delivery), draftSale(options, delivery)].filter((one) => one !== null);
  const { isWritten } = options.activity;
  if (!isWritten && left.length === 0) return { kind: 'delivered', records };
  const person = draftPerson(options, delivery);
  const isKnown = delivery.records.person !== undefined;
  if (person) {
    const found = crm.find('contact', person.key?.value ?? '');
    if (found) {
      records.person = found;
      if (!isKnown) whyPerson = knownPerson;
    } else if (options.person.create) {
      records.person = crm.create(person);
      whyPerson = 'Created, as nobody had this number.';
    }
  }
  const activity = draftActivity(options, delivery);
  const known = isWritten ? crm.find('call', delivery.key) : undefined;
  if (isWritten) records.activity = known ?? crm.create(activity);
  if (known) {
    const { owner, ...rest } = activity.properties;
    const isOwned = crm.read(known)?.['owner'] !== undefined; // who has it is people's to say
    crm.update(known, isOwned ? rest : activity.properties);
  }
  if (records.person && records.activity) crm.link(records.activity, records.person);
  for (const draft of left) {
    const record = crm.find(draft.type, delivery.key) ?? crm.create(draft);
    records[draft.role] = record;
    if (records.person) crm.link(record, records.person);
  }
  return { kind: 'delivered', records, ...(whyPerson ? { whyPerson } : {}) };
}
