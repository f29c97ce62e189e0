import { LRUCache } from 'lru-cache';
import {
  type Delivery,
  type Log,
  maskNumber,
  type RecordRef,
  type Tools,
} from '../../src/connector/contract.ts';
import type { Found, SalesforceApi, Written } from './api.ts';
import { type Failure, RequestFailed } from './failures.ts';
import type { Draft, FieldDescriptions } from './fields.ts';
import type { SalesforceFindings } from './found.ts';
import { looselyTyped } from './loosely-typed.ts';
import type { PersonObject, SalesforceOptions } from './options.ts';
import { personDraft } from './person-draft.ts';
import {
  byAge,
  type Candidate,
  candidateOf,
  hasNumber,
  keyQuery,
  packQueries,
  packSearches,
  phoneFields,
  phoneQuery,
  phoneSearch,
  type Wanted,
} from './phone-search.ts';
import { ownFields } from './setup-names.ts';
import type { Values } from './values.ts';

/** Whom a call belongs to: a lead or contact, nobody, or not to be known yet. */
export type Resolution =
  | { person: RecordRef | null; notes: string[]; isNew?: true; failure?: undefined }
  | { failure: Failure; person?: undefined };

/** A caller who is to be resolved, with the calls that need it. */
interface Caller extends Wanted {
  calls: Delivery[];
}

type Resolutions = Map<string, Resolution>; // by number

/** Finds, claims and makes the people of callers; each number once at a time. */
export class People {
  readonly #api: SalesforceApi;
  readonly #options: SalesforceOptions;
  readonly #descriptions: FieldDescriptions;
  readonly #findings: SalesforceFindings;
  readonly #known: Tools['people'];
  readonly #log: Log;
  /** Numbers that another batch resolves just now. */
  readonly #inFlight = new Map<string, Promise<Resolution>>();
  /** Contacts that Salesforce said are gone, though a converted lead still names them. */
  readonly #gone = new LRUCache<string, true>({ max: 5_000 });
  /** Numbers whose key belongs to a converted lead that leads nowhere any more → the lead. */
  readonly #deadKeys = new LRUCache<string, string>({ max: 5_000 });
  /** Phone fields that our user may see: it may not see all. */
  #phoneFields = phoneFields;

  constructor(
    api: SalesforceApi,
    options: SalesforceOptions,
    descriptions: FieldDescriptions,
    findings: SalesforceFindings,
    tools: Tools,
  ) {
    this.#api = api;
    this.#findings = findings;
    this.#options = options;
    this.#descriptions = descriptions;
    this.#known = tools.people;
    this.#log = tools.log;
  }

  /** The person of each delivery's caller. Deliveries without a number have none, but for the catch-all. */
  async resolve(deliveries: readonly Delivery[], signal: AbortSignal): Promise<Map<Delivery, Resolution>> {
    const callers = new Map<string, Caller>();
    for (const delivery of deliveries) {
      const { number } = delivery.call.caller;
      if (number === null) continue;
      const caller = callers.get(number) ?? { number, region: delivery.source.region, calls: [] };
      caller.calls.push(delivery);
      callers.set(number, caller);
    }
    const resolved = await this.#resolveOnce([...callers.values()], signal);
    return new Map(
      deliveries.map((delivery) => {
        const { number, withheld } = delivery.call.caller;
        const resolution = number === null ? this.#withoutNumber(withheld) : resolved.get(number);
        return [delivery, resolution as Resolution];
      }),
    );
  }

  /** Salesforce does not have these people any more, as they were: the next resolution starts afresh. */
  async forget(
    orphans: readonly { delivery: Delivery; person: RecordRef; isDeleted: boolean }[],
  ): Promise<void> {
    const numbers = orphans.flatMap(({ delivery }) => delivery.call.caller.number ?? []);
    for (const { person, isDeleted } of orphans) if (isDeleted) this.#gone.set(person.id, true);
    for (const number of numbers)
      this.#log.info({ caller: maskNumber(number) }, 'the person is gone from Salesforce');
    if (numbers.length > 0) await this.#known.forget(numbers);
  }

  #withoutNumber(withheld: boolean): Resolution {
    const catchAll = this.#options.person.withheld;
    return { person: withheld && catchAll !== 'none' ? personOf(catchAll) : null, notes: [] };
  }

  /** Resolves own numbers first and waits for those of other batches then, so that no two wait for each other. */
  async #resolveOnce(callers: readonly Caller[], signal: AbortSignal): Promise<Resolutions> {
    const theirs = callers.flatMap(({ number }) => {
      const flight = this.#inFlight.get(number);
      return flight ? [[number, flight] as const] : [];
    });
    const own = callers.filter(({ number }) => !this.#inFlight.has(number));
    const work = this.#resolveAll(own, signal);
    for (const { number } of own) {
      const flight = work.then((resolved) => resolved.get(number) as Resolution);
      flight.catch(() => {}); // whoever waits for it hears of it, and often nobody does
      this.#inFlight.set(number, flight);
    }
    try {
      const resolved = await work;
      for (const [number, flight] of theirs) resolved.set(number, await flight);
      return resolved;
    } finally {
      for (const { number } of own) this.#inFlight.delete(number);
    }
  }

  async #resolveAll(callers: readonly Caller[], signal: AbortSignal): Promise<Resolutions> {
    const resolved: Resolutions = new Map();
    const unresolved = () => callers.filter(({ number }) => !resolved.has(number));
    const steps = [
      () => this.#fromOwnMap(unresolved(), resolved),
      () => this.#byQuery(unresolved(), resolved, signal),
      () => this.#bySearch(unresolved(), resolved, signal),
      () => this.#create(unresolved(), resolved, signal),
    ];
    for (const step of steps) {
      if (unresolved().length === 0) break;
      await orFail(unresolved, resolved, step);
    }
    return resolved;
  }

  async #fromOwnMap(callers: readonly Caller[], resolved: Resolutions): Promise<void> {
    for (const [number, person] of await this.#known.find(callers.map(({ number }) => number))) {
      resolved.set(number, { person, notes: [] });
    }
  }

  /** Objects in which a key of ours may be: what is looked in, and what is made. */
  #keyed(): PersonObject[] {
    const { match, create } = this.#options.person;
    return [...new Set([...match, ...(create === false ? [] : [create])])];
  }

  /** By key, and by the usual spellings of the number: one request for all callers of a batch. */
  async #byQuery(callers: readonly Caller[], resolved: Resolutions, signal: AbortSignal): Promise<void> {
    for (const pack of packQueries(callers)) {
      const part = callers.filter(({ number }) => pack.some((one) => one.number === number));
      await orFail(
        () => part.filter(({ number }) => !resolved.has(number)),
        resolved,
        async () => {
          const { keyed, typed } = await this.#lookUp(part, signal);
          const rest = part.filter(({ number }) => !this.#takeHolder(number, keyed, resolved));
          await this.#remember(resolved, part);
          await this.#take(rest, typed, resolved, signal);
        },
      );
    }
  }

  async #lookUp(
    callers: readonly Caller[],
    signal: AbortSignal,
  ): Promise<{ keyed: Candidate[]; typed: Candidate[] }> {
    const keys = callers.map(({ number }) => number);
    const keyed = this.#keyed().map((object) => ({
      object,
      statement: keyQuery(object, keys, this.#phoneFields),
    }));
    const typed = this.#options.person.match.flatMap((object) => {
      const statement = phoneQuery(object, callers, this.#phoneFields);
      return statement === undefined ? [] : [{ object, statement }];
    });
    const asked = [...keyed, ...typed];
    const found = await this.#api.query(
      asked.map(({ statement }) => statement),
      signal,
    );
    if (found.some((one) => this.#dropHidden(one.failure))) return this.#lookUp(callers, signal);
    const candidates = (one: Found | undefined, place: number) =>
      (one?.rows ?? []).map((row) => candidateOf((asked[place] as { object: PersonObject }).object, row));
    const all = found.map((one, place) => {
      // Without the keys, a person could be made twice. Spellings that take too long to compare are searched for.
      if (one.failure && (place < keyed.length || one.failure.cure?.what !== 'slow')) {
        throw new RequestFailed(one.failure);
      }
      return candidates(one, place);
    });
    return { keyed: all.slice(0, keyed.length).flat(), typed: all.slice(keyed.length).flat() };
  }

  /** A phone field that our user may not see cannot be asked for: from now on it is not. */
  #dropHidden(failure: Failure | undefined): boolean {
    if (failure?.cure?.what !== 'fields') return false;
    const hidden = failure.cure.names;
    const before = this.#phoneFields;
    const seen = (object: PersonObject) => before[object].filter((name) => !hidden.includes(name));
    this.#phoneFields = { Contact: seen('Contact'), Lead: seen('Lead') };
    return (['Contact', 'Lead'] as const).some(
      (object) => this.#phoneFields[object].length < before[object].length,
    );
  }

  /** Who has the key of a number. A converted lead keeps it; the caller then is the contact that it became. */
  #takeHolder(number: string, keyed: readonly Candidate[], resolved: Resolutions): boolean {
    const holders = keyed.filter(({ key }) => key === number);
    const holder = holders.find(({ isConverted }) => !isConverted) ?? holders[0];
    if (!holder) return false;
    const person = this.#asPerson(holder);
    if (person) resolved.set(number, { person, notes: [] });
    else this.#deadKeys.set(number, holder.id);
    return person !== undefined;
  }

  #asPerson({ object, id, isConverted, convertedTo }: Candidate): RecordRef | undefined {
    if (!isConverted) return { type: object.toLowerCase(), id };
    return convertedTo && !this.#gone.has(convertedTo) ? { type: 'contact', id: convertedTo } : undefined;
  }

  async #bySearch(callers: readonly Caller[], resolved: Resolutions, signal: AbortSignal): Promise<void> {
    const { match } = this.#options.person;
    const objects = match.filter((object) => this.#phoneFields[object].length > 0);
    if (objects.length === 0) return;
    await Promise.all(
      packSearches(callers).map((pack) => {
        const part = callers.filter(({ number }) => pack.some((one) => one.number === number));
        return orFail(
          () => part.filter(({ number }) => !resolved.has(number)),
          resolved,
          async () => {
            const { search } = await this.#findings.all();
            const rows =
              search === 'separators'
                ? await looselyTyped(this.#api, objects, part, this.#phoneFields, signal)
                : await this.#api.search(phoneSearch(objects, part, this.#phoneFields), signal);
            const found = rows.map((row) => {
              const { type } = row['attributes'] as { type: PersonObject };
              return candidateOf(type, row);
            });
            await this.#take(part, found, resolved, signal);
          },
        );
      }),
    );
  }

  /** Chooses among people who have the number, and claims them for it. */
  async #take(
    callers: readonly Caller[],
    found: readonly Candidate[],
    resolved: Resolutions,
    signal: AbortSignal,
  ): Promise<void> {
    const claims = new Map<string, Candidate>();
    for (const caller of callers) {
      const matches = found.filter((one) => hasNumber(one, caller));
      const choice = this.#choose(matches);
      if (choice === undefined) continue;
      if (choice === 'several') {
        resolved.set(caller.number, { person: null, notes: [severalHave(matches)] });
        continue;
      }
      resolved.set(caller.number, { person: choice.person, notes: [] });
      const { candidate } = choice;
      // One who holds the key of another number of theirs keeps it.
      const isTaken = [...claims.values()].some(({ id }) => id === candidate.id);
      if (!candidate.isConverted && candidate.key === null && !isTaken) claims.set(caller.number, candidate);
    }
    await this.#claim(claims, resolved, signal);
    await this.#remember(resolved, callers);
  }

  /** The objects in the order of `match`, then contacts that leads became; within each, by the rule. */
  #choose(
    matches: readonly Candidate[],
  ): { person: RecordRef; candidate: Candidate } | 'several' | undefined {
    const { match, whenSeveral } = this.#options.person;
    const groups = [
      ...match.map((object) => matches.filter((one) => one.object === object && !one.isConverted)),
      matches.filter(({ isConverted }) => isConverted),
    ];
    for (const group of groups) {
      const people = [...group].sort(byAge).flatMap((candidate) => {
        const person = this.#asPerson(candidate);
        return person ? [{ person, candidate }] : [];
      });
      if (new Set(people.map(({ person }) => person.id)).size > 1 && whenSeveral === 'none') return 'several';
      const chosen = people.at(whenSeveral === 'oldest' ? 0 : -1);
      if (chosen) return chosen;
    }
    return undefined;
  }

  /** Writes the key on people who were found by number, so that the next call finds them for certain. */
  async #claim(
    claims: ReadonlyMap<string, Candidate>,
    resolved: Resolutions,
    signal: AbortSignal,
  ): Promise<void> {
    const sorted = [...claims].sort(([, a], [, b]) => a.object.localeCompare(b.object));
    if (sorted.length === 0) return;
    const written = await this.#api.update(
      'people',
      sorted.map(([number, { object, id }]) => ({ object, id, fields: { [ownFields[object]]: number } })),
      signal,
    );
    const taken: string[] = [];
    sorted.forEach(([number, { id }], place) => {
      const failure = written[place]?.failure;
      const { person } = resolved.get(number) as { person: RecordRef };
      if (!failure) return;
      if (failure.cure?.what === 'taken') taken.push(number);
      else if (failure.cure?.what === 'gone' || failure.cure?.what === 'converted') {
        // Since we looked, somebody deleted or converted them: nothing is known of this caller yet.
        resolved.set(number, { failure: { ...failure, kind: 'retry' } });
      } else if (failure.kind === 'rejected') {
        resolved.set(number, { person, notes: [`The key was not written on ${id}. ${failure.reason}`] });
      } else resolved.set(number, { failure });
    });
    await this.#adoptHolders(taken, resolved, signal);
  }

  /** Somebody else has the key since we looked: they are the caller. */
  async #adoptHolders(numbers: readonly string[], resolved: Resolutions, signal: AbortSignal): Promise<void> {
    if (numbers.length === 0) return;
    const objects = this.#keyed();
    const found = await this.#api.query(
      objects.map((object) => keyQuery(object, numbers, this.#phoneFields)),
      signal,
    );
    const keyed = found.flatMap(({ rows = [] }, place) =>
      rows.map((row) => candidateOf(objects[place] as PersonObject, row)),
    );
    for (const number of numbers) {
      if (this.#takeHolder(number, keyed, resolved) || resolved.get(number)?.person) continue;
      const reason = 'Salesforce says that somebody has the key of the caller, but does not show who.';
      resolved.set(number, { failure: { kind: 'retry', reason } });
    }
  }

  /** Makes the people under their key, so that making one twice is making it once. */
  async #create(callers: readonly Caller[], resolved: Resolutions, signal: AbortSignal): Promise<void> {
    const object = this.#options.person.create;
    if (object === false) {
      const notes = ['Nobody has this number, and person.create is off.'];
      for (const { number } of callers) resolved.set(number, { person: null, notes });
      return;
    }
    const key = ownFields[object];
    const drafts = callers.map(({ number, calls }): Draft => {
      const delivery = calls[0] as Delivery;
      const draft = personDraft(this.#options, delivery);
      const values: Values = { ...draft?.properties, [key]: this.#freeKey(number) };
      return { values, timezone: delivery.source.timezone, notes: [] };
    });
    const written = await this.#descriptions.writeFitted(
      object,
      drafts,
      (values) => this.#api.upsert(object, key, values, signal),
      signal,
    );
    const taken: string[] = [];
    callers.forEach(({ number }, place) => {
      const { id, failure } = written[place] as Written;
      const { notes } = drafts[place] as Draft;
      if (failure?.cure?.what === 'taken') taken.push(number);
      else if (failure?.cure?.what === 'converted') {
        // Between our look and our write, somebody converted the lead that has the key.
        resolved.set(number, { failure: { ...failure, kind: 'retry' } });
      } else if (failure) resolved.set(number, { failure });
      else resolved.set(number, { person: { type: object.toLowerCase(), id }, notes, isNew: true });
    });
    await this.#adoptHolders(taken, resolved, signal);
    await this.#remember(resolved, callers);
  }

  /** A converted lead keeps its key and cannot be changed, so whoever comes after a dead one has a key made of both. */
  #freeKey(number: string): string {
    const dead = this.#deadKeys.get(number);
    return dead === undefined ? number : `${number}/${dead}`;
  }

  async #remember(resolved: Resolutions, callers: readonly Caller[]): Promise<void> {
    const people = callers.flatMap(({ number }) => {
      const person = resolved.get(number)?.person;
      return person ? [[number, person] as const] : [];
    });
    if (people.length > 0) await this.#known.remember(new Map(people));
  }
}

/** A step that fails as a whole fails for those it was to resolve, and for nobody else. */
async function orFail(
  whom: () => readonly Caller[],
  resolved: Resolutions,
  step: () => Promise<void>,
): Promise<void> {
  try {
    await step();
  } catch (thrown) {
    if (!(thrown instanceof RequestFailed)) throw thrown;
    for (const { number } of whom()) resolved.set(number, { failure: thrown.failure });
  }
}

function severalHave(candidates: readonly Candidate[]): string {
  const ids = candidates.map(({ id }) => id).join(', ');
  return `Several people have this number (${ids}), so none was linked.`;
}

/** The record that an id names. Its first three characters say what it is. */
export function personOf(id: string): RecordRef {
  return { type: id.startsWith('00Q') ? 'lead' : 'contact', id };
}

export function objectOf({ type }: RecordRef): PersonObject {
  return type === 'lead' ? 'Lead' : 'Contact';
}
