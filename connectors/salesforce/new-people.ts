import type { Made, Newcomer, Work, Written } from '../../src/crm/index.ts';
import type { SalesforceApi } from './api.ts';
import type { Failure } from './failures.ts';
import type { Draft } from './fields.ts';
import type { PersonObject, SalesforceOptions } from './options.ts';
import type { Fate, Records } from './records.ts';
import { ownFields } from './setup-names.ts';
import { type Tasks, valuesOfNew } from './tasks.ts';
import type { Written as Saved } from './written.ts';

type AllMade = Map<Newcomer, Made>;
type Drafts = ReadonlyMap<Newcomer, Draft>;

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
  readonly #records: Records;
  readonly #tasks: Tasks;

  constructor(api: SalesforceApi, options: SalesforceOptions, records: Records, tasks: Tasks) {
    this.#api = api;
    this.#options = options;
    this.#records = records;
    this.#tasks = tasks;
  }

  async make(newcomers: readonly Newcomer[], signal: AbortSignal): Promise<Made[]> {
    const object = this.#options.person.create as PersonObject;
    const made: AllMade = new Map();
    const drafts = new Map(newcomers.map((newcomer) => [newcomer, draftOf(object, newcomer)]));
    await this.#makeWithCalls(object, drafts, made, signal);
    const rest = new Map([...drafts].filter(([newcomer]) => !made.has(newcomer)));
    await this.#makeAlone(object, rest, made, signal);
    await this.#askWhoTheyAre(object, rest, made, signal);
    return newcomers.map((newcomer) => made.get(newcomer) as Made);
  }

  async #makeWithCalls(
    object: PersonObject,
    drafts: Drafts,
    made: AllMade,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#records.descriptions.recall();
    const wanted = [...drafts].map(([newcomer, draft]) => ({
      newcomer,
      fitted: this.#records.descriptions.fit(draft),
      fresh: newcomer.works.flatMap((work) => {
        const { activity } = work;
        if (activity?.known !== null) return [];
        const values = valuesOfNew(activity);
        return [{ work, activity, values, task: this.#tasks.fit(activity, values) }];
      }),
    }));
    if (wanted.every(({ fresh }) => fresh.length === 0)) return;
    // In such an org a refusal says little, and has to be looked into.
    if ((await this.#api.facts.all()).refusals === 'unread') return;
    const written = await this.#api.insertWithTasks(
      object,
      wanted.map(({ fitted, fresh }) => ({
        person: fitted.fields,
        tasks: fresh.map(({ task }) => task.fields),
      })),
      signal,
    );
    written?.forEach(({ person, tasks }, place) => {
      const { newcomer, fitted, fresh } = wanted[place] as (typeof wanted)[number];
      const { failure } = person;
      if (failure) {
        if (failure.cure?.what === 'taken' || isPassing(failure) || namesSomebody(failure))
          made.set(newcomer, { failure });
        return;
      }
      const along = new Map(
        fresh.flatMap(({ work, activity, values, task: { notes } }, i): [Work, Written][] => {
          const saved = tasks[i] as Saved;
          if (saved.failure && !isPassing(saved.failure)) return [];
          return [[work, this.#tasks.made(activity, { ...saved, values, notes })]];
        }),
      );
      newcomer.notes.push(...fitted.notes);
      made.set(newcomer, { person: { type: object.toLowerCase(), id: person.id }, isNew: true, along });
    });
  }

  /** Among others, a refusal does not name whom the org's own rule takes somebody for; of who is sent alone, it does. */
  async #askWhoTheyAre(
    object: PersonObject,
    drafts: Drafts,
    made: AllMade,
    signal: AbortSignal,
  ): Promise<void> {
    const unnamed = [...drafts].filter(([newcomer]) => {
      const { cure } = (made.get(newcomer)?.failure ?? {}) as Partial<Failure>;
      return cure?.what === 'similar' && cure.ids.length === 0;
    });
    for (let start = 0; start < unnamed.length; start += mostAlone) {
      const part = unnamed.slice(start, start + mostAlone);
      const people = part.map(([, draft]) => ({
        person: this.#records.descriptions.fit(draft).fields,
        tasks: [],
      }));
      const written = await this.#api.insertWithTasks(object, people, signal);
      written?.forEach(({ person }, place) => {
        const [newcomer] = part[place] as (typeof part)[number];
        const { failure, id } = person;
        if (failure === undefined)
          made.set(newcomer, { person: { type: object.toLowerCase(), id }, isNew: true });
        else if (namesSomebody(failure)) made.set(newcomer, { failure });
      });
    }
  }

  async #makeAlone(object: PersonObject, drafts: Drafts, made: AllMade, signal: AbortSignal): Promise<void> {
    // Where an owner is named, the org's own rules do not give the lead to somebody else.
    const isOwned = (values: object) => 'OwnerId' in values;
    for (const owned of [false, true]) {
      const part = [...drafts].filter(([, { values }]) => isOwned(values) === owned);
      const written = await this.#records.write(
        part.map(([, draft]) => draft),
        (records) => this.#api.insert(object, records, signal),
        signal,
      );
      part.forEach(([newcomer], place) => {
        const { id, failure, notes } = written[place] as Fate;
        newcomer.notes.push(...notes);
        made.set(
          newcomer,
          failure ? { failure } : { person: { type: object.toLowerCase(), id }, isNew: true },
        );
      });
    }
  }
}

function draftOf(object: PersonObject, { key, values, timezone, works }: Newcomer): Draft {
  const country = works[0]?.delivery.call.caller.country ?? null;
  return { object, values: { ...values, [ownFields[object]]: key }, timezone, country };
}

/** So many are sent alone in one request. */
const mostAlone = 25;

function namesSomebody({ cure }: Failure): boolean {
  return cure?.what === 'similar' && cure.ids.length > 0;
}

/** Whether the same may well be taken a little later, and says nothing of what was sent. */
function isPassing({ kind, cure }: Failure): boolean {
  return kind === 'retry' && cure === undefined;
}
