import { LRUCache } from 'lru-cache';
import {
  type Delivery,
  knownPerson,
  type Log,
  maskNumber,
  maskWritten,
  type RecordRef,
  SingleFlight,
  type Tools,
} from '../../src/connector/index.ts';
import type { SalesforceApi } from './api.ts';
import { type Candidate, type Choice, choose, keyOf, numberIn, personIn, personOf } from './candidates.ts';
import { RequestFailed } from './failures.ts';
import { LookUp } from './look-up.ts';
import { keyAfter, type NewPeople } from './new-people.ts';
import { matchOf, type ObjectName, type SalesforceOptions } from './options.ts';
import { packQueries, packSearches, type Wanted } from './phone-search.ts';
import type { Resolution } from './resolution.ts';
import { isIn } from './soql.ts';
import type { TaskJob } from './tasks.ts';

/** A caller who is to be resolved, with the calls that need it. */
interface Caller extends Wanted {
  jobs: TaskJob[];
}

type Resolutions = Map<string, Resolution>; // by number

/** How many attempts a key that cannot be written is worth. */
const mostClaims = 3;
const mostNamed = 10;
/** How many leads of one number may have led to nobody, one after the other. */
const mostDead = 10;

type Key = { object: ObjectName; field: string };

/** A call whose person turned out not to be there any more. */
export interface Orphan {
  delivery: Delivery;
  person: RecordRef;
  isDeleted: boolean;
}

/** Finds, claims and makes the people of callers; each number once at a time. */
export class People {
  readonly #api: SalesforceApi;
  readonly #options: SalesforceOptions;
  readonly #newPeople: NewPeople;
  readonly #lookUp: LookUp;
  readonly #known: Tools['people'];
  readonly #log: Log;
  /** Numbers that another batch resolves just now. */
  readonly #inFlight = new SingleFlight<Resolution>();
  /** Contacts that Salesforce said are gone, though a converted lead still names them. */
  readonly #gone = new LRUCache<string, true>({ max: 5_000 });
  /** Whom somebody was merged or converted into → who that was. */
  readonly #became = new LRUCache<string, string>({ max: 5_000 });
  /** Numbers whose key belongs to a converted lead that leads nowhere any more → the lead. */
  readonly #deadKeys = new LRUCache<string, string>({ max: 5_000 });

  constructor(api: SalesforceApi, options: SalesforceOptions, newPeople: NewPeople, tools: Tools) {
    this.#api = api;
    this.#options = options;
    this.#newPeople = newPeople;
    this.#lookUp = new LookUp(api, options);
    this.#known = tools.people;
    this.#log = tools.log;
  }

  /**
   * The person of each call's caller. Calls without a number have none, but for the catch-all. Where somebody is made,
   * calls may be written along with them.
   */
  async resolve(jobs: readonly TaskJob[], signal: AbortSignal): Promise<Map<TaskJob, Resolution>> {
    const callers = new Map<string, Caller>();
    for (const job of jobs) {
      const { call, source } = job.delivery;
      const { number } = call.caller;
      if (number === null) continue;
      const caller = callers.get(number) ?? { number, region: source.region, jobs: [] };
      caller.jobs.push(job);
      callers.set(number, caller);
    }
    const resolved = await this.#inFlight.share([...callers.keys()], (own) =>
      this.#resolveAll(
        own.map((number) => callers.get(number) as Caller),
        signal,
      ),
    );
    return new Map(
      jobs.map((job) => {
        const { number, withheld } = job.delivery.call.caller;
        const resolution = number === null ? this.#withoutNumber(withheld) : resolved.get(number);
        return [job, resolution as Resolution];
      }),
    );
  }

  /**
   * Salesforce does not have these people any more, as they were: the next resolution finds whom they were merged or
   * converted into, or starts afresh.
   */
  async moveOn(orphans: readonly Orphan[], signal: AbortSignal): Promise<void> {
    if (orphans.length === 0) return;
    const objects = (['Contact', 'Lead', 'Account'] as const).filter((object) =>
      orphans.some(({ person }) => successorIn(person) === object),
    );
    const found = await this.#api.query(
      objects.map((object) => {
        const ids = orphans.flatMap(({ person }) => (successorIn(person) === object ? [person.id] : []));
        const into = object === 'Lead' ? 'MasterRecordId,ConvertedContactId' : 'MasterRecordId';
        return `SELECT Id,IsDeleted,${into} FROM ${object} WHERE ${isIn('Id', ids)}`;
      }),
      signal,
      'queryAll',
    );
    const rows = found.flatMap((one) => one.rows ?? []);
    const successors = new Map(
      rows.flatMap((row) => {
        const successor = personOf(row['MasterRecordId'] ?? row['ConvertedContactId']);
        return successor ? [[row.Id, successor] as const] : [];
      }),
    );
    // Whatever Salesforce complained of: who is there is not gone.
    const there = new Set(rows.flatMap((row) => (row['IsDeleted'] === false ? [row.Id] : [])));
    const isAnswered = (person: RecordRef) => found[objects.indexOf(successorIn(person))]?.rows !== undefined;
    for (const { person, isDeleted } of orphans)
      if (isDeleted && isAnswered(person) && !there.has(person.id)) this.#gone.set(person.id, true);
    const numbers = orphans.flatMap(({ delivery }) => delivery.call.caller.number ?? []);
    for (const number of numbers)
      this.#log.info({ caller: maskNumber(number) }, 'the person is gone from Salesforce');
    if (numbers.length > 0) await this.#known.forget(numbers);
    const people = orphans.flatMap(({ delivery, person }) => {
      const successor = successors.get(person.id);
      const { number } = delivery.call.caller;
      return successor && number !== null && !this.#gone.has(successor.id)
        ? [[number, successor] as const]
        : [];
    });
    for (const { person } of orphans) {
      const successor = successors.get(person.id);
      if (successor) this.#became.set(successor.id, `${person.type} ${person.id}`);
    }
    if (people.length > 0) await this.#known.remember(new Map(people));
  }

  #withoutNumber(withheld: boolean): Resolution {
    const catchAll = this.#options.person.withheld;
    if (!withheld || catchAll === 'none') return { person: null, notes: [] };
    const why = 'The number is withheld: person.withheld names this record.';
    return { person: personOf(catchAll) ?? { type: 'contact', id: catchAll }, why, notes: [] };
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
      const before = this.#became.get(person.id);
      this.#became.delete(person.id);
      const why = before ? `What became of ${before}, which was merged or converted.` : knownPerson;
      resolved.set(number, { person, why, notes: [] });
    }
  }

  /** By key, and by the usual spellings of the number: one request for all callers of a batch. */
  async #byQuery(callers: readonly Caller[], resolved: Resolutions, signal: AbortSignal): Promise<void> {
    for (const part of packQueries(callers, this.#lookUp.mostPhones)) {
      await orFail(
        () => part.filter(({ number }) => !resolved.has(number)),
        resolved,
        async () => {
          const { keyed, typed } = await this.#lookUp.byQuery(part, signal);
          const rest = part.filter(({ number }) => !this.#takeHolder(number, keyed, resolved));
          await this.#remember(resolved, part);
          await this.#take(rest, typed, resolved, signal);
        },
      );
    }
  }

  /** Who has the key of a number. A converted lead keeps it; the caller then is the contact that it became. */
  #takeHolder(
    number: string,
    keyed: readonly Candidate[],
    resolved: Resolutions,
    key = number,
    since = '',
  ): boolean {
    const holders = keyed.filter((one) => one.key === key);
    const holder = holders.find(({ isConverted }) => !isConverted) ?? holders[0];
    if (!holder) return false;
    const person = personIn(holder);
    if (person && !(holder.isConverted && this.#gone.has(person.id))) {
      const field = keyOf(holder)?.field;
      const why = holder.isConverted
        ? `The contact that lead ${holder.id}, found by the key ${field}, was converted into.`
        : `Found by the key ${field}${since}.`;
      resolved.set(number, { person, why, notes: [] });
      return true;
    }
    this.#deadKeys.set(number, holder.id);
    return false;
  }

  async #bySearch(callers: readonly Caller[], resolved: Resolutions, signal: AbortSignal): Promise<void> {
    await Promise.all(
      packSearches(callers).map((search) =>
        orFail(
          () => search.callers.filter(({ number }) => !resolved.has(number)),
          resolved,
          async () =>
            this.#take(search.callers, await this.#lookUp.bySearch(search, signal), resolved, signal),
        ),
      ),
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
    const { whenSeveral } = this.#options.person;
    for (const caller of callers) {
      const matches = found.filter((one) => numberIn(one, caller));
      const choice = choose(matches, matchOf(this.#options), whenSeveral, (id) => this.#gone.has(id));
      if (choice === undefined) continue;
      if (choice === 'several') {
        resolved.set(caller.number, { person: null, notes: [severalHave(matches)] });
        continue;
      }
      const { person, candidate } = choice;
      const why = whyFound(choice, caller, matches, whenSeveral);
      resolved.set(caller.number, { person, why, notes: [] });
      // One who holds the key of another number of theirs keeps it.
      const isTaken = [...claims.values()].some(({ id }) => id === candidate.id);
      const isFree = !candidate.isConverted && candidate.key === null && !isTaken;
      if (isFree && keyOf(candidate)) claims.set(caller.number, candidate);
    }
    await this.#claim(claims, callers, resolved, signal);
    await this.#remember(resolved, callers);
  }

  /** Writes the key on people who were found by number, so that the next call finds them for certain. */
  async #claim(
    claims: ReadonlyMap<string, Candidate>,
    callers: readonly Caller[],
    resolved: Resolutions,
    signal: AbortSignal,
  ): Promise<void> {
    const sorted = [...claims]
      .map(([number, candidate]) => ({ number, id: candidate.id, ...(keyOf(candidate) as Key) }))
      .sort((a, b) => a.object.localeCompare(b.object));
    if (sorted.length === 0) return;
    const written = await this.#api.update(
      'people',
      sorted.map(({ number, object, id, field }) => ({ object, id, fields: { [field]: number } })),
      signal,
    );
    const taken = new Map<string, string>();
    sorted.forEach(({ number, id }, place) => {
      const failure = written[place]?.failure;
      const found = resolved.get(number) as { person: RecordRef; why: string; notes: string[] };
      if (!failure) return;
      if (failure.cure?.what === 'taken') taken.set(number, number);
      else if (failure.cure?.what === 'gone' || failure.cure?.what === 'converted') {
        // Since we looked, somebody deleted or converted them: nothing is known of this caller yet.
        resolved.set(number, { failure: { ...failure, kind: 'retry' } });
      } else if (failure.kind === 'rejected' || (failure.kind === 'retry' && isInsisted(number, callers))) {
        const note = `The key was not written on ${id}. ${failure.reason}`;
        resolved.set(number, { ...found, notes: [...found.notes, note] });
      } else resolved.set(number, { failure });
    });
    await this.#adoptHolders(taken, resolved, signal);
  }

  /**
   * Somebody has the keys that these numbers were to get, so they are the callers. A number stays unresolved if that is
   * a converted lead that leads to nobody any more.
   */
  async #adoptHolders(
    keys: ReadonlyMap<string, string>, // by number
    resolved: Resolutions,
    signal: AbortSignal,
  ): Promise<void> {
    if (keys.size === 0) return;
    const keyed = await this.#lookUp.byKey([...keys.values()], signal);
    for (const [number, key] of keys) {
      const since = key === number ? ', which they got meanwhile' : '';
      if (this.#takeHolder(number, keyed, resolved, key, since) || resolved.get(number)?.person) continue;
      if (keyed.some((one) => one.key === key)) continue;
      const reason =
        'Somebody has the key of the caller, and Salesforce does not show them. If it stays so, give the bridge\'s user "View All" on Leads and Contacts.';
      resolved.set(number, { failure: { kind: 'retry', reason } });
    }
  }

  async #create(callers: readonly Caller[], resolved: Resolutions, signal: AbortSignal): Promise<void> {
    let rest = callers;
    for (let n = 0; rest.length > 0 && n <= mostDead; n++) {
      const wanted = rest.map(({ number, jobs }) => ({ number, jobs, dead: this.#deadKeys.get(number) }));
      const taken = new Map<string, string>();
      for (const [number, made] of await this.#newPeople.make(wanted, signal)) {
        if (made === 'taken') taken.set(number, keyAfter(number, this.#deadKeys.get(number)));
        else resolved.set(number, made);
      }
      await this.#adoptHolders(taken, resolved, signal);
      rest = rest.filter(({ number }) => !resolved.has(number));
    }
    for (const { number } of rest) {
      const reason = `The last of ${mostDead} converted leads of this number, ${this.#deadKeys.get(number)}, leads to nobody. Clear their keys.`;
      resolved.set(number, { failure: { kind: 'rejected', reason } });
    }
    await this.#remember(resolved, callers);
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

/** Whether calls have waited long enough for a key that Salesforce does not take: the person is found without it. */
function isInsisted(number: string, callers: readonly Caller[]): boolean {
  const jobs = callers.find((caller) => caller.number === number)?.jobs ?? [];
  return jobs.some(({ delivery }) => delivery.attempt > mostClaims);
}

function severalHave(candidates: readonly Candidate[]): string {
  return `Several people have this number (${idsOf(candidates)}), so none was linked.`;
}

function whyFound(
  { candidate, among }: Exclude<Choice, 'several'>,
  caller: Wanted,
  matches: readonly Candidate[],
  whenSeveral: string,
): string {
  const { field, text } = numberIn(candidate, caller) as Candidate['numbers'][number];
  const by = `${field} is ${maskWritten(text)}`;
  const reasons = [
    candidate.isConverted
      ? `The contact that lead ${candidate.id}, found by its number (${by}), was converted into.`
      : `Found by its number (${by}).`,
  ];
  if (among.length > 1)
    reasons.push(
      `It is the ${whenSeveral} of ${among.length} that have it (${idsOf(among)}), as person.whenSeveral says.`,
    );
  const later = matches.filter(
    ({ kind, isConverted }) => kind !== candidate.kind || isConverted !== candidate.isConverted,
  );
  if (later.length > 0)
    reasons.push(`Others that have it (${idsOf(later)}) come after it, as person.match says.`);
  return reasons.join(' ');
}

/** Several hundred may have one number. */
function idsOf(candidates: readonly Candidate[]): string {
  const ids = candidates.slice(0, mostNamed).map(({ id }) => id);
  return [...ids, ...(candidates.length > mostNamed ? ['…'] : [])].join(', ');
}

/** Where Salesforce keeps what became of somebody. */
function successorIn({ type }: RecordRef): 'Contact' | 'Lead' | 'Account' {
  if (type === 'lead') return 'Lead';
  return type === 'account' ? 'Account' : 'Contact';
}
