import type { Clock } from '../clock.ts';
import type { Memory } from '../connector/memory.ts';
import type { RecordDriver } from './driver.ts';
import { asFailure, type Failure } from './failure.ts';
import type { CallRecord, Existing, Results } from './work.ts';

/** A record that was made and is not found after this was not made, whatever became of the answer. */
const leastPatienceMs = 5 * 60_000;
/** Times the lag that was seen: it is not always the same. */
const lags = 10;
/** Far more than are under way at once: of these alone a kill may keep the bridge from noting the outcome. */
const mostMade = 2_000;

/**
 * Keeps records from being made twice in a CRM that does not keep their keys unique. That one is about to be made is noted
 * before it is; whoever finds such a note searches for the record, waits for as long as the search may be behind, and only
 * then makes it again. What was made is noted, too, since a kill may keep its id from the bridge.
 */
export class UnkeyedRecords {
  readonly #crm: string;
  readonly #driver: RecordDriver;
  readonly #memory: Memory;
  readonly #clock: Clock;
  #noting: Promise<void> = Promise.resolve();

  constructor(crm: string, driver: RecordDriver, { memory, clock }: { memory: Memory; clock: Clock }) {
    this.#crm = crm;
    this.#driver = driver;
    this.#memory = memory;
    this.#clock = clock;
  }

  /**
   * Writes the records by `write`, except those of which it is not known yet whether they are there.
   * @param records all of this type
   */
  async write(
    type: string,
    records: readonly CallRecord[],
    lagMs: number,
    write: (records: readonly CallRecord[]) => Promise<Results>,
    signal: AbortSignal,
  ): Promise<Results> {
    const results: Results = new Map();
    if (records.length === 0) return results;
    const before = new Map(records.map((record) => [record, record.known?.id]));
    const unknown = records.filter(({ known }) => known === null);
    const noteOf = ({ key }: CallRecord) => `making ${type}s ${key.value}`;
    const notes = await this.#memory.recall([madeName(type), ...unknown.map(noteOf)]);
    const made = madeIn(notes.get(madeName(type)));
    const begun = unknown.filter((record) => notes.has(noteOf(record)) && !made.has(record.key.value));
    const found: ReadonlyMap<CallRecord, Existing | Failure> | Failure =
      begun.length === 0 ? new Map() : await this.#driver.find(begun, signal).catch(asFailure<Failure>);
    const patienceMs = Math.max(leastPatienceMs, lags * lagMs);
    const now = this.#clock.now().getTime();
    // Noted before the clock was set back, nobody knows when: as if it were now.
    const ahead = begun.map(noteOf).filter((note) => Number(notes.get(note)) > now);
    for (const note of ahead) notes.set(note, String(now));
    await this.#memory.remember(new Map(ahead.map((note) => [note, String(now)])));
    const due: CallRecord[] = [];
    for (const record of unknown) {
      const id = made.get(record.key.value);
      const one = 'kind' in found ? found : found.get(record);
      const until = new Date(Number(notes.get(noteOf(record)) ?? 0) + patienceMs);
      if (id !== undefined) record.known = { id, isLinked: false };
      else if (!begun.includes(record)) continue;
      else if (one && 'id' in one) record.known = one;
      else if (one) results.set(record, { id: null, isLinked: false, failure: one });
      else if (until.getTime() > now)
        results.set(record, { id: null, isLinked: false, failure: this.#wait(type, until) });
    }
    due.push(...records.filter((record) => !results.has(record)));
    if (due.length === 0) return results;
    await this.#memory.remember(new Map(due.map((record) => [noteOf(record), String(now)])));
    const settled: string[] = [];
    const fresh: [key: string, id: string][] = [];
    for (const [record, result] of await write(due)) {
      results.set(record, result);
      if (result.id !== null && result.id !== before.get(record)) fresh.push([record.key.value, result.id]);
      const isRefused = result.failure !== undefined && result.failure.kind !== 'retry'; // so nothing was made
      if (result.id !== null || isRefused) settled.push(noteOf(record));
    }
    await this.#noteMade(type, fresh);
    await this.#memory.forget(settled);
    return results;
  }

  /** One after the other: batches run side by side. */
  #noteMade(type: string, fresh: readonly [key: string, id: string][]): Promise<void> {
    const note = async () => {
      if (fresh.length === 0) return;
      const made = madeIn((await this.#memory.recall([madeName(type)])).get(madeName(type)));
      for (const [key, id] of fresh) {
        made.delete(key); // to the end of the list
        made.set(key, id);
      }
      const latest = [...made].slice(-mostMade);
      await this.#memory.remember(new Map([[madeName(type), JSON.stringify(latest)]]));
    };
    const noting = this.#noting.then(note);
    this.#noting = noting.catch(() => {});
    return noting;
  }

  #wait(type: string, notBefore: Date): Failure {
    const reason = `The answer to the making of this ${type} was lost, and ${this.#crm} does not keep the keys of ${type}s unique here: it is searched for until the index must show it.`;
    return { kind: 'retry', reason, notBefore };
  }
}

/** As notes have it that an earlier version left. */
const madeName = (type: string) => `made ${type}s`;

/** Ids by key. */
function madeIn(text: string | undefined): Map<string, string> {
  return new Map(text === undefined ? [] : (JSON.parse(text) as [string, string][]));
}
