import type { Values } from '../../src/connector/index.ts';
import type { UnownedPeople } from '../../src/crm/index.ts';
import type { SalesforceApi, Written } from './api.ts';
import type { Failure } from './failures.ts';
import type { Descriptions, Draft } from './fields.ts';
import type { PersonObject, SalesforceOptions } from './options.ts';
import type { Owners } from './owners.ts';
import { personDraft } from './person-draft.ts';
import type { Resolution } from './resolution.ts';
import { ownFields } from './setup-names.ts';
import { type TaskJob, valuesOfNew } from './tasks.ts';

/** A caller whom Salesforce does not have, and the calls that are to be linked to whoever is made. */
export interface NewCaller {
  number: string;
  jobs: readonly TaskJob[];
  /** The converted lead that has the key of this number, and leads to nobody any more. */
  dead: string | undefined;
}

/** Who was made; or somebody has the key already. */
export type Made = Resolution | 'taken';

type AllMade = Map<string, Made>; // by number
type Drafts = ReadonlyMap<NewCaller, Draft>;

/**
 * Makes people under their key, so that making one twice is making it once. Nothing is written over: who has the key
 * already is the caller, as people have them.
 *
 *     few ──▶ with their calls, all in one request ──refused──▶ ┐
 *     many ───────────────────────────────────────────────────▶ the people alone, 200 in a request
 *
 * The first way is for what usually happens. What Salesforce refuses there goes the second, which knows what to do about
 * it.
 */
export class NewPeople {
  readonly #api: SalesforceApi;
  readonly #options: SalesforceOptions;
  readonly #descriptions: Descriptions;
  readonly #owners: Owners;
  readonly #unowned: UnownedPeople;

  constructor(
    api: SalesforceApi,
    options: SalesforceOptions,
    descriptions: Descriptions,
    owners: Owners,
    unowned: UnownedPeople,
  ) {
    this.#api = api;
    this.#options = options;
    this.#descriptions = descriptions;
    this.#owners = owners;
    this.#unowned = unowned;
  }

  async make(callers: readonly NewCaller[], signal: AbortSignal): Promise<AllMade> {
    const object = this.#options.person.create;
    const made: AllMade = new Map();
    if (object === false) {
      const notes = ['Nobody has this number, and person.create is off.'];
      for (const { number } of callers) made.set(number, { person: null, notes });
      return made;
    }
    const drafts = new Map(callers.map((caller) => [caller, this.#draft(object, caller)]));
    await this.#owners.settle([...drafts.values()], signal);
    await this.#unowned.expect(this.#withoutOwner(drafts));
    await this.#makeWithCalls(object, drafts, made, signal);
    const rest = new Map([...drafts].filter(([{ number }]) => !made.has(number)));
    await this.#makeAlone(object, rest, made, signal);
    return made;
  }

  /** Numbers of callers who get their owner once it is known who answered. */
  #withoutOwner(drafts: Drafts): string[] {
    if (!this.#options.owner) return [];
    return [...drafts].flatMap(([{ number, jobs }, { values }]) => {
      const isRinging = jobs[0]?.delivery.call.phase === 'ringing';
      return isRinging && !('OwnerId' in values) ? [number] : [];
    });
  }

  #draft(object: PersonObject, { number, jobs, dead }: NewCaller): Draft {
    const [{ delivery }] = jobs as readonly [TaskJob, ...TaskJob[]];
    const calls = jobs.map((job) => job.delivery.call);
    const values: Values = {
      ...personDraft(this.#options, delivery, calls)?.properties,
      [ownFields[object]]: keyAfter(number, dead),
    };
    return { object, values, timezone: delivery.source.timezone, notes: [] };
  }

  async #makeWithCalls(
    object: PersonObject,
    drafts: Drafts,
    made: AllMade,
    signal: AbortSignal,
  ): Promise<void> {
    const wanted = [...drafts].map(([caller, draft]) => ({
      caller,
      draft,
      fresh: caller.jobs.filter(({ delivery }) => !delivery.records.activity),
    }));
    if (wanted.every(({ fresh }) => fresh.length === 0)) return;
    // In such an org a refusal says little, and has to be looked into.
    if ((await this.#api.findings.all()).refusals === 'unread') return;
    const written = await this.#api.insertWithTasks(
      object,
      wanted.map(({ draft, fresh }) => ({
        person: this.#descriptions.fit(draft).fields,
        tasks: fresh.map((job) => this.#descriptions.fit({ ...job, values: valuesOfNew(job) }).fields),
      })),
      signal,
    );
    written?.forEach(({ person, tasks }, place) => {
      const { caller, draft, fresh } = wanted[place] as (typeof wanted)[number];
      if (person.failure) {
        if (person.failure.cure?.what === 'taken') made.set(caller.number, 'taken');
        else if (isPassing(person.failure)) made.set(caller.number, { failure: person.failure });
        return;
      }
      const known = fresh.flatMap((job, i) => {
        const call = tasks[i] as Written;
        return call.failure && !isPassing(call.failure) ? [] : [[job, call] as const];
      });
      made.set(caller.number, { ...resolutionOf(object, person.id, caller, draft), along: new Map(known) });
    });
  }

  async #makeAlone(object: PersonObject, drafts: Drafts, made: AllMade, signal: AbortSignal): Promise<void> {
    // Where an owner is named, the org's own rules do not give the lead to somebody else.
    const isOwned = (values: object) => 'OwnerId' in values;
    for (const owned of [false, true]) {
      const part = [...drafts].filter(([, { values }]) => isOwned(values) === owned);
      const written = await this.#descriptions.writeFitted(
        part.map(([, draft]) => draft),
        (records) => this.#api.insert(object, records, signal),
        signal,
      );
      part.forEach(([caller, draft], place) => {
        made.set(caller.number, this.#read(object, written[place] as Written, caller, draft));
      });
    }
  }

  #read(object: PersonObject, { id, failure }: Written, caller: NewCaller, draft: Draft): Made {
    if (failure) return failure.cure?.what === 'taken' ? 'taken' : { failure };
    return resolutionOf(object, id, caller, draft);
  }
}

/** A converted lead keeps its key and cannot be changed, so whoever comes after a dead one has a key made of both. */
export function keyAfter(number: string, dead: string | undefined): string {
  return dead === undefined ? number : `${number}/${dead}`;
}

function resolutionOf(object: PersonObject, id: string, { dead }: NewCaller, { notes }: Draft) {
  const why =
    dead === undefined
      ? 'Created, as nobody had this number.'
      : `Created, as the converted lead ${dead} of this number leads to nobody any more.`;
  return { person: { type: object.toLowerCase(), id }, why, notes, isNew: true as const };
}

/** Whether the same may well be taken a little later, and says nothing of what was sent. */
function isPassing({ kind, cure }: Failure): boolean {
  return kind === 'retry' && cure === undefined;
}
