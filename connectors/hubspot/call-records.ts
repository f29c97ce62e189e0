import type { Values } from '../../src/connector/index.ts';
import type { CallRecord, Change, CrmFailure, Existing, RecordDriver, Written } from '../../src/crm/index.ts';
import type { HubSpotApi } from './api.ts';
import { type Link, type LinkFrom, linksTo } from './associations.ts';
import { insteadOn, withKnownStatus } from './call-status.ts';
import type { Companies } from './companies.ts';
import { areSearched, type Facts, type HubSpotFacts } from './facts.ts';
import { type Failure, RequestFailed } from './failures.ts';
import { objectTypes } from './holds.ts';
import type { HubSpotOptions } from './options.ts';
import type { Pipelines } from './pipelines.ts';
import type { Draft, Fate, Records } from './records.ts';
import { findBySearch } from './search-by-key.ts';
import { secondLook } from './second-look.ts';
import { ownerName, ownProperties } from './setup-names.ts';

/** Calls, tasks and deals. */
export class CallRecords implements RecordDriver {
  readonly #api: HubSpotApi;
  readonly #records: Records;
  readonly #options: HubSpotOptions;
  readonly #facts: HubSpotFacts;
  readonly #pipelines: Pipelines;
  /** Undefined where calls are not linked to companies. */
  readonly #companies: Companies | undefined;

  constructor(
    api: HubSpotApi,
    records: Records,
    options: HubSpotOptions,
    facts: HubSpotFacts,
    pipelines: Pipelines,
    companies: Companies | undefined,
  ) {
    this.#api = api;
    this.#records = records;
    this.#options = options;
    this.#facts = facts;
    this.#pipelines = pipelines;
    this.#companies = companies;
  }

  async create(records: readonly CallRecord[], signal: AbortSignal): Promise<Written[]> {
    const account = await this.#facts.all();
    const written = new Map<CallRecord, Written>();
    for (const [objectType, those] of byType(records)) {
      try {
        const linksOf = await this.#linksOf(those, signal);
        const drafts = those.map((record) => ({
          ...draftOf(record, record.values, account),
          links: linksOf(record),
        }));
        const fates = await this.#records.create(objectType, drafts, signal);
        for (const record of those) written.set(record, this.#read(record, fates));
      } catch (thrown) {
        if (!(thrown instanceof RequestFailed)) throw thrown;
        for (const record of those) written.set(record, { failure: thrown.failure });
      }
    }
    return records.map((record) => written.get(record) as Written);
  }

  async update(changes: readonly Change[], signal: AbortSignal): Promise<Written[]> {
    const account = await this.#facts.all();
    const idOf = new Map(changes.map((change) => [change.record, change]));
    const written = new Map<CallRecord, Written>();
    for (const [objectType, those] of byType([...idOf.keys()])) {
      const drafts = those.map((record) => {
        const { id, values } = idOf.get(record) as Change;
        return { ...draftOf(record, values, account), id };
      });
      const fates = await this.#records.update(objectType, drafts, signal);
      for (const record of those) written.set(record, this.#read(record, fates));
    }
    return changes.map(({ record }) => written.get(record) as Written);
  }

  async find(records: readonly CallRecord[], signal: AbortSignal): Promise<Map<CallRecord, Existing>> {
    const account = await this.#facts.all();
    const found = new Map<CallRecord, Existing>();
    for (const [objectType, those] of byType(records)) {
      const keys = those.map(({ key }) => key.value);
      const ids = areSearched(objectType, account)
        ? await findBySearch(this.#api, objectType, keys, signal)
        : await this.#readByKey(objectType, keys, signal);
      for (const record of those) {
        const id = ids.get(record.key.value);
        if (id !== undefined) found.set(record, { id, isLinked: false });
      }
    }
    return found;
  }

  async #readByKey(
    objectType: LinkFrom,
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<Map<string, string>> {
    const key = ownProperties[objectType];
    const rows = await this.#api.read(objectType, keys, { idProperty: key, properties: [key] }, signal);
    return new Map(rows.map((row) => [row.properties[key] ?? '', row.id]));
  }

  async link(
    records: ReadonlyMap<CallRecord, string>,
    signal: AbortSignal,
  ): Promise<Map<CallRecord, CrmFailure | undefined>> {
    const failures = new Map<CallRecord, CrmFailure | undefined>();
    for (const [objectType, those] of byType([...records.keys()])) {
      try {
        const linksOf = await this.#linksOf(those, signal);
        for (const to of ['contacts', 'companies', 'calls'] as const) {
          const links = those.flatMap((record) => {
            const target = linksOf(record).find((link) => link.to === to);
            const fromId = records.get(record) as string;
            return target && !failures.get(record) ? [{ record, fromId, toId: target.id }] : [];
          });
          if (links.length === 0) continue;
          const linked = await this.#api.link(objectType, to, links, signal);
          const refused = links.flatMap(({ record, fromId, toId }) => {
            const failure = linked.get(fromId)?.failure;
            return failure ? [{ record, failure, links: [{ to, id: toId }] }] : [];
          });
          const meant = await secondLook(this.#api, objectType, refused, signal);
          refused.forEach(({ record }, place) => {
            failures.set(record, asOrphan(meant[place] as Failure));
          });
        }
      } catch (thrown) {
        if (!(thrown instanceof RequestFailed)) throw thrown;
        for (const record of those) failures.set(record, thrown.failure);
      }
    }
    return failures;
  }

  async prepareSales(
    sales: readonly CallRecord[],
    signal: AbortSignal,
  ): Promise<Map<CallRecord, CrmFailure>> {
    const place = await this.#pipelines.place(signal).catch((thrown) => {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      return thrown.failure;
    });
    if ('reason' in place) return new Map(sales.map((sale) => [sale, place]));
    if ('problem' in place) {
      const reason = `${place.problem} ${place.fix} Then replay the call.`;
      return new Map(sales.map((sale) => [sale, { kind: 'rejected', reason }]));
    }
    const mapped = this.#options.sale?.properties ?? {};
    for (const sale of sales) {
      if (!('dealstage' in mapped)) sale.values['dealstage'] = place.stage;
      if (!('pipeline' in mapped) && place.pipeline !== undefined) sale.values['pipeline'] = place.pipeline;
    }
    return new Map();
  }

  async complete(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<{ failure?: CrmFailure | undefined }[]> {
    const values = { hs_task_status: 'COMPLETED' };
    const drafts = ids.map((id) => ({ id, objectWriteTraceId: id, values, timezone: 'UTC' }));
    const written = await this.#records.update('tasks', drafts, signal);
    return ids.map((id) => written.get(id) ?? {});
  }

  async unkeyed(): Promise<{ types: string[]; lagMs: number }> {
    const account = await this.#facts.all();
    const types = Object.entries(objectTypes).flatMap(([type, objectType]) =>
      areSearched(objectType, account) ? [type] : [],
    );
    return { types, lagMs: account.indexLagMs ?? 0 };
  }

  /** What new records bring along, and what those that were there are linked to. @throws RequestFailed */
  async #linksOf(
    records: readonly CallRecord[],
    signal: AbortSignal,
  ): Promise<(record: CallRecord) => Link[]> {
    const contacts = records.flatMap(({ person }) => person?.id ?? []);
    const companies = await this.#companies?.of(contacts, signal);
    return ({ role, person, activity }) => {
      const company = person && companies?.get(person.id);
      const call: Link[] = role === 'sale' && activity ? [{ to: 'calls', id: activity.id }] : [];
      return [...linksTo(person?.id ?? null, company ?? null), ...call];
    };
  }

  #read(record: CallRecord, fates: ReadonlyMap<string, Fate>): Written {
    const { row, failure, notes } = fates.get(record.key.value) as Fate;
    record.notes.push(...notes);
    if (row) return { id: row.id, isOwned: Boolean(row.properties[ownerName]) };
    return { failure: asTaken(asOrphan(this.#soonKnown(record, failure)), record) };
  }

  /** A stage that is gone since we looked: the next attempt looks again, and then knows what to say. */
  #soonKnown({ role }: CallRecord, failure: Failure): Failure {
    const { cure } = failure;
    const isStage = cure?.what === 'value' && ['pipeline', 'dealstage'].includes(cure.property);
    const isMapped = 'dealstage' in (this.#options.sale?.properties ?? {});
    if (role !== 'sale' || !isStage || isMapped) return failure;
    this.#pipelines.forget();
    return { ...failure, kind: 'retry' };
  }
}

function byType(records: readonly CallRecord[]): Map<LinkFrom, CallRecord[]> {
  return Map.groupBy(records, ({ type }) => objectTypes[type] as LinkFrom);
}

function draftOf(record: CallRecord, values: Values, account: Partial<Facts>): Draft {
  const { role, delivery, key, timezone, notes } = record;
  const instead = role === 'activity' ? { instead: insteadOn(delivery) } : {};
  const known = role === 'activity' ? withKnownStatus(delivery, values, account, notes) : values;
  return {
    objectWriteTraceId: key.value,
    values: { ...known, [key.property]: key.value },
    timezone,
    ...instead,
  };
}

/** HubSpot's complaint may leave out which property it is about; then it is taken to be the key. */
function asTaken(failure: CrmFailure, { key }: CallRecord): CrmFailure {
  const { cure } = failure as Failure;
  const isOurs = cure?.what === 'conflict' && (cure.property ?? key.property) === key.property;
  return isOurs ? { ...failure, cure: { what: 'taken' } } : failure;
}

function asOrphan(failure: Failure): CrmFailure {
  return failure.cure?.what === 'association' ? { ...failure, cure: { what: 'orphan' } } : failure;
}
