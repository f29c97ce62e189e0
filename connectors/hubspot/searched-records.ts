import type { Clock, Memory } from '../../src/connector/index.ts';
import { asFailure } from '../../src/crm/index.ts';
import type { HubSpotApi } from './api.ts';
import type { LinkFrom } from './associations.ts';
import type { Failure } from './failures.ts';
import type { Found } from './found.ts';
import { type Job, nothing, type Results } from './job.ts';
import { ownProperties } from './setup-names.ts';

/** A record that was made and is not found after this was not made, whatever became of the answer. */
const leastPatienceMs = 5 * 60_000;
/** Times the lag that a probe saw: it is not always the same. */
const lags = 10;
/** Far more than are under way at once: of these alone a kill may keep the bridge from noting the outcome. */
const mostMade = 2_000;
/** Of a list of values in a search. */
const mostSearched = 100;

/**
 * Keeps records from being made twice in an account that does not keep their keys unique. That one is about to be made
 * is noted before it is; whoever finds such a note searches for the record, waits for as long as the search index may
 * be behind, and only then makes it again. What was made is noted, too, since a kill may keep its id from the bridge.
 */
export class SearchedRecords {
  readonly #api: HubSpotApi;
  readonly #type: LinkFrom;
  readonly #memory: Memory;
  readonly #clock: Clock;
  #noting: Promise<void> = Promise.resolve();

  constructor(api: HubSpotApi, type: LinkFrom, { memory, clock }: { memory: Memory; clock: Clock }) {
    this.#api = api;
    this.#type = type;
    this.#memory = memory;
    this.#clock = clock;
  }

  /** Writes the records by `write`, except those of which it is not known yet whether they are there. */
  async write<J extends Job>(
    jobs: readonly J[],
    found: Partial<Found>,
    write: (jobs: readonly J[]) => Promise<Results<J>>,
    signal: AbortSignal,
  ): Promise<Results<J>> {
    const results: Results<J> = new Map();
    const unknown = jobs.filter(({ known }) => known === null);
    const noteOf = (job: Job) => `making ${this.#type} ${job.key}`;
    const notes = await this.#memory.recall([this.#madeName, ...unknown.map(noteOf)]);
    const made = madeIn(notes.get(this.#madeName));
    const begun = unknown.filter((job) => notes.has(noteOf(job)) && !made.has(job.key));
    const ids = await this.find(begun, signal).catch(asFailure<Failure>);
    const patienceMs = Math.max(leastPatienceMs, lags * (found.indexLagMs ?? 0));
    const now = this.#clock.now().getTime();
    // Noted before the clock was set back, nobody knows when: as if it were now.
    const ahead = begun.map(noteOf).filter((note) => Number(notes.get(note)) > now);
    for (const note of ahead) notes.set(note, String(now));
    await this.#memory.remember(new Map(ahead.map((note) => [note, String(now)])));
    const due = new Map<J, J>(); // as it is written → as it came
    for (const job of jobs) {
      const id = job.known
        ? undefined
        : (made.get(job.key) ?? (ids instanceof Map ? ids.get(job.key) : undefined));
      const until = new Date(Number(notes.get(noteOf(job)) ?? 0) + patienceMs);
      if (id !== undefined) due.set({ ...job, known: { id, isLinked: false, isNew: true } }, job);
      else if (!begun.includes(job)) due.set(job, job);
      else if (!(ids instanceof Map)) results.set(job, nothing(ids));
      else if (until.getTime() > now) results.set(job, nothing(wait(this.#type, until)));
      else due.set(job, job);
    }
    if (due.size === 0) return results;
    await this.#memory.remember(new Map([...due.keys()].map((job) => [noteOf(job), String(now)])));
    const settled: string[] = [];
    const fresh: [key: string, id: string][] = [];
    for (const [written, result] of await write([...due.keys()])) {
      const job = due.get(written) as J;
      results.set(job, result);
      if (result.id !== null && result.id !== job.known?.id) fresh.push([job.key, result.id]);
      const isRefused = result.failure !== undefined && result.failure.kind !== 'retry'; // so nothing was made
      if (result.id !== null || isRefused) settled.push(noteOf(job));
    }
    await this.#noteMade(fresh);
    await this.#memory.forget(settled);
    return results;
  }

  get #madeName(): string {
    return `made ${this.#type}`;
  }

  /** One after the other: batches run side by side. */
  #noteMade(fresh: readonly [key: string, id: string][]): Promise<void> {
    const note = async () => {
      if (fresh.length === 0) return;
      const made = madeIn((await this.#memory.recall([this.#madeName])).get(this.#madeName));
      for (const [key, id] of fresh) {
        made.delete(key); // to the end of the list
        made.set(key, id);
      }
      const latest = [...made].slice(-mostMade);
      await this.#memory.remember(new Map([[this.#madeName, JSON.stringify(latest)]]));
    };
    const noting = this.#noting.then(note);
    this.#noting = noting.catch(() => {});
    return noting;
  }

  /** The oldest record of each key, by id. @throws RequestFailed */
  async find(jobs: readonly Job[], signal: AbortSignal): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const key = ownProperties[this.#type];
    const keys = jobs.map((job) => job.key);
    for (let start = 0; start < keys.length; start += mostSearched) {
      // Lists are compared in lower case; what is found is compared again.
      const values = keys.slice(start, start + mostSearched).map((text) => text.toLowerCase());
      for (const part of within(values)) {
        const filters = [{ propertyName: key, operator: 'IN', values: part }];
        const request = { filterGroups: [{ filters }], properties: [key], limit: 200 };
        const { rows } = await this.#api.search(this.#type, request, signal);
        for (const { id, properties } of rows) {
          const held = properties[key] ?? '';
          const other = found.get(held);
          if (other === undefined || Number(id) < Number(other)) found.set(held, id);
        }
      }
    }
    return found;
  }
}

/** Ids by key. */
function madeIn(text: string | undefined): Map<string, string> {
  return new Map(text === undefined ? [] : (JSON.parse(text) as [string, string][]));
}

function wait(type: LinkFrom, notBefore: Date): Failure {
  const reason = `The answer to the making of this ${type.slice(0, -1)} was lost, and this HubSpot account does not keep the keys of ${type} unique: it is searched for until the index must show it.`;
  return { kind: 'retry', reason, notBefore };
}

/** The body of a search has at most 3,000 characters. */
function within(values: readonly string[]): string[][] {
  const parts: string[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const value of values) {
    size += JSON.stringify(value).length + 1;
    if (size > 2_500) {
      parts.push([]);
      size = JSON.stringify(value).length + 1;
    }
    parts.at(-1)?.push(value);
  }
  return parts;
}
