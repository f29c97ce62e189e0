import {
  type Clock,
  knownPerson,
  type Log,
  type Memory,
  maskNumber,
  maskWritten,
  type People,
  SingleFlight,
  type Tools,
} from '../../src/connector/index.ts';
import type { PersonUpdates, UnownedPeople } from '../../src/crm/index.ts';
import type { Row } from './answers.ts';
import type { HubSpotApi } from './api.ts';
import { contactDraft } from './contact-draft.ts';
import { type Failure, RequestFailed } from './failures.ts';
import type { Found as Account, HubSpotFindings } from './found.ts';
import { heirsOf } from './merged-contacts.ts';
import type { HubSpotOptions } from './options.ts';
import { choose, numberIn, packSearches, searchByPhone, type Wanted } from './phone-search.ts';
import type { Draft, Fate, Records } from './records.ts';
import { ownProperties } from './setup-names.ts';
import type { Work } from './work.ts';

/** Whom a call belongs to: a contact, nobody, or not to be known yet. */
type Resolution =
  | { contactId: string; why: string; notes?: readonly string[]; failure?: undefined }
  | { contactId: null; why?: undefined; notes: readonly string[]; failure?: undefined }
  | { failure: Failure; why?: undefined; notes?: undefined; contactId?: undefined };

/** A caller who is to be resolved, with the calls that need it, oldest first. */
interface Caller {
  number: string;
  calls: Work[];
}

const key = ownProperties.contacts;
const mostNamed = 10;

/** The contacts of callers: known, found by key, found by number, or made; each number once at a time. */
export class Contacts {
  readonly #api: HubSpotApi;
  readonly #records: Records;
  readonly #options: HubSpotOptions;
  readonly #unowned: UnownedPeople;
  readonly #updates: PersonUpdates;
  readonly #findings: HubSpotFindings;
  readonly #people: People;
  readonly #memory: Memory;
  readonly #log: Log;
  readonly #clock: Clock;
  /** Numbers that another batch resolves just now. */
  readonly #inFlight = new SingleFlight<Resolution>();

  constructor(
    api: HubSpotApi,
    records: Records,
    options: HubSpotOptions,
    unowned: UnownedPeople,
    updates: PersonUpdates,
    findings: HubSpotFindings,
    { people, memory, log, clock }: Pick<Tools, 'people' | 'memory' | 'log' | 'clock'>,
  ) {
    this.#api = api;
    this.#records = records;
    this.#options = options;
    this.#unowned = unowned;
    this.#updates = updates;
    this.#findings = findings;
    this.#people = people;
    this.#memory = memory;
    this.#log = log;
    this.#clock = clock;
  }

  /** Finds the contact of each call's caller. Calls without a number have none, but for the catch-all. */
  async find(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const callers = new Map<string, Caller>();
    for (const work of works) {
      const { number } = work.delivery.call.caller;
      if (number === null) continue;
      const caller = callers.get(number) ?? { number, calls: [] };
      caller.calls.push(work);
      callers.set(number, caller);
    }
    const resolved = await this.#inFlight.share([...callers.keys()], (own) =>
      this.#resolveAll(
        own.map((number) => callers.get(number) as Caller),
        signal,
      ),
    );
    for (const work of works) {
      const { number, withheld } = work.delivery.call.caller;
      const resolution =
        number === null ? this.#withoutNumber(withheld) : (resolved.get(number) as Resolution);
      work.contactId = resolution.contactId ?? null;
      work.whyPerson = resolution.why;
      work.notes.push(...(resolution.notes ?? []));
      if (resolution.failure) work.failures.push(resolution.failure);
    }
  }

  /**
   * HubSpot does not have these contacts any more. Whom one was merged into has its callers from now on, by whatever
   * number they are known there; the next resolution of the others starts afresh. Answers those of whom it is not known
   * yet whether they were merged: nothing is forgotten of them, so that the next attempt asks again.
   * @throws RequestFailed
   */
  async forget(works: readonly Work[], signal: AbortSignal): Promise<Map<string, Failure>> {
    const gone = new Map<string, string>(); // number → contact
    for (const { delivery, contactId } of works) {
      const { number } = delivery.call.caller;
      if (number !== null && contactId !== null) gone.set(number, contactId);
    }
    const unsettled = new Map<string, Failure>();
    // It may have been something else that was to be linked, and is gone.
    for (const { id } of await this.#api.read(
      'contacts',
      [...new Set(gone.values())],
      { properties: [] },
      signal,
    ))
      for (const [number, contactId] of gone) if (contactId === id) gone.delete(number);
    if (gone.size === 0) return unsettled;
    const account = await this.#findings.all();
    const merged = await heirsOf(this.#api, [...gone.values()], account, signal);
    // Who has the caller's key by now has it from the one that is gone, and is shown at once.
    const holders = await this.#readByKey([...gone.keys()], signal);
    const heirs = new Map<string, Row>();
    for (const [number, id] of gone) {
      const heir = merged?.get(id) ?? holders.get(number);
      if (heir) heirs.set(number, heir);
    }
    const missing = [...gone].flatMap(([number, id]) => (merged && !heirs.has(number) ? [id] : []));
    for (const [id, at] of await this.#waits(missing, account)) unsettled.set(id, notIndexed(id, at));
    const settled = [...gone].filter(([, id]) => !unsettled.has(id));
    for (const [number] of settled)
      this.#log.info({ caller: maskNumber(number) }, 'the contact is gone from HubSpot');
    await this.#people.forget(settled.map(([number]) => number));
    const inherited = settled.flatMap(([number]) => {
      const heir = heirs.get(number);
      return heir ? [[number, heir] as const] : [];
    });
    await this.#remember(new Map(inherited));
    await this.#memory.forget(settled.map(([, id]) => goneName(id)));
    return unsettled;
  }

  /**
   * When to ask again where each of these went; not of those that were waited for long enough. The search index shows
   * that one is gone and that another has its number each when it will: before it has caught up, nobody in it is no
   * answer. When the waiting began is kept, for whoever asks again.
   */
  async #waits(ids: readonly string[], { indexLagMs = 0 }: Partial<Account>): Promise<Map<string, Date>> {
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

  #withoutNumber(withheld: boolean): Resolution {
    const catchAll = this.#options.person.withheld;
    return withheld && catchAll !== 'none'
      ? { contactId: catchAll, why: 'The number is withheld: person.withheld names this contact.' }
      : { contactId: null, notes: [] };
  }

  async #resolveAll(callers: readonly Caller[], signal: AbortSignal): Promise<Map<string, Resolution>> {
    const resolved = new Map<string, Resolution>();
    const unresolved = () => callers.filter(({ number }) => !resolved.has(number));
    const steps = [
      () => this.#fromOwnMap(unresolved(), resolved),
      () => this.#byKey(unresolved(), resolved, signal),
      () => this.#byPhone(unresolved(), resolved, signal),
      () => this.#create(unresolved(), resolved, signal),
    ];
    for (const step of steps) {
      if (unresolved().length === 0) break;
      await this.#orFail(unresolved, resolved, step);
    }
    return resolved;
  }

  /** A step that fails as a whole fails for those it was to resolve, and for nobody else. */
  async #orFail(
    whom: () => readonly Caller[],
    resolved: Map<string, Resolution>,
    step: () => Promise<void>,
  ): Promise<void> {
    try {
      await step();
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      for (const { number } of whom()) resolved.set(number, { failure: thrown.failure });
    }
  }

  async #fromOwnMap(callers: readonly Caller[], resolved: Map<string, Resolution>): Promise<void> {
    const known = await this.#people.find(callers.map(({ number }) => number));
    for (const [number, { id }] of known) resolved.set(number, { contactId: id, why: knownPerson });
  }

  async #byKey(
    callers: readonly Caller[],
    resolved: Map<string, Resolution>,
    signal: AbortSignal,
  ): Promise<void> {
    const numbers = callers.map(({ number }) => number);
    const found = await this.#readByKey(numbers, signal);
    for (const [number, row] of found)
      resolved.set(number, { contactId: row.id, why: `Found by the key ${key}.` });
    await this.#remember(found);
  }

  async #readByKey(numbers: readonly string[], signal: AbortSignal): Promise<Map<string, Row>> {
    const properties = [key, ...this.#updates.names];
    const rows = await this.#api.read('contacts', numbers, { idProperty: key, properties }, signal);
    for (const { id, properties } of rows) this.#updates.hold(id, properties);
    return new Map(rows.map((row) => [row.properties[key] ?? '', row]));
  }

  async #byPhone(
    callers: readonly Caller[],
    resolved: Map<string, Resolution>,
    signal: AbortSignal,
  ): Promise<void> {
    const regionOf = (caller: Caller) => (caller.calls[0] as Work).delivery.source.region;
    const wanted = callers.map((caller) => ({ number: caller.number, region: regionOf(caller) }));
    const account = await this.#findings.all();
    const found = new Map<string, Found>();
    await Promise.all(
      packSearches(wanted, account).map((pack) => {
        const open = () => callers.filter((one) => pack.some(({ number }) => number === one.number));
        return this.#orFail(open, resolved, async () => {
          for (const [number, rows] of await searchByPhone(this.#api, pack, account, signal)) {
            const chosen = choose(rows, this.#options.person.whenSeveral);
            const { region } = pack.find((one) => one.number === number) as Wanted;
            if (chosen)
              found.set(number, {
                row: chosen,
                why: whyFound(chosen, { number, region }, rows, this.#options),
              });
            else if (rows.length > 1) resolved.set(number, { contactId: null, notes: [severalHave(rows)] });
          }
        });
      }),
    );
    await this.#claim(found, resolved, signal);
  }

  /**
   * Writes the key on contacts that were found by their number, so that the next call finds them without a search.
   * A contact that holds the key of its other number keeps it.
   */
  async #claim(
    found: ReadonlyMap<string, Found>,
    resolved: Map<string, Resolution>,
    signal: AbortSignal,
  ): Promise<void> {
    const claims = new Map<string, Draft & { id: string }>(); // by contact: one may be found under both of its numbers
    for (const [number, { row, why }] of found) {
      resolved.set(number, { contactId: row.id, why });
      if (row.properties[key] || claims.has(row.id)) continue;
      claims.set(row.id, {
        id: row.id,
        objectWriteTraceId: number,
        values: { [key]: number },
        timezone: 'UTC',
      });
    }
    await this.#settleClaims(
      await this.#records.update('contacts', [...claims.values()], signal),
      resolved,
      signal,
    );
    const standing = [...found].filter(([number, { row }]) => resolved.get(number)?.contactId === row.id);
    await this.#remember(new Map(standing.map(([number, { row }]) => [number, row])));
  }

  async #settleClaims(
    written: ReadonlyMap<string, Fate>,
    resolved: Map<string, Resolution>,
    signal: AbortSignal,
  ): Promise<void> {
    const taken: string[] = [];
    for (const [number, { failure }] of written) {
      if (failure?.cure?.what === 'conflict') taken.push(number);
      // The index still shows a contact that was merged or deleted: nothing is known of this caller yet.
      else if (failure?.cure?.what === 'gone')
        resolved.set(number, { failure: { ...failure, kind: 'retry' } });
      else if (failure?.kind === 'rejected') {
        const notes = [`The key was not written on the contact. ${failure.reason}`];
        resolved.set(number, { ...(resolved.get(number) as Extract<Resolution, { why: string }>), notes });
      } else if (failure) resolved.set(number, { failure });
    }
    if (taken.length === 0) return;
    // Another contact has the key since we looked: it is the caller's.
    const open = () => taken.map((number) => ({ number, calls: [] }));
    await this.#orFail(open, resolved, async () => {
      const holders = await this.#readByKey(taken, signal);
      for (const [number, row] of holders) resolved.set(number, { contactId: row.id, why: whyMeanwhile });
      await this.#remember(holders);
    });
  }

  /** Makes the contacts under their key, so that making one twice is making it once. */
  async #create(
    callers: readonly Caller[],
    resolved: Map<string, Resolution>,
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.#options.person.create) {
      const notes = ['No contact has this number, and person.create is off.'];
      for (const { number } of callers) resolved.set(number, { contactId: null, notes });
      return;
    }
    const drafts = callers.map(({ number, calls }) => {
      const [{ delivery, ownerId }] = calls as [Work];
      const all = calls.map((work) => work.delivery.call);
      const { properties = {} } = contactDraft(this.#options, delivery, ownerId, all) ?? {};
      return {
        objectWriteTraceId: number,
        values: { ...properties, [key]: number },
        timezone: delivery.source.timezone,
      };
    });
    if (this.#options.owner) {
      const isUnowned = ({ calls: [work] }: Caller) =>
        work?.ownerId === null && work.delivery.call.phase === 'ringing';
      await this.#unowned.expect(callers.filter(isUnowned).map(({ number }) => number));
    }
    const made = new Map<string, Row>();
    const written = await this.#records.upsert('contacts', key, drafts, signal);
    for (const { objectWriteTraceId: number, values, timezone } of drafts) {
      const { row, failure, notes } = written.get(number) as Fate;
      const why = row?.new === false ? whyMeanwhile : 'Created, as no contact had this number.';
      resolved.set(number, row ? { contactId: row.id, why, notes } : withoutContact(untilShown(failure)));
      if (!row) continue;
      made.set(number, row);
      this.#updates.hold(row.id, this.#records.fields.fit('contacts', values, timezone).properties);
    }
    await this.#remember(made);
  }

  async #remember(found: ReadonlyMap<string, Row>): Promise<void> {
    if (found.size === 0) return;
    await this.#people.remember(
      new Map([...found].map(([number, { id }]) => [number, { type: 'contact', id }])),
    );
  }
}

/** Longer than the index of HubSpot has been seen to lag behind a merge. */
const leastPatienceMs = 15_000;
/** How soon it is looked again, to follow a merge as soon as it shows. */
const lookAgainMs = 2_000;

const goneName = (id: string) => `gone contact ${id}`;

function notIndexed(id: string, notBefore: Date): Failure {
  const reason = `HubSpot no longer has the contact ${id}, and its search does not show yet whether it was merged into another.`;
  return { kind: 'retry', reason, notBefore };
}

/** A contact that has the number. */
interface Found {
  row: Row;
  why: string;
}

const whyMeanwhile = `Found by the key ${key}, which this contact got meanwhile.`;

function whyFound(
  chosen: Row,
  wanted: Wanted,
  rows: readonly Row[],
  { person: { whenSeveral } }: HubSpotOptions,
): string {
  const [field, text] = numberIn(chosen, wanted) as [string, string];
  const by = `Found by its number (${field} is ${maskWritten(text)}).`;
  if (rows.length === 1) return by;
  return `${by} It is the ${whenSeveral} of ${rows.length} contacts that have it (${idsOf(rows)}), as person.whenSeveral says.`;
}

function severalHave(rows: readonly Row[]): string {
  return `Several contacts have this number (${idsOf(rows)}), so none was linked, as person.whenSeveral says.`;
}

/** Several hundred may have one number. */
function idsOf(rows: readonly Row[]): string {
  const ids = rows.slice(0, mostNamed).map(({ id }) => id);
  return [...ids, ...(rows.length > mostNamed ? ['…'] : [])].join(', ');
}

/** A contact that can never be made costs no call. */
function withoutContact(failure: Failure): Resolution {
  if (failure.kind !== 'rejected') return { failure };
  return { contactId: null, notes: [`No contact could be made. ${failure.reason}`] };
}

/** An upsert whose key is taken: by one that was made this moment, or is merged away and will be found by number. */
function untilShown(failure: Failure): Failure {
  const isOurs = failure.cure?.what === 'conflict' && (failure.cure.property ?? key) === key;
  return isOurs ? { ...failure, kind: 'retry' } : failure;
}
