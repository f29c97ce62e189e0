import type { Clock } from '../../src/clock.ts';
import type { Connection, Delivery, Outcome } from '../../src/connector/index.ts';

/**
 * How a CRM, or the connector before it, takes one request:
 * - `refuses`: nothing is written, and the connector throws; `forgets`: all is written, and the connector throws
 * - `busy`, `busyLater`: not now, without and with a time
 * - `half`: the first of the batch is written, the others are to be tried again
 * - `slow`, `slowAnswer`: it waits to be told, before or after it writes
 * - `late`: the connector gives it up and throws; it is carried out afterwards
 * - the others write all and then break the contract
 */
export const moods = [
  'refuses',
  'forgets',
  'busy',
  'busyLater',
  'half',
  'slow',
  'slowAnswer',
  'late',
  'tooFew',
  'tooMany',
  'noList',
  'noOutcome',
  'noReason',
  'noRecords',
  'textForDate',
  'noDate',
  'unwritable',
] as const;
export type Mood = (typeof moods)[number];

const breaches: Partial<Record<Mood, (outcomes: Outcome[]) => unknown>> = {
  tooFew: (outcomes) => outcomes.slice(1),
  tooMany: (outcomes) => [...outcomes, outcomes[0]],
  noList: () => undefined,
  noOutcome: (outcomes) => outcomes.map(() => null),
  noReason: (outcomes) => outcomes.map(() => ({ kind: 'retry' })),
  noRecords: (outcomes) => outcomes.map(({ kind, ...rest }) => ({ ...rest, kind, records: 'all', notes: 7 })),
  textForDate: (outcomes) =>
    outcomes.map(() => ({ kind: 'retry', reason: 'Later.', notBefore: '2026-11-02T03:20:00.000Z' })),
  noDate: (outcomes) =>
    outcomes.map(() => ({ kind: 'blocked', reason: 'Never.', notBefore: new Date(Number.NaN) })),
  unwritable: (outcomes) => outcomes.map((outcome) => ({ ...outcome, records: { activity: 1n } })),
};

/**
 * What becomes of a request: it arrives, or is lost, or is carried out so many milliseconds later, when nobody waits for
 * it any more, and newer ones may have been.
 */
export type Fate = boolean | number;
/** No CRM carries a request out later than this. */
export const latestMs = 120_000;

/** What the CRM shows of a call. */
export interface Activity {
  id: string;
  revision: number;
  phase: string;
  fields: Record<string, string>;
  mapping: number;
  person: string | undefined;
  /** The instance that wrote it last. */
  by: string;
}

export interface Person {
  id: string;
  number: string;
  /** The instance that made it. */
  by: string;
}

/** The mapping and the instance that a connection is opened for. */
interface OpenedFor {
  instance: string;
  mapping: number;
  /** Resolves while the instance runs: a process that hangs learns nothing. */
  running(): Promise<void>;
}

/** One `deliver` under way. */
interface Request {
  of: OpenedFor;
  batch: readonly Delivery[];
  /** Whoever sent it gets an answer, if it arrives now. */
  end(fate: Fate): void;
  /** The same, but nobody is there any more to hear the answer. */
  orphan(fate: Fate): void;
}

/** A CRM with a key on its activities, and a connector that writes to it as the contract says. */
export class ModelCrm {
  readonly activities = new Map<string, Activity>();
  /** Nothing but the order of the requests keeps one number from being made twice. */
  readonly people: Person[] = [];
  readonly underWay = new Set<Request>();
  readonly limits: Connection['limits'];
  /** For the next requests. */
  moods: Mood[] = [];
  /** Call ids that it does not take. */
  rejects = new Set<string>();
  blocks = false;
  /** Counts whatever happens here. */
  events = 0;
  readonly #clock: Clock;
  readonly #fate: () => Fate;
  readonly #broken: (what: string) => void;
  /** What is to be carried out later. */
  readonly #late = new Set<() => void>();

  /** @param fate of a request that is given up */
  constructor(limits: Connection['limits'], clock: Clock, fate: () => Fate, broken: (what: string) => void) {
    this.limits = limits;
    this.#clock = clock;
    this.#fate = fate;
    this.#broken = broken;
  }

  get isExpecting(): boolean {
    return this.#late.size > 0;
  }

  /** What is to be carried out later, is now. */
  catchUp(): void {
    for (const write of this.#late) write();
  }

  #later(ms: number, write: () => void): void {
    const arrive = () => {
      cancel();
      this.events++;
      if (this.#late.delete(arrive)) write();
    };
    const cancel = this.#clock.after(ms, arrive);
    this.#late.add(arrive);
  }

  open(of: OpenedFor): Connection {
    return {
      limits: this.limits,
      deliver: (batch, signal) => this.#deliver(of, batch, signal),
      check: async () => [],
      plan: async () => [],
      apply: async () => {},
      link: () => undefined,
      close: async () => {
        if (this.of(of.instance).length > 0) this.#broken('a connection was closed during a request');
      },
    };
  }

  /** From now on it takes everything. What is slow stays under way. */
  mend(): void {
    this.moods = [];
    this.rejects.clear();
    this.blocks = false;
  }

  /** The requests of one instance. */
  of(instance: string): Request[] {
    return [...this.underWay].filter((request) => request.of.instance === instance);
  }

  async #deliver(of: OpenedFor, batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    this.events++;
    this.#checkOrder(of, batch);
    const mood = this.moods.shift();
    if (this.blocks) return batch.map(() => ({ kind: 'blocked', reason: 'The token was revoked.' }));
    if (mood === 'refuses') throw new Error('connect ECONNREFUSED');
    if (mood === 'busy') return batch.map(() => ({ kind: 'retry', reason: 'The CRM answered 503.' }));
    if (mood === 'busyLater') {
      const notBefore = new Date(this.#clock.now().getTime() + 60_000);
      return batch.map(() => ({ kind: 'retry', reason: 'The CRM answered 429.', notBefore }));
    }
    const known = new Map(this.people.map((person) => [person.number, person]));
    const write = () =>
      batch.map((delivery, n) => this.#write(of, delivery, known, mood === 'half' && n > 0));
    const writeLate = () => {
      const there = new Map(this.people.map((person) => [person.number, person])); // their keys are unique
      const late = { ...of, instance: `${of.instance}, late` };
      for (const delivery of batch) this.#write(late, delivery, there, false, true);
    };
    const outcomes = await this.#answer(of, batch, signal, mood, write, writeLate);
    this.events++;
    await of.running();
    if (mood === 'forgets') throw 'socket hang up';
    return mood && breaches[mood] ? (breaches[mood](outcomes) as Outcome[]) : outcomes;
  }

  /** The answer, when it comes. A request that waits is under way for as long. */
  async #answer(
    of: OpenedFor,
    batch: readonly Delivery[],
    signal: AbortSignal,
    mood: Mood | undefined,
    write: () => Outcome[],
    writeLate: () => void,
  ): Promise<Outcome[]> {
    const first = mood === 'slow' || mood === 'late' ? undefined : write();
    return new Promise((resolve, reject) => {
      const request: Request = {
        of,
        batch,
        end: (fate) => {
          if (!this.underWay.delete(request)) return;
          this.events++;
          if (first) resolve(first);
          else if (fate === true) resolve(write());
          else {
            if (fate !== false) this.#later(fate, writeLate);
            reject(new Error('socket hang up'));
          }
        },
        orphan: (fate) => {
          this.underWay.delete(request);
          if (first || fate === false) return;
          if (fate === true) write();
          else this.#later(fate, writeLate);
        },
      };
      this.underWay.add(request);
      signal.addEventListener('abort', () => request.end(this.#fate()));
      if (mood === 'late') request.end(this.#fate() || 1);
      else if (mood !== 'slow' && mood !== 'slowAnswer') request.end(true);
    });
  }

  /** No other request of this instance may hold one of these calls or callers: nothing else keeps them apart. */
  #checkOrder(of: OpenedFor, batch: readonly Delivery[]): void {
    const others = this.of(of.instance);
    const held = others.flatMap((request) => request.batch);
    for (const { key, call } of batch) {
      for (const other of held) {
        if (other.key === key) this.#broken(`call ${key} is attempted twice at once`);
        if (call.caller.number !== null && other.call.caller.number === call.caller.number) {
          this.#broken(`calls ${other.key} and ${key}, of one caller, are attempted at once`);
        }
      }
    }
    if (new Set(batch.map(({ key }) => key)).size < batch.length) this.#broken('a batch has a call twice');
    if (batch.length === 0 || batch.length > this.limits.batch) this.#broken(`a batch of ${batch.length}`);
    // Beside batches of many, one of live calls may run.
    const { parallel } = this.limits;
    const mayExceed = this.limits.batch > 1 && batch.every(({ urgency }) => urgency === 'live');
    const most = parallel > 1 && mayExceed ? parallel + 1 : parallel;
    if (others.length >= most) this.#broken(`${others.length + 1} batches at once`);
  }

  /** `known`: the people there were when the request came, as a connector looks before it creates. */
  #write(
    of: OpenedFor,
    delivery: Delivery,
    known: Map<string, Person>,
    isLeftOut: boolean,
    isLate = false,
  ): Outcome {
    const { key, call, revision, records } = delivery;
    if (this.rejects.has(call.id)) return { kind: 'rejected', reason: 'A property is refused.' };
    if (isLeftOut) return { kind: 'retry', reason: 'The CRM wrote only half.' };
    const before = this.activities.get(key);
    if (records.activity && records.activity.id !== before?.id && !isLate) {
      this.#broken(`${key} is believed to be ${records.activity.id}, and is ${before?.id}`);
    }
    if (before && before.by === of.instance && before.revision > revision && !isLate) {
      this.#broken(`${key} goes back from revision ${before.revision} to ${revision}`);
    }
    const person = call.caller.number === null ? undefined : this.#person(of, call.caller.number, known);
    const activity: Activity = {
      id: before?.id ?? `a${this.activities.size + 1}`,
      revision,
      phase: call.phase,
      fields: { ...call.fields },
      mapping: of.mapping,
      person: person?.id,
      by: of.instance,
    };
    this.activities.set(key, activity);
    return {
      kind: 'delivered',
      records: {
        activity: { type: 'call', id: activity.id },
        ...(person && { person: { type: 'contact', id: person.id } }),
      },
    };
  }

  #person(of: OpenedFor, number: string, known: Map<string, Person>): Person {
    const byAnother = this.people.find((one) => one.number === number && one.by !== of.instance);
    const person = known.get(number) ??
      byAnother ?? { id: `p${this.people.length}`, number, by: of.instance };
    if (!this.people.includes(person)) this.people.push(person);
    known.set(number, person);
    return person;
  }
}
