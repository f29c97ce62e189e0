import { LRUCache } from 'lru-cache';
import {
  type Delivery,
  type Log,
  mapFields,
  maskNumber,
  type People,
  type Tools,
} from '../../src/connector/contract.ts';
import type { HubSpotApi, Properties, Row, UpdateInput, Written } from './api.ts';
import { contactDraft } from './contact-draft.ts';
import { type Failure, RequestFailed } from './failures.ts';
import type { HubSpotFindings } from './found.ts';
import type { HubSpotOptions } from './options.ts';
import { choose, packSearches, searchByPhone } from './phone-search.ts';
import { ownProperties } from './setup-names.ts';
import { asText } from './values.ts';

/** Whom a call belongs to: a contact, nobody, or not to be known yet. */
export type Resolution =
  | { contactId: string | null; notes: string[]; failure?: undefined }
  | { failure: Failure; contactId?: undefined };

/** A caller who is to be resolved, with the calls that need it. */
interface Caller {
  number: string;
  calls: Delivery[];
}

const key = ownProperties.contacts;

/** The contacts of callers: known, found by key, found by number, or made; each number once at a time. */
export class Contacts {
  readonly #api: HubSpotApi;
  readonly #options: HubSpotOptions['person'];
  readonly #draft: (delivery: Delivery) => Properties;
  readonly #findings: HubSpotFindings;
  readonly #people: People;
  readonly #log: Log;
  /** Numbers that another batch resolves just now. */
  readonly #inFlight = new Map<string, Promise<Resolution>>();
  /** What mapped properties of a contact hold, as far as read or written here. */
  readonly #held = new LRUCache<string, Properties>({ max: 5_000 });

  constructor(api: HubSpotApi, options: HubSpotOptions, findings: HubSpotFindings, tools: Tools) {
    this.#api = api;
    this.#findings = findings;
    this.#options = options.person;
    this.#draft = (delivery) => asText(contactDraft(options, delivery)?.properties ?? {}, []);
    this.#people = tools.people;
    this.#log = tools.log;
  }

  /** The contact of each delivery's caller. Deliveries without a number have none, but for the catch-all. */
  async resolve(deliveries: readonly Delivery[], signal: AbortSignal): Promise<Map<Delivery, Resolution>> {
    const callers = new Map<string, Caller>();
    for (const delivery of deliveries) {
      const { number } = delivery.call.caller;
      if (number === null) continue;
      const caller = callers.get(number) ?? { number, calls: [] };
      caller.calls.push(delivery);
      callers.set(number, caller);
    }
    const resolved = await this.#resolveOnce([...callers.values()], signal);
    return new Map(
      deliveries.map((delivery) => {
        const { number, withheld } = delivery.call.caller;
        return [
          delivery,
          number === null ? this.#withoutNumber(withheld) : (resolved.get(number) as Resolution),
        ];
      }),
    );
  }

  /** HubSpot does not have the contact any more: the next resolution starts afresh. */
  async forget(deliveries: readonly Delivery[]): Promise<void> {
    const numbers = deliveries.flatMap(({ call }) => call.caller.number ?? []);
    for (const number of numbers)
      this.#log.info({ caller: maskNumber(number) }, 'the contact is gone from HubSpot');
    if (numbers.length > 0) await this.#people.forget(numbers);
  }

  #withoutNumber(withheld: boolean): Resolution {
    const catchAll = this.#options.withheld;
    return { contactId: withheld && catchAll !== 'none' ? catchAll : null, notes: [] };
  }

  /** Resolves own numbers first and waits for those of other batches then, so that no two wait for each other. */
  async #resolveOnce(callers: readonly Caller[], signal: AbortSignal): Promise<Map<string, Resolution>> {
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
    for (const [number, { id }] of known) resolved.set(number, { contactId: id, notes: [] });
  }

  async #byKey(
    callers: readonly Caller[],
    resolved: Map<string, Resolution>,
    signal: AbortSignal,
  ): Promise<void> {
    const numbers = callers.map(({ number }) => number);
    const found = await this.#readByKey(numbers, signal);
    for (const [number, row] of found) resolved.set(number, { contactId: row.id, notes: [] });
    await this.#remember(found);
  }

  async #readByKey(numbers: readonly string[], signal: AbortSignal): Promise<Map<string, Row>> {
    const properties = [key, ...this.#mapped()];
    const rows = await this.#api.read('contacts', numbers, { idProperty: key, properties }, signal);
    for (const row of rows) this.#hold(row.id, row.properties);
    return new Map(rows.map((row) => [row.properties[key] ?? '', row]));
  }

  async #byPhone(
    callers: readonly Caller[],
    resolved: Map<string, Resolution>,
    signal: AbortSignal,
  ): Promise<void> {
    const regionOf = (caller: Caller) => (caller.calls[0] as Delivery).source.region;
    const wanted = callers.map((caller) => ({ number: caller.number, region: regionOf(caller) }));
    const account = await this.#findings.all();
    const found = new Map<string, Row>();
    await Promise.all(
      packSearches(wanted, account).map((pack) => {
        const open = () => callers.filter((one) => pack.some(({ number }) => number === one.number));
        return this.#orFail(open, resolved, async () => {
          for (const [number, rows] of await searchByPhone(this.#api, pack, account, signal)) {
            const chosen = choose(rows, this.#options.whenSeveral);
            if (chosen) found.set(number, chosen);
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
    found: ReadonlyMap<string, Row>,
    resolved: Map<string, Resolution>,
    signal: AbortSignal,
  ): Promise<void> {
    const claims = new Map<string, UpdateInput>(); // by contact: one may be found under both of its numbers
    for (const [number, row] of found) {
      resolved.set(number, { contactId: row.id, notes: [] });
      if (row.properties[key] || claims.has(row.id)) continue;
      claims.set(row.id, { id: row.id, objectWriteTraceId: number, properties: { [key]: number } });
    }
    if (claims.size > 0) {
      const numbers = [...claims.values()].map((claim) => claim.objectWriteTraceId);
      const open = () => numbers.map((number) => ({ number, calls: [] }));
      await this.#orFail(open, resolved, async () => {
        await this.#settleClaims(
          await this.#api.update('contacts', [...claims.values()], signal),
          resolved,
          signal,
        );
      });
    }
    const standing = [...found].filter(([number, row]) => resolved.get(number)?.contactId === row.id);
    await this.#remember(new Map(standing));
  }

  async #settleClaims(
    written: ReadonlyMap<string, Written>,
    resolved: Map<string, Resolution>,
    signal: AbortSignal,
  ): Promise<void> {
    const taken: string[] = [];
    for (const [number, { failure }] of written) {
      if (failure?.cure?.what === 'conflict') taken.push(number);
      // The index still shows a contact that was merged or deleted: nothing is known of this caller yet.
      else if (failure?.cure?.what === 'gone')
        resolved.set(number, { failure: { ...failure, kind: 'retry' } });
      else if (failure) resolved.set(number, { failure });
    }
    if (taken.length === 0) return;
    // Another contact has the key since we looked: it is the caller's.
    const holders = await this.#readByKey(taken, signal);
    for (const [number, row] of holders) resolved.set(number, { contactId: row.id, notes: [] });
    await this.#remember(holders);
  }

  /** Makes the contacts under their key, so that making one twice is making it once. */
  async #create(
    callers: readonly Caller[],
    resolved: Map<string, Resolution>,
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.#options.create) {
      const notes = ['No contact has this number, and person.create is off.'];
      for (const { number } of callers) resolved.set(number, { contactId: null, notes });
      return;
    }
    const inputs = callers.map(({ number, calls }) => ({
      objectWriteTraceId: number,
      properties: { ...this.#draft(calls[0] as Delivery), [key]: number },
    }));
    const made = new Map<string, Row>();
    for (const [number, { row, failure }] of await this.#api.upsert('contacts', key, inputs, signal)) {
      resolved.set(number, row ? { contactId: row.id, notes: [] } : { failure: failure as Failure });
      if (row) made.set(number, row);
    }
    for (const { objectWriteTraceId, properties } of inputs) {
      const row = made.get(objectWriteTraceId);
      if (row) this.#hold(row.id, properties);
    }
    await this.#remember(made);
  }

  async #remember(found: ReadonlyMap<string, Row>): Promise<void> {
    if (found.size === 0) return;
    await this.#people.remember(
      new Map([...found].map(([number, { id }]) => [number, { type: 'contact', id }])),
    );
  }

  // What the mapping changes on contacts that are there already

  /**
   * Writes mapped properties to the contacts of these calls, as `onUpdate` allows. Defaults are never written here: a
   * placeholder is for new contacts only. Answers the failures, by delivery.
   */
  async updateMapped(
    people: readonly { delivery: Delivery; contactId: string }[],
    signal: AbortSignal,
  ): Promise<Map<Delivery, Failure>> {
    const failures = new Map<Delivery, Failure>();
    if (this.#options.onUpdate === 'never' || this.#mapped().length === 0 || people.length === 0)
      return failures;
    try {
      await this.#readHeld(
        people.map(({ contactId }) => contactId),
        signal,
      );
      const changes = new Map<string, Properties>();
      for (const { delivery, contactId } of people) {
        const held = { ...this.#held.get(contactId), ...changes.get(contactId) };
        const change = this.#changes(held, delivery);
        if (Object.keys(change).length > 0) changes.set(contactId, { ...changes.get(contactId), ...change });
      }
      const written = await this.#writeChanges(changes, signal);
      for (const { delivery, contactId } of people) {
        const failure = written.get(contactId)?.failure;
        if (failure && failure.cure?.what !== 'gone') failures.set(delivery, failure);
      }
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      for (const { delivery } of people) failures.set(delivery, thrown.failure);
    }
    return failures;
  }

  #mapped(): string[] {
    return Object.keys(this.#options.properties);
  }

  /** Only `fillBlank` has to know what is there. */
  async #readHeld(contactIds: readonly string[], signal: AbortSignal): Promise<void> {
    const unknown = [...new Set(contactIds)].filter((id) => !this.#held.has(id));
    if (this.#options.onUpdate !== 'fillBlank' || unknown.length === 0) return;
    const rows = await this.#api.read('contacts', unknown, { properties: this.#mapped() }, signal);
    for (const row of rows) this.#hold(row.id, row.properties);
  }

  #changes(held: Properties, { call, source }: Delivery): Properties {
    const mapped = asText(mapFields(this.#options.properties, { call, timezone: source.timezone }), []);
    const fill = this.#options.onUpdate === 'fillBlank';
    return Object.fromEntries(
      Object.entries(mapped).filter(([name, value]) => (fill ? !held[name] : held[name] !== value)),
    );
  }

  async #writeChanges(
    changes: ReadonlyMap<string, Properties>,
    signal: AbortSignal,
  ): Promise<Map<string, Written>> {
    if (changes.size === 0) return new Map();
    const inputs = [...changes].map(([id, properties]) => ({ id, objectWriteTraceId: id, properties }));
    const written = await this.#api.update('contacts', inputs, signal);
    for (const [id, properties] of changes) if (written.get(id)?.row) this.#hold(id, properties);
    return written;
  }

  #hold(contactId: string, properties: Row['properties']): void {
    const filled = Object.entries(properties).filter((entry): entry is [string, string] => !!entry[1]);
    this.#held.set(contactId, { ...this.#held.get(contactId), ...Object.fromEntries(filled) });
  }
}

function severalHave(rows: readonly Row[]): string {
  const ids = rows.map((row) => row.id).join(', ');
  return `Several contacts have this number (${ids}), so none was linked.`;
}
