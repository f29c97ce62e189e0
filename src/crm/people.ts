import { cacheOf } from '../cache.ts';
import { maskNumber } from '../call/mask.ts';
import type { RecordRef } from '../call/records.ts';
import type { Tools } from '../connector/contract.ts';
import { SingleFlight } from '../connector/single-flight.ts';
import { knownPerson } from '../connector/why-person.ts';
import { Begun } from './begun.ts';
import {
  type Candidate,
  choose,
  numberIn,
  severalHave,
  type Wanted,
  type WhenSeveral,
  whyFound,
  whyHolder,
} from './candidates.ts';
import type { Finder, Made, Newcomer, PeopleDriver, Whereabouts } from './driver.ts';
import { type Failure, isOfGone, mayBeDone, RequestFailed } from './failure.ts';
import type { UnownedPeople } from './ownership.ts';
import type { PersonUpdates } from './person-updates.ts';
import type { Users } from './users.ts';
import type { Drafts, Work, Written } from './work.ts';

export interface PeopleOptions {
  /** What is made of a caller whom nobody is found for; false: nobody. */
  create: unknown;
  whenSeveral: WhenSeveral;
  /** Whose calls without a number are. */
  withheld: string;
}

/** Whom a call belongs to, nobody, or not to be known yet. */
type Resolution =
  | {
      person: RecordRef | null;
      why?: string;
      notes: readonly string[];
      isNew?: boolean;
      /** What became of activities that were made along with them. */
      along?: ReadonlyMap<Work, Written>;
      failure?: undefined;
    }
  | { failure: Failure; person?: undefined };

type Resolutions = Map<string, Resolution>; // by number

/** A caller who is to be resolved, with the calls that need it, oldest first. */
interface Caller extends Wanted {
  works: Work[];
}

/** How many attempts a key that cannot be written is worth. */
const mostClaims = 3;
/** How many records of one number may have led to nobody, one after the other. */
const mostDead = 10;

/**
 * The people of callers, each number once at a time:
 *
 *     known ──▶ found by key ──▶ found by number ──▶ claimed with the key
 *                                     └─nobody──▶ made under the key ──taken──▶ found by key
 */
export class People {
  readonly #crm: string;
  readonly #driver: PeopleDriver;
  readonly #drafts: Drafts;
  readonly #options: PeopleOptions;
  readonly #users: Users;
  readonly #updates: PersonUpdates;
  /** Undefined: nobody is given an owner. */
  readonly #unowned: UnownedPeople | undefined;
  readonly #known: Tools['people'];
  readonly #log: Tools['log'];
  readonly #clock: Tools['clock'];
  readonly #begun: Begun;
  /** Numbers that another batch resolves just now. */
  readonly #inFlight = new SingleFlight<Resolution>();
  /** People whom the CRM said are gone, though a converted record still names them. */
  readonly #gone = cacheOf<string, true>(5_000);
  /** Whom somebody was merged or converted into → who that was. */
  readonly #became = cacheOf<string, string>(5_000);
  /** Numbers whose key belongs to a converted record that leads nowhere any more → that one. */
  readonly #dead = cacheOf<string, RecordRef>(5_000);

  constructor(
    crm: { name: string; people: PeopleDriver; drafts: Drafts },
    options: PeopleOptions,
    means: { users: Users; updates: PersonUpdates; unowned: UnownedPeople | undefined },
    tools: Pick<Tools, 'clock' | 'log' | 'memory' | 'people'>,
  ) {
    this.#crm = crm.name;
    this.#driver = crm.people;
    this.#drafts = crm.drafts;
    this.#options = options;
    this.#users = means.users;
    this.#updates = means.updates;
    this.#unowned = means.unowned;
    this.#known = tools.people;
    this.#log = tools.log;
    this.#clock = tools.clock;
    this.#begun = new Begun(tools);
  }

  /** Finds the person of each call's caller. Calls without a number have none, but for the catch-all. */
  async find(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const callers = new Map<string, Caller>();
    for (const work of works) {
      const { call, source } = work.delivery;
      const { number } = call.caller;
      if (number === null) continue;
      const caller = callers.get(number) ?? { number, region: source.region, works: [] };
      caller.works.push(work);
      callers.set(number, caller);
    }
    const resolved = await this.#inFlight.share([...callers.keys()], (own) =>
      this.#resolve(
        own.map((number) => callers.get(number) as Caller),
        signal,
      ),
    );
    for (const work of works) {
      const { number, withheld } = work.delivery.call.caller;
      const one = number === null ? this.#withoutNumber(withheld) : (resolved.get(number) as Resolution);
      if (one.failure) work.failures.push(one.failure);
      else {
        work.person = one.person;
        work.whyPerson = one.why;
        work.isNew = one.isNew === true;
        if (work.activity) work.activity.along = one.along?.get(work);
        work.notes.push(...one.notes);
      }
    }
  }

  /**
   * The CRM does not have these people any more, as they were. Who became another is that one from now on; the next
   * resolution of the others starts afresh. Of whom it is not known yet what became, nothing is forgotten, so that the
   * next attempt asks again: why is their calls' failure.
   */
  async moveOn(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const gone = new Map<string, RecordRef>(); // by number
    for (const { delivery, person } of works) {
      const { number } = delivery.call.caller;
      if (number !== null && person !== null) gone.set(number, person);
    }
    if (gone.size === 0) return;
    const asked = [...gone].map(([number, person]) => ({ number, person }));
    let became: ReadonlyMap<string, Whereabouts>;
    try {
      became = (await this.#driver.whereabouts?.(asked, signal)) ?? new Map();
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      for (const work of works) work.failures = [thrown.failure];
      return;
    }
    for (const work of works) {
      const one = became.get(work.person?.id ?? '');
      if (typeof one === 'object' && 'kind' in one) work.failures = [one];
    }
    const lost = asked.filter(({ person }) => {
      const one = became.get(person.id);
      return one !== 'there' && !(typeof one === 'object' && 'kind' in one);
    });
    if (lost.length === 0) return;
    for (const { number } of lost)
      this.#log.info({ caller: maskNumber(number) }, `the person is gone from ${this.#crm}`);
    await this.#known.forget(lost.map(({ number }) => number));
    const heirs = new Map<string, RecordRef>();
    for (const { number, person } of lost) {
      const heir = became.get(person.id) as RecordRef | undefined;
      if (!heir) this.#gone.set(person.id, true);
      else {
        this.#became.set(heir.id, `${person.type} ${person.id}`);
        if (!this.#gone.has(heir.id)) heirs.set(number, heir);
      }
    }
    if (heirs.size > 0) await this.#known.remember(heirs);
  }

  #withoutNumber(withheld: boolean): Resolution {
    const catchAll = this.#options.withheld;
    if (!withheld || catchAll === 'none') return { person: null, notes: [] };
    const why = 'The number is withheld: person.withheld names this record.';
    return { person: this.#driver.named(catchAll), why, notes: [] };
  }

  async #resolve(callers: readonly Caller[], signal: AbortSignal): Promise<Resolutions> {
    const resolved: Resolutions = new Map();
    const unresolved = () => callers.filter(({ number }) => !resolved.has(number));
    const steps = [
      () => this.#fromOwnMap(unresolved(), resolved),
      ...this.#driver.finders.map((find) => () => this.#take(unresolved(), find, resolved, signal)),
      () => this.#make(unresolved(), resolved, signal),
    ];
    for (const step of steps) {
      if (unresolved().length === 0) break;
      await orFail(unresolved, resolved, step);
    }
    return resolved;
  }

  async #fromOwnMap(callers: readonly Caller[], resolved: Resolutions): Promise<void> {
    for (const [number, person] of await this.#known.find(callers.map(({ number }) => number))) {
      const before = this.#became.get(person.id);
      this.#became.delete(person.id);
      const why = before ? `What became of ${before}, which was merged or converted.` : knownPerson;
      resolved.set(number, { person, why, notes: [] });
    }
  }

  /** Who has the key is the caller; else one is chosen of those who have the number, and claimed for it. */
  async #take(
    callers: readonly Caller[],
    finder: Finder,
    resolved: Resolutions,
    signal: AbortSignal,
  ): Promise<void> {
    const seen = new Map<string, readonly Candidate[]>();
    const searches = await finder(callers, this.#updates.names);
    await Promise.all(
      searches.map((search) => {
        const whom = () => search.callers.filter(({ number }) => !resolved.has(number));
        return orFail(whom, resolved, async () => {
          const found = await this.#see(search.find(signal));
          for (const { number } of search.callers) seen.set(number, found);
        });
      }),
    );
    const claims = new Map<string, Candidate>(); // by number
    for (const caller of callers) {
      const { number } = caller;
      const found = seen.get(number);
      if (!found || this.#takeHolder(number, found, resolved)) continue;
      const matches = found.filter((one) => numberIn(one, caller));
      const { whenSeveral } = this.#options;
      const choice = choose(matches, whenSeveral, (id) => this.#gone.has(id));
      if (choice === undefined) continue;
      if (choice === 'several') {
        resolved.set(number, { person: null, notes: [severalHave(matches)] });
        continue;
      }
      const { person, candidate } = choice;
      resolved.set(number, { person, why: whyFound(choice, caller, matches, whenSeveral), notes: [] });
      // One who holds the key of another number of theirs keeps it.
      const isTaken = [...claims.values()].some(({ record }) => record.id === candidate.record.id);
      const isFree = !candidate.isConverted && candidate.key === null && !isTaken;
      if (isFree && candidate.keyField !== undefined) claims.set(number, candidate);
    }
    await this.#claim(claims, callers, resolved, signal);
    await this.#remember(callers, resolved);
  }

  /** Each once, and what they hold. */
  async #see(finding: Promise<Candidate[]>): Promise<Candidate[]> {
    const found = await finding;
    for (const { record, held } of found) if (held) this.#updates.hold(record.id, held);
    return [...new Map(found.map((one) => [`${one.record.type} ${one.record.id}`, one])).values()];
  }

  /** Who has the key of a number. A converted record keeps it; the caller then is whom it became. */
  #takeHolder(
    number: string,
    found: readonly Candidate[],
    resolved: Resolutions,
    key = number,
    since = '',
  ): boolean {
    const holders = found.filter((one) => one.key === key);
    const holder = holders.find(({ isConverted }) => !isConverted) ?? holders[0];
    if (!holder) return false;
    const { person, isConverted, record } = holder;
    if (person && !(isConverted && this.#gone.has(person.id))) {
      resolved.set(number, { person, why: whyHolder(holder, since), notes: [] });
      return true;
    }
    this.#dead.set(number, record);
    return false;
  }

  /** Writes the key on people who were found by number, so that the next call finds them for certain. */
  async #claim(
    claims: ReadonlyMap<string, Candidate>,
    callers: readonly Caller[],
    resolved: Resolutions,
    signal: AbortSignal,
  ): Promise<void> {
    if (claims.size === 0 || !this.#driver.claim) return;
    const sorted = [...claims].sort(([, a], [, b]) => a.record.type.localeCompare(b.record.type));
    const written = await this.#driver.claim(
      sorted.map(([key, candidate]) => ({ candidate, key })),
      signal,
    );
    const taken = new Map<string, string>();
    const found = new Map<string, Resolution>();
    sorted.forEach(([number, { record }], place) => {
      const failure = written[place]?.failure;
      if (!failure) return;
      const one = resolved.get(number) as Exclude<Resolution, { failure: Failure }>;
      const noted = { ...one, notes: [`The key was not written on ${record.id}. ${failure.reason}`] };
      if (failure.cure?.what === 'taken') {
        // Another has it since we looked, so they are the caller.
        taken.set(number, number);
        found.set(number, noted);
        resolved.delete(number);
      } else if (isOfGone(failure)) {
        // Since we looked, somebody deleted, merged or converted them: nothing is known of this caller yet.
        resolved.set(number, { failure: { ...failure, kind: 'retry' } });
      } else if (failure.kind === 'rejected' || isInsisted(number, failure, callers))
        resolved.set(number, noted);
      else resolved.set(number, { failure });
    });
    await this.#adoptHolders(taken, resolved, signal);
    // Nobody is shown: who was found by number is the caller all the same.
    for (const [number, one] of found) if (!resolved.has(number)) resolved.set(number, one);
  }

  /** Somebody has the keys that these numbers were to get, so they are the callers. Nobody may be shown. */
  async #adoptHolders(
    keys: ReadonlyMap<string, string>, // by number
    resolved: Resolutions,
    signal: AbortSignal,
  ): Promise<Set<string>> {
    const dead = new Set<string>();
    if (keys.size === 0) return dead;
    const whom = () =>
      [...keys.keys()].filter((number) => !resolved.has(number)).map((number) => ({ number }));
    await orFail(whom, resolved, async () => {
      const found = await this.#see(this.#driver.byKey([...keys.values()], this.#updates.names, signal));
      for (const [number, key] of keys) {
        const since = key === number ? ', which they got meanwhile' : '';
        if (this.#takeHolder(number, found, resolved, key, since)) continue;
        if (found.some((one) => one.key === key)) dead.add(number);
      }
    });
    return dead;
  }

  /** Makes people under their key, so that making one twice is making it once. */
  async #make(callers: readonly Caller[], resolved: Resolutions, signal: AbortSignal): Promise<void> {
    if (this.#options.create === false) {
      const notes = ['Nobody has this number, and person.create is off.'];
      for (const { number } of callers) resolved.set(number, { person: null, notes });
      return;
    }
    let rest = callers;
    for (let n = 0; rest.length > 0 && n <= mostDead; n++)
      rest = await this.#makeOnce(rest, resolved, signal);
    for (const { number } of rest) {
      const { type = '', id = '' } = this.#dead.get(number) ?? {};
      const why = `The last of ${mostDead} converted ${type}s of this number, ${id}, leads to nobody. Clear their keys.`;
      resolved.set(number, { person: null, notes: [`Nobody could be made of the caller. ${why}`] });
    }
    await this.#remember(callers, resolved);
    const isSettled = ({ number }: Caller) => {
      const failure = resolved.get(number)?.failure;
      return !failure || !mayBeDone(failure);
    };
    if (this.#driver.unkeyed) await this.#begun.settle(callers.filter(isSettled).map(makingName));
  }

  /** Answers those whose key turned out to be held by somebody who leads to nobody. */
  async #makeOnce(callers: readonly Caller[], resolved: Resolutions, signal: AbortSignal): Promise<Caller[]> {
    const all = callers.map(({ number, works }) => this.#newcomer(number, works));
    const newcomers = await this.#begin(all, resolved);
    if (newcomers.length === 0) return [];
    await this.#users.settle(newcomers, signal);
    // They get their owner once it is known who answered.
    const isUnowned = ({ works: [work], values }: Newcomer) =>
      work?.delivery.call.phase === 'ringing' && !(this.#users.field in values);
    await this.#unowned?.expect(newcomers.filter(isUnowned).map(({ number }) => number));
    const made = await this.#driver.make(newcomers, signal);
    const taken = new Map<string, string>();
    const refused = new Map<string, Failure>();
    newcomers.forEach((newcomer, place) => {
      const one = made[place] as Made;
      const { number, key } = newcomer;
      if (one.failure?.cure?.what === 'taken') {
        taken.set(number, key);
        refused.set(number, one.failure);
      } else resolved.set(number, this.#read(newcomer, one));
    });
    const dead = await this.#adoptHolders(taken, resolved, signal);
    for (const [number, { reason }] of refused) {
      if (resolved.has(number) || dead.has(number)) continue;
      const unseen = `Somebody has the key of the caller, and ${this.#crm} does not show them.`;
      const why = [unseen, this.#driver.whenUnseen ?? [], reason].flat().join(' ');
      resolved.set(number, { failure: { kind: 'retry', reason: why } });
    }
    return callers.filter(({ number }) => !resolved.has(number));
  }

  /** Where keys of people are not unique: all but those whose making was not answered, and who may be found soon. */
  async #begin(newcomers: readonly Newcomer[], resolved: Resolutions): Promise<readonly Newcomer[]> {
    const { unkeyed } = this.#driver;
    if (!unkeyed) return newcomers;
    const begun = await this.#begun.of(newcomers.map(makingName), unkeyed.lagMs);
    const due = newcomers.filter((one) => {
      const notBefore = begun.get(makingName(one));
      if (!notBefore || notBefore <= this.#clock.now()) return true;
      const reason = `The answer to the making of this caller's person was lost, and ${this.#crm} does not keep the keys of people unique: they are looked for until searching must show them.`;
      resolved.set(one.number, { failure: { kind: 'retry', reason, notBefore } });
      return false;
    });
    await this.#begun.note(due.map(makingName));
    return due;
  }

  #newcomer(number: string, works: readonly Work[]): Newcomer {
    const [{ delivery }] = works as readonly [Work, ...Work[]];
    const draft = this.#drafts.person(
      delivery,
      works.map((work) => work.delivery.call),
    );
    return {
      number,
      key: keyAfter(number, this.#dead.get(number)),
      values: draft?.properties ?? {},
      timezone: delivery.source.timezone,
      notes: [...(draft?.notes ?? [])],
      works,
    };
  }

  #read({ number, notes }: Newcomer, made: Made): Resolution {
    // The activity is never the price of its person.
    if (made.failure)
      return made.failure.kind === 'rejected'
        ? { person: null, notes: [`Nobody could be made of the caller. ${made.failure.reason}`] }
        : { failure: made.failure };
    const { person, isNew, held, along } = made;
    if (held) this.#updates.hold(person.id, held);
    const dead = this.#dead.get(number);
    const created =
      dead === undefined
        ? 'Created, as nobody had this number.'
        : `Created, as the converted ${dead.type} ${dead.id} of this number leads to nobody any more.`;
    const why = made.why ?? (isNew ? created : 'Found by its key, which they got meanwhile.');
    return { person, why, notes, isNew, ...(along ? { along } : {}) };
  }

  async #remember(callers: readonly Caller[], resolved: Resolutions): Promise<void> {
    const people = callers.flatMap(({ number }) => {
      const person = resolved.get(number)?.person;
      return person ? [[number, person] as const] : [];
    });
    if (people.length > 0) await this.#known.remember(new Map(people));
  }
}

/** The number comes last: erasing a caller erases what ends with it. */
const makingName = ({ number }: { number: string }) => `making person/${number}`;

/** A converted record keeps its key and cannot be changed, so whoever comes after a dead one has a key made of both. */
function keyAfter(number: string, dead: RecordRef | undefined): string {
  return dead === undefined ? number : `${number}/${dead.id}`;
}

/** A step that fails as a whole fails for those it was to resolve, and for nobody else. */
async function orFail(
  whom: () => readonly { number: string }[],
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

/** Whether calls have waited long enough for a key that the CRM does not take: the person is found without it. */
function isInsisted(number: string, { kind }: Failure, callers: readonly Caller[]): boolean {
  const works = callers.find((caller) => caller.number === number)?.works ?? [];
  return kind === 'retry' && works.some(({ delivery }) => delivery.attempt > mostClaims);
}
