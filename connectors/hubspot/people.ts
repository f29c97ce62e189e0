import type { Clock, Memory, RecordRef } from '../../src/connector/index.ts';
import type {
  Candidate,
  CrmFailure,
  Finder,
  Made,
  Newcomer,
  PeopleDriver,
  PersonSearch,
  Wanted,
  Whereabouts,
} from '../../src/crm/index.ts';
import type { HubSpotApi } from './api.ts';
import type { Companies } from './companies.ts';
import type { Facts, HubSpotFacts } from './facts.ts';
import type { Failure } from './failures.ts';
import { heirsOf } from './merged-contacts.ts';
import { candidateOf, packSearches, searchByPhone } from './phone-search.ts';
import type { Fate, Records } from './records.ts';
import { ownProperties } from './setup-names.ts';

const key = ownProperties.contacts;

/** Longer than the index of HubSpot has been seen to lag behind a merge. */
const leastPatienceMs = 15_000;
/** How soon it is looked again, to follow a merge as soon as it shows. */
const lookAgainMs = 2_000;

/** Contacts: found by key, found by number, or made. */
export class Contacts implements PeopleDriver {
  readonly whenUnseen =
    'It may be a contact that is merged or deleted: its number is found soon, or its key is free.';
  readonly finders: readonly Finder[];
  readonly #api: HubSpotApi;
  readonly #records: Records;
  readonly #facts: HubSpotFacts;
  /** Undefined where nothing is linked to companies. */
  readonly #companies: Companies | undefined;
  readonly #memory: Memory;
  readonly #clock: Clock;

  constructor(
    api: HubSpotApi,
    records: Records,
    facts: HubSpotFacts,
    companies: Companies | undefined,
    { memory, clock }: { memory: Memory; clock: Clock },
  ) {
    this.#api = api;
    this.#records = records;
    this.#facts = facts;
    this.#companies = companies;
    this.#memory = memory;
    this.#clock = clock;
    this.finders = [
      (callers, fields) => {
        const keys = callers.map(({ number }) => number);
        return [{ callers, find: (signal) => this.byKey(keys, fields, signal) }];
      },
      (callers) => this.#searches(callers),
    ];
  }

  named(id: string): RecordRef {
    return { type: 'contact', id };
  }

  async byKey(keys: readonly string[], fields: readonly string[], signal: AbortSignal): Promise<Candidate[]> {
    const what = { idProperty: key, properties: [key, ...fields] };
    const rows = await this.#api.read('contacts', keys, what, signal);
    return rows.map((row) => ({ ...candidateOf(row), held: row.properties }));
  }

  async #searches(callers: readonly Wanted[]): Promise<PersonSearch[]> {
    const account = await this.#facts.all();
    return packSearches(callers, account).map((pack) => ({
      callers: pack,
      find: async (signal) => (await searchByPhone(this.#api, pack, account, signal)).map(candidateOf),
    }));
  }

  async claim(
    claims: readonly { candidate: Candidate; key: string }[],
    signal: AbortSignal,
  ): Promise<{ failure?: CrmFailure | undefined }[]> {
    const drafts = claims.map((one) => ({
      id: one.candidate.record.id,
      objectWriteTraceId: one.key,
      values: { [key]: one.key },
      timezone: 'UTC',
    }));
    const written = await this.#records.update('contacts', drafts, signal);
    return claims.map((one) => {
      const { failure } = written.get(one.key) as Fate;
      return failure ? { failure: asTaken(failure) } : {};
    });
  }

  /** By upserts: making one twice is making it once. */
  async make(newcomers: readonly Newcomer[], signal: AbortSignal): Promise<Made[]> {
    const drafts = newcomers.map(({ key: own, values, timezone }) => ({
      objectWriteTraceId: own,
      values: { ...values, [key]: own },
      timezone,
    }));
    const written = await this.#records.upsert('contacts', key, drafts, signal);
    return newcomers.map(({ key: own, values, timezone, notes }): Made => {
      const { row, failure, notes: more } = written.get(own) as Fate;
      notes.push(...more);
      if (!row) return { failure: asTaken(failure) };
      const held = this.#records.fields.fit('contacts', values, timezone).properties;
      return { person: { type: 'contact', id: row.id }, isNew: row.new !== false, held };
    });
  }

  /** People merge the contact that a call made into the one they know: whom one was merged into is found by that. */
  async whereabouts(
    people: readonly { number: string; person: RecordRef }[],
    signal: AbortSignal,
  ): Promise<Map<string, Whereabouts>> {
    const found = new Map<string, Whereabouts>();
    const ids = people.map(({ person }) => person.id);
    this.#companies?.forget(ids);
    // It may have been something else that was to be linked, and is gone.
    for (const { id } of await this.#api.read('contacts', [...new Set(ids)], { properties: [] }, signal))
      found.set(id, 'there');
    const gone = people.filter(({ person }) => !found.has(person.id));
    if (gone.length === 0) return found;
    const account = await this.#facts.all();
    const merged = await heirsOf(
      this.#api,
      gone.map(({ person }) => person.id),
      account,
      signal,
    );
    // Who has the caller's key by now has it from the one that is gone, and is shown at once.
    const holders = await this.byKey(
      gone.map(({ number }) => number),
      [],
      signal,
    );
    for (const { number, person } of gone) {
      const heir = merged?.get(person.id)?.id ?? holders.find((one) => one.key === number)?.record.id;
      if (heir !== undefined) found.set(person.id, { type: 'contact', id: heir });
    }
    const missing = merged ? gone.flatMap(({ person: { id } }) => (found.has(id) ? [] : [id])) : [];
    for (const [id, at] of await this.#waits(missing, account)) found.set(id, notIndexed(id, at));
    await this.#memory.forget(
      gone.flatMap(({ person: { id } }) => ('kind' in Object(found.get(id)) ? [] : [goneName(id)])),
    );
    return found;
  }

  /**
   * When to ask again where each of these went; not of those that were waited for long enough. The search index shows
   * that one is gone and that another has its number each when it will: before it has caught up, nobody in it is no
   * answer. When the waiting began is kept, for whoever asks again.
   */
  async #waits(ids: readonly string[], { indexLagMs = 0 }: Partial<Facts>): Promise<Map<string, Date>> {
    const now = this.#clock.now().getTime();
    const known = await this.#memory.recall(ids.map(goneName));
    const since = new Map(ids.map((id) => [id, Math.min(Number(known.get(goneName(id)) ?? now), now)]));
    await this.#memory.remember(
      new Map([...since].flatMap(([id, at]) => (known.has(goneName(id)) ? [] : [[goneName(id), `${at}`]]))),
    );
    const patienceMs = Math.max(leastPatienceMs, 2 * indexLagMs);
    return new Map(
      [...since].flatMap(([id, at]) =>
        now < at + patienceMs ? [[id, new Date(Math.min(now + lookAgainMs, at + patienceMs))]] : [],
      ),
    );
  }
}

const goneName = (id: string) => `gone contact ${id}`;

function notIndexed(id: string, notBefore: Date): CrmFailure {
  const reason = `HubSpot no longer has the contact ${id}, and its search does not show yet whether it was merged into another.`;
  return { kind: 'retry', reason, notBefore };
}

/** Of the caller's key: it may be one that was made this moment, or that is merged away and will be found by number. */
function asTaken(failure: Failure): CrmFailure {
  const { cure } = failure;
  const isOurs = cure?.what === 'conflict' && (cure.property ?? key) === key;
  return isOurs ? { ...failure, cure: { what: 'taken' } } : failure;
}
