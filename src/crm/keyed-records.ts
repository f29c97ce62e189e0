import type { Clock } from '../clock.ts';
import type { Memory } from '../connector/memory.ts';
import type { Change, RecordDriver } from './driver.ts';
import { asFailure, type Failure, forAll } from './failure.ts';
import type { ActivityOwners } from './ownership.ts';
import { UnkeyedRecords } from './unkeyed-records.ts';
import type { CallRecord, Existing, Results, Written } from './work.ts';

/** Activities are kept up to date, and given to their owners; what else a call leaves is written once. */
export interface Upkeep {
  owners: ActivityOwners;
  ownerField: string;
}

/**
 * Writes records so that each call has one, whatever was written before:
 *
 *     id known ──▶ update ──gone──▶ ┐
 *     id unknown ─────────────────▶ create under the key ──taken──▶ find by key ──▶ update ──▶ link
 *
 * A new record brings its links along. One that was there is linked unless it is known to have been: a person may have
 * become another meanwhile. What is written once is never updated: it is people's from then on, and so is its deletion.
 */
export class KeyedRecords {
  readonly #crm: string;
  readonly #driver: RecordDriver;
  readonly #upkeep: Upkeep | undefined;
  readonly #unkeyed: UnkeyedRecords;

  /** @param crm its name @param upkeep without, records are written once */
  constructor(crm: string, driver: RecordDriver, tools: { memory: Memory; clock: Clock }, upkeep?: Upkeep) {
    this.#crm = crm;
    this.#driver = driver;
    this.#upkeep = upkeep;
    this.#unkeyed = new UnkeyedRecords(crm, driver, tools);
  }

  async write(records: readonly CallRecord[], signal: AbortSignal): Promise<Results> {
    if (records.length === 0) return new Map();
    const { types = [], lagMs = 0 } = (await this.#driver.unkeyed?.()) ?? {};
    const write = (due: readonly CallRecord[]) => this.#write(due, signal);
    const results = await write(records.filter(({ type }) => !types.includes(type)));
    for (const type of types) {
      const those = records.filter((record) => record.type === type);
      for (const [record, result] of await this.#unkeyed.write(type, those, lagMs, write, signal))
        results.set(record, result);
    }
    return results;
  }

  async #write(records: readonly CallRecord[], signal: AbortSignal): Promise<Results> {
    const results: Results = new Map();
    const known = new Map<CallRecord, Existing>();
    for (const record of records) {
      if (record.known) known.set(record, record.known);
      else if (record.along) this.#keep(record, record.along, results);
    }
    await this.#lookAtLinks(known, results, signal);
    const fresh = records.filter((record) => !known.has(record) && !results.has(record));
    const gone = await this.#update(known, results, signal);
    await this.#adopt(await this.#create([...fresh, ...gone], results, signal), results, signal);
    await this.#link(results, signal);
    return results;
  }

  /** One without a person, which is to get one now, may have got one from people meanwhile. */
  async #lookAtLinks(known: Map<CallRecord, Existing>, results: Results, signal: AbortSignal): Promise<void> {
    const late = new Map([...known].filter(([{ person }, { isLinked }]) => person !== null && !isLinked));
    if (late.size === 0 || this.#driver.link) return;
    const shown = await (
      this.#driver.look?.(late, signal) ?? this.#driver.find([...late.keys()], signal)
    ).catch(asFailure<Failure>);
    for (const [record, one] of late) {
      if ('kind' in shown) {
        results.set(record, { ...one, failure: shown });
        known.delete(record);
        continue;
      }
      const seen = shown.get(record);
      known.set(record, seen && 'id' in seen ? seen : one);
    }
  }

  /** Updates by id; answers those that are gone, or else their person. */
  async #update(
    known: ReadonlyMap<CallRecord, Existing>,
    results: Results,
    signal: AbortSignal,
  ): Promise<CallRecord[]> {
    for (const [record, one] of known) if (!this.#upkeep) results.set(record, one);
    if (!this.#upkeep || known.size === 0) return [];
    const { owners, ownerField } = this.#upkeep;
    const owned = [...known].filter(([{ values }]) => ownerField in values);
    const refs = owned.map(([{ type }, { id }]) => ({ type, id }));
    const free = await owners.free(refs, signal).catch(asFailure<Failure>);
    if ('kind' in free) for (const [record, one] of owned) results.set(record, { ...one, failure: free });
    const changes = [...known].flatMap(([record, { id, isLinked }]): Change[] => {
      if (results.has(record)) return [];
      const { [ownerField]: _, ...others } = record.values;
      const values = 'has' in free && free.has(id) ? record.values : others;
      return [{ record, id, values, link: isLinked ? null : record.person }];
    });
    const written =
      changes.length === 0 ? [] : await this.#driver.update(changes, signal).catch(forAll(changes.length));
    const gone: CallRecord[] = [];
    changes.forEach(({ record, id, values }, place) => {
      const { failure, isOwned = ownerField in values } = written[place] as Written;
      const one = known.get(record) as Existing;
      if (isOwned && !failure) owners.given(id);
      if (failure?.cure?.what === 'gone') gone.push(record);
      else if (failure) results.set(record, { ...one, failure });
      else if (one.isLinked || this.#driver.link) results.set(record, one);
      else results.set(record, { id, isLinked: true, person: record.person ?? undefined });
    });
    return gone;
  }

  /** Makes them; answers those whose key a record has already, from an attempt whose answer was lost. */
  async #create(
    records: readonly CallRecord[],
    results: Results,
    signal: AbortSignal,
  ): Promise<CallRecord[]> {
    if (records.length === 0) return [];
    const written = await this.#driver.create(records, signal).catch(forAll(records.length));
    records.forEach((record, place) => {
      this.#keep(record, written[place] as Written, results);
    });
    return records.filter((record) => results.get(record)?.failure?.cure?.what === 'taken');
  }

  /** What became of one that was to be made. */
  #keep(record: CallRecord, { id, isOwned, failure }: Written, results: Results): void {
    if (failure) results.set(record, { id: null, isLinked: false, failure });
    else {
      if (this.#upkeep && (isOwned ?? this.#upkeep.ownerField in record.values))
        this.#upkeep.owners.given(id);
      results.set(record, { id, isLinked: true, person: record.person ?? undefined });
    }
  }

  /** Finds the records that have these keys, and updates them. */
  async #adopt(taken: readonly CallRecord[], results: Results, signal: AbortSignal): Promise<void> {
    if (taken.length === 0) return;
    const found = await this.#driver.find(taken, signal).catch(asFailure<Failure>);
    const shown = new Map<CallRecord, Existing>();
    for (const record of taken) {
      const one = 'kind' in found ? found : found.get(record);
      const { failure } = results.get(record) as { failure: Failure };
      results.delete(record);
      if (one && 'id' in one) shown.set(record, one);
      else {
        const why = one ?? this.#driver.unseen?.(record, failure) ?? this.#unseen(record);
        results.set(record, { id: null, isLinked: false, failure: why });
      }
    }
    for (const record of await this.#update(shown, results, signal)) {
      const one = shown.get(record) as Existing;
      const isOfPerson = record.person !== null && !one.isLinked && !this.#driver.link;
      // It was there a moment ago, so whoever is gone is the person.
      const failure: Failure = {
        kind: 'retry',
        reason: isOfPerson
          ? `The person of this call is gone from ${this.#crm}.`
          : `${this.#crm} shows the ${record.type} of this call, and says that it is gone.`,
        ...(isOfPerson ? { cure: { what: 'orphan' } } : {}),
      };
      results.set(record, { ...one, failure });
    }
  }

  /** Links what was there and is not known to be linked. */
  async #link(results: Results, signal: AbortSignal): Promise<void> {
    const ids = [...results].flatMap(([record, { id, isLinked, failure }]) =>
      failure || id === null || isLinked ? [] : [[record, id] as const],
    );
    if (ids.length === 0 || !this.#driver.link) return;
    const refused = await this.#driver.link(new Map(ids), signal).catch(asFailure<Failure>);
    for (const [record, id] of ids) {
      const failure = 'kind' in refused ? refused : refused.get(record);
      if (failure) results.set(record, { id, isLinked: false, failure });
      else results.set(record, { id, isLinked: true, person: record.person ?? undefined });
    }
  }

  #unseen({ type, key }: CallRecord): Failure {
    const reason = `${this.#crm} says that one of its ${type}s has ${key.property} ${key.value} already, but does not show it.`;
    return { kind: 'retry', reason };
  }
}
