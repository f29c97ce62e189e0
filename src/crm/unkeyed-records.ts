import type { Clock } from '../clock.ts';
import type { Memory } from '../connector/memory.ts';
import { Begun } from './begun.ts';
import type { RecordDriver } from './driver.ts';
import { asFailure, type Failure, mayBeDone } from './failure.ts';
import type { CallRecord, Existing, Results } from './work.ts';

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
  readonly #begun: Begun;
  #noting: Promise<void> = Promise.resolve();

  constructor(crm: string, driver: RecordDriver, tools: { memory: Memory; clock: Clock }) {
    this.#crm = crm;
    this.#driver = driver;
    this.#memory = tools.memory;
    this.#clock = tools.clock;
    this.#begun = new Begun(tools);
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
    const made = await this.#made(type);
    const idOf = ({ key }: CallRecord) => made.get(nameOf(key)) ?? made.get(nameBefore(key));
    const begun = await this.#begun.of(unknown.flatMap(notesOf), lagMs);
    const untilOf = (record: CallRecord) => {
      const [note, before] = notesOf(record);
      return begun.get(note) ?? begun.get(before);
    };
    const doubtful = unknown.filter((record) => untilOf(record) && idOf(record) === undefined);
    const found: ReadonlyMap<CallRecord, Existing | Failure> | Failure =
      doubtful.length === 0 ? new Map() : await this.#driver.find(doubtful, signal).catch(asFailure<Failure>);
    const now = this.#clock.now();
    for (const record of unknown) {
      const id = idOf(record);
      const until = untilOf(record);
      const one = 'kind' in found ? found : found.get(record);
      if (id !== undefined) record.known = { id, isLinked: false };
      else if (!until) continue;
      else if (one && 'id' in one) record.known = one;
      else if (one) results.set(record, { id: null, isLinked: false, failure: one });
      else if (until > now)
        results.set(record, { id: null, isLinked: false, failure: this.#wait(type, until) });
    }
    const due = records.filter((record) => !results.has(record));
    if (due.length === 0) return results;
    await this.#begun.note(due.map((record) => notesOf(record)[0]));
    const settled: string[] = [];
    const fresh: [name: string, id: string][] = [];
    for (const [record, result] of await write(due)) {
      results.set(record, result);
      if (result.id !== null && result.id !== before.get(record)) fresh.push([nameOf(record.key), result.id]);
      const isRefused = result.failure !== undefined && !mayBeDone(result.failure);
      if (result.id !== null || isRefused) settled.push(...notesOf(record));
    }
    await this.#noteMade(type, fresh);
    await this.#begun.settle(settled);
    return results;
  }

  /** One after the other: batches run side by side. */
  #noteMade(type: string, fresh: readonly [name: string, id: string][]): Promise<void> {
    const note = async () => {
      if (fresh.length === 0) return;
      const made = await this.#made(type);
      for (const [name, id] of fresh) {
        made.delete(name); // to the end of the list
        made.set(name, id);
      }
      const latest = [...made].slice(-mostMade);
      await this.#memory.remember(new Map([[madeName(type), JSON.stringify(latest)]]));
    };
    const noting = this.#noting.then(note);
    this.#noting = noting.catch(() => {});
    return noting;
  }

  /** Ids by name. */
  async #made(type: string): Promise<Map<string, string>> {
    const text = (await this.#memory.recall([madeName(type)])).get(madeName(type));
    return new Map(text === undefined ? [] : (JSON.parse(text) as [string, string][]));
  }

  #wait(type: string, notBefore: Date): Failure {
    const reason = `The answer to the making of this ${type} was lost, and ${this.#crm} does not keep its key unique here: it is searched for until the index must show it.`;
    return { kind: 'retry', reason, notBefore };
  }
}

/** A call may leave several records of one type: which is which, the field tells that has the key. */
const nameOf = ({ property, value }: CallRecord['key']) => `${property} ${value}`;
/** As notes have it that an earlier version left. */
const nameBefore = ({ value }: CallRecord['key']) => value;
const notesOf = ({ type, key }: CallRecord) =>
  [`making ${type}s ${nameOf(key)}`, `making ${type}s ${nameBefore(key)}`] as const;
const madeName = (type: string) => `made ${type}s`;
