import { cacheOf } from '../cache.ts';
import type { RecordRef } from '../call/records.ts';
import { type Clock, isRecent } from '../clock.ts';
import type { Delivery } from '../connector/contract.ts';
import type { Values } from '../connector/values.ts';
import { type Mapping, mapFields } from '../route/map-fields.ts';
import { type TouchFields, touchChanges, touchNames } from './attribution.ts';
import { type Failure, isOfGone, RequestFailed } from './failure.ts';
import { isBlank, isShown } from './held.ts';

/** For so long a blank is believed to be one still: while a call rings, somebody may fill in who it is. */
const blankBelievedMs = 10_000;

export interface PersonUpdateOptions {
  onUpdate: 'fillBlank' | 'overwrite' | 'never';
  /** Field → template. */
  properties: Mapping;
  /** Undefined: touches are not kept. */
  touches?: TouchFields | undefined;
}

type Held = Readonly<Record<string, unknown>>;

/** A call, and whom it belongs to: somebody who was there before it. */
export interface Meeting {
  delivery: Delivery;
  person: RecordRef;
}

/** Values as the fields of a person can hold them. */
export interface FittedPerson {
  values: Record<string, unknown>;
  notes: readonly string[];
  /** Of a field that the mapping names, and that nobody can write. */
  failure?: Failure | undefined;
}

/** What became of a change. */
export interface Updated {
  notes?: readonly string[];
  failure?: Failure | undefined;
}

/** What a CRM brings for it. All of it may throw `RequestFailed`. */
export interface PersonRecords {
  /** The types that are changed. */
  readonly types: readonly string[];
  /** Asked before anything is fitted: what the fields of these people are, if that has to be known. */
  describe?(people: readonly RecordRef[], signal: AbortSignal): Promise<void>;
  /** Without what this kind of person does not have. Undefined: they have everything, and it fits. */
  fit?(person: RecordRef, values: Values, timezone: string): FittedPerson;
  /** What those who are there hold, by id. */
  read(
    people: readonly RecordRef[],
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Held>>;
  /** Answers in order. */
  write(
    changes: readonly { person: RecordRef; values: Record<string, unknown> }[],
    signal: AbortSignal,
  ): Promise<readonly Updated[]>;
}

/**
 * Writes to people who are in the CRM already: mapped fields, as `onUpdate` allows, and how their calls came about; with
 * `never` nothing. Defaults are never written here: a placeholder is for new people only.
 */
export class PersonUpdates {
  readonly #records: PersonRecords;
  readonly #options: PersonUpdateOptions;
  readonly #clock: Clock;
  /** What these fields of a person hold, as far as read or written here. */
  readonly #held = cacheOf<string, { values: Held; at: number }>(5_000);

  constructor(records: PersonRecords, options: PersonUpdateOptions, clock: Clock) {
    this.#records = records;
    this.#options = options;
    this.#clock = clock;
  }

  /** What has to be known of a person before they are changed. */
  get names(): string[] {
    const { onUpdate, properties, touches } = this.#options;
    if (onUpdate === 'never') return [];
    return [...Object.keys(properties), ...(touches ? touchNames(touches) : [])];
  }

  /** Somebody was read elsewhere, or made. */
  hold(id: string, values: Held, at = this.#clock.now().getTime()): void {
    this.#held.set(id, { values: { ...this.#held.get(id)?.values, ...values }, at });
  }

  /** Answers what there is to tell. A person whom the CRM does not let be changed costs no call. */
  async write(meetings: readonly Meeting[], signal: AbortSignal): Promise<Map<Delivery, Updated>> {
    if (this.names.length === 0 || meetings.length === 0) return new Map();
    try {
      const people = meetings.map(({ person }) => person);
      await this.#records.describe?.(people, signal);
      if (this.#mustKnow)
        await this.#read(
          people.filter(({ id }) => !this.#held.has(id)),
          signal,
        );
      const doubtful = this.#changesOf(meetings).filter((change) => this.#isDoubtful(change));
      await this.#read(
        doubtful.map(({ person }) => person),
        signal,
      );
      return await this.#write(meetings, this.#changesOf(meetings), signal);
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      const { failure } = thrown;
      return new Map(meetings.map(({ delivery }) => [delivery, { notes: [], failure }]));
    }
  }

  /** `overwrite` alone does not have to know what is there. */
  get #mustKnow(): boolean {
    return this.#options.onUpdate === 'fillBlank' || this.#options.touches !== undefined;
  }

  /** Who the CRM does not show is not known any more. */
  async #read(people: readonly RecordRef[], signal: AbortSignal): Promise<void> {
    const asked = new Map(people.map((person) => [person.id, person]));
    if (asked.size === 0) return;
    const shown = await this.#records.read([...asked.values()], this.names, signal);
    for (const id of asked.keys()) this.#held.delete(id);
    for (const [id, values] of shown) this.hold(id, values);
  }

  /** What each call changes on its person, one after the other. Nothing, where it has to be known what is there, and is not. */
  #changesOf(meetings: readonly Meeting[]): Change[] {
    const changed = new Map<string, Held>();
    return meetings.flatMap((meeting) => {
      const { id } = meeting.person;
      const known = this.#held.get(id);
      if (!known && this.#mustKnow) return [];
      const fitted = this.#changes({ ...known?.values, ...changed.get(id) }, meeting);
      changed.set(id, { ...changed.get(id), ...fitted.values });
      return [{ ...meeting, fitted }];
    });
  }

  #changes(held: Held, { delivery, person }: Meeting): FittedPerson {
    const { onUpdate, properties, touches } = this.#options;
    const { call, source } = delivery;
    const { timezone } = source;
    const open = Object.entries(mapFields(properties, { call, timezone })).filter(
      ([name]) => onUpdate === 'overwrite' || isBlank(held[name]),
    );
    const values = { ...(touches ? touchChanges(touches, held, call) : {}), ...Object.fromEntries(open) };
    const fitted = this.#records.fit?.(person, values, timezone) ?? { values, notes: [] };
    const changed = Object.entries(fitted.values).filter(([name, value]) => !isShown(held[name], value));
    return { ...fitted, values: Object.fromEntries(changed) };
  }

  /** It would fill what was blank when it was read, and somebody may have filled since. */
  #isDoubtful({ person, fitted }: Change): boolean {
    const { onUpdate, properties, touches } = this.#options;
    const now = this.#clock.now().getTime();
    if (!this.#mustKnow || isRecent(this.#held.get(person.id)?.at ?? 0, blankBelievedMs, now)) return false;
    return Object.keys(fitted.values).some(
      (name) => name === touches?.first.at || (onUpdate === 'fillBlank' && name in properties),
    );
  }

  async #write(
    meetings: readonly Meeting[],
    changes: readonly Change[],
    signal: AbortSignal,
  ): Promise<Map<Delivery, Updated>> {
    const told = new Map<Delivery, Updated>();
    const byPerson = new Map<string, { person: RecordRef; values: Record<string, unknown> }>();
    for (const { delivery, person, fitted } of changes) {
      const { values, notes, failure } = fitted;
      told.set(delivery, { notes, failure });
      if (failure || Object.keys(values).length === 0) continue;
      byPerson.set(person.id, { person, values: { ...byPerson.get(person.id)?.values, ...values } });
    }
    if (byPerson.size === 0) return told;
    const answers = await this.#records.write([...byPerson.values()], signal);
    const written = new Map([...byPerson.keys()].map((id, place) => [id, answers[place] as Updated]));
    for (const [id, { values }] of byPerson)
      if (!written.get(id)?.failure) this.hold(id, values, this.#held.get(id)?.at);
    for (const { delivery, person } of meetings) {
      const { notes = [], failure } = told.get(delivery) ?? {};
      const one = written.get(person.id);
      if (one)
        told.set(delivery, {
          notes: [...notes, ...(one.notes ?? []), ...noteOn(one.failure)],
          failure: failure ?? (isTold(one.failure) ? undefined : one.failure),
        });
    }
    return told;
  }
}

/** What a call changes on its person. */
interface Change extends Meeting {
  fitted: FittedPerson;
}

/** Of somebody who is not there any more, the link tells; a refusal is a note. */
function isTold(failure: Failure | undefined): boolean {
  return failure !== undefined && (isOfGone(failure) || failure.kind === 'rejected');
}

function noteOn(failure: Failure | undefined): string[] {
  if (!failure || isOfGone(failure) || failure.kind !== 'rejected') return [];
  return [`What the mapping says of the person was not written. ${failure.reason}`];
}
