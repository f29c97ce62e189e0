import { seeded } from '../support/random.ts';

/** Something whose events end when it dies and are late while it hangs: a process. */
export interface Life {
  readonly name: string;
  isDead: boolean;
  /** In milliseconds passed. */
  hangsUntil: number;
}

interface Event {
  at: number;
  /** Of events at the same moment, who is first. */
  tie: number;
  order: number;
  life: Life | null;
  run(): void;
  isOver: boolean;
}

/** Node's own, before anything is put in its place: the only real thing that a simulation waits for. */
const realImmediate = setImmediate;

/**
 * One list of everything that is going to happen, in the order of time. What is left to chance, which of two processes is
 * first at the same moment, goes by the seed. Each event runs until nothing of it can go on without time passing.
 */
export class Timeline {
  /** Milliseconds. */
  passed = 0;
  /** Whose event is running. Null: the world's. */
  current: Life | null = null;
  /** Tells one run from another: all events so far, digested. */
  digest = 0;
  events = 0;
  readonly #heap: Event[] = [];
  readonly #random: () => number;
  #order = 0;
  /** What is to be done while time stands still, once the event is over. */
  #held: (() => Promise<void>) | undefined;
  #isWithin = false;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  /** Runs once, `ms` from now. The returned function takes that back. */
  after(ms: number, run: () => void, life: Life | null = this.current): () => void {
    const at = this.passed + Math.max(Number.isFinite(ms) ? ms : 0, 0);
    return this.#add({ at, tie: this.#random(), order: this.#order++, life, run, isOver: false });
  }

  /** Runs once what is going on has come to a stop: in the order of asking, without time passing. */
  soon(run: () => void, life: Life | null = this.current): () => void {
    return this.#add({ at: this.passed, tie: 1, order: this.#order++, life, run, isOver: false });
  }

  /** Lets time pass. `isOver` is asked before each event. */
  async run(until: number, isOver: () => boolean = () => false): Promise<void> {
    for (;;) {
      const next = this.#heap[0];
      if (!next || next.at > until || isOver()) break;
      this.#take();
      if (next.isOver || next.life?.isDead) continue;
      if (next.life && next.life.hangsUntil > next.at) {
        this.#put(Object.assign(next, { at: next.life.hangsUntil }));
        continue;
      }
      this.passed = Math.max(this.passed, next.at);
      await this.#do(next);
      while (this.#held) {
        const held = this.#held;
        this.#held = undefined;
        await held();
      }
    }
    if (!isOver()) this.passed = Math.max(this.passed, until);
  }

  /**
   * Time stands still until the work is done, such as a start, which reads real files. What is to run at this moment runs.
   * Within an event, it is done after it.
   */
  still<T>(life: Life | null, work: () => Promise<T>): Promise<T> {
    if (!this.#isWithin) return this.#still(life, work);
    const { promise, resolve } = Promise.withResolvers<T>();
    const before = this.#held;
    this.#held = async () => {
      await before?.();
      const done = this.#still(life, work);
      resolve(done);
      await done.catch(() => {});
    };
    return promise;
  }

  async #still<T>(life: Life | null, work: () => Promise<T>): Promise<T> {
    let isSettled = false;
    this.current = life;
    const promise = work().finally(() => {
      isSettled = true;
    });
    promise.catch(() => {});
    await turn();
    this.current = life;
    for (let idle = 0; !isSettled; ) {
      const next = this.#heap[0];
      if (next && next.at <= this.passed) {
        this.#take();
        if (!next.isOver && !next.life?.isDead) await this.#do(next);
        this.current = life;
        idle = 0;
      } else {
        await turn();
        if (++idle > 100_000) throw new Error('what should be done at once waits for time to pass');
      }
    }
    this.current = null;
    return promise;
  }

  /** How many events are to come, of whoever lives. */
  get pending(): number {
    return this.#heap.filter(({ isOver, life }) => !isOver && !life?.isDead).length;
  }

  /** Adds what happened to the digest. */
  note(text: string): void {
    let digest = this.digest;
    for (let at = 0; at < text.length; at++) digest = (Math.imul(digest, 31) + text.charCodeAt(at)) | 0;
    this.digest = (Math.imul(digest, 31) + Math.round(this.passed * 1000)) | 0;
  }

  async #do(event: Event): Promise<void> {
    this.events++;
    this.note(event.life?.name ?? '');
    this.current = event.life;
    event.isOver = true;
    this.#isWithin = true;
    try {
      event.run();
    } catch (problem) {
      if (!event.life?.isDead) throw problem; // it ended amid it
    }
    await turn();
    this.#isWithin = false;
    this.current = null;
  }

  #add(event: Event): () => void {
    this.#put(event);
    return () => {
      event.isOver = true;
    };
  }

  #put(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(event, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = event;
  }

  #take(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++;
      if (!isBefore(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at !== b.at ? a.at < b.at : a.tie !== b.tie ? a.tie < b.tie : a.order < b.order;
}

/** Until nothing is left to do but what waits for an event: promises, and what Node does by itself for streams. */
function turn(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}
