import type { NewPush } from '../../src/store/intake.ts';
import type { Lease } from '../../src/store/leases.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { pick, seeded } from '../support/random.ts';
import { newPush } from '../support/with-store.ts';
import { Disk, loseAll, type Random, type Step } from './disk.ts';
import { mountDisk, simulatedFolder } from './mount.ts';
import { SimulatedDatabase } from './wasm-sqlite.ts';

/*
 * The bridge's store at work on a simulated disk that fails it at some step: the power goes, the process dies, the disk is
 * broken or full. The same seed does the same. What was answered is looked for whenever a store was opened, and at the
 * end, after a last power cut.
 */

export type Mishap = 'powerCut' | 'kill' | 'EIO' | 'ENOSPC';

export interface Verdict {
  /** What was wrong; empty if nothing was. */
  wrong: string[];
  acknowledged: number;
  /** What was not answered, and is there all the same: it comes again as a repeat. */
  keptUnanswered: number;
  /** Writes that were refused. */
  refused: number;
  /** How often a store was opened after the power had gone or the process had died. */
  restarts: number;
  /** Asked of the disk. */
  steps: number;
}

export const storeFile = `${simulatedFolder}/bridge.db`;

/** A disk with a store that nothing is in yet. Migrations take longer than a trial. */
export async function diskWithStore(): Promise<Disk> {
  const disk = new Disk(seeded(1));
  using _ = mountDisk(disk);
  const store = await openSqliteStore(storeFile, 'bridge');
  await store.close();
  return disk;
}

/** How many steps a trial takes about, when nothing happens. */
const usualSteps = 700;
const rounds = 12;

/**
 * @param start what is on the disk at first: it is left as it is
 * @param mishaps one to five of them happen, each at any step
 */
export async function storeTrial(seed: number, start: Disk, mishaps: readonly Mishap[]): Promise<Verdict> {
  const random = seeded(seed);
  const disk = start.copy(seeded(seed + 1_000_000));
  using _ = mountDisk(disk);
  const trial = new Trial(disk, random, mishaps);
  // The store looks at its file by the clock, too: when that is, no seed decides.
  const { setInterval } = globalThis;
  globalThis.setInterval = (() => ({ unref() {} })) as never;
  try {
    await trial.run();
  } catch (reason) {
    trial.verdict.wrong.push(`it does not open: ${reason}`);
  } finally {
    globalThis.setInterval = setInterval;
  }
  return trial.verdict;
}

class Trial {
  readonly verdict: Verdict = {
    wrong: [],
    acknowledged: 0,
    keptUnanswered: 0,
    refused: 0,
    restarts: 0,
    steps: 0,
  };
  readonly #disk: Disk;
  readonly #random: Random;
  /** From this step on nothing happens any more. */
  readonly #calmFrom: number;
  readonly #answered: NewPush[] = [];
  readonly #asked = new Set<string>();
  readonly #settled: { callId: string; at: Date }[] = [];
  #store: Store | undefined;
  #lease: Lease | null = null;
  #fence = 0;
  #now = Date.UTC(2026, 10, 2);
  #isDown = false;

  constructor(disk: Disk, random: Random, mishaps: readonly Mishap[]) {
    this.#disk = disk;
    this.#random = random;
    const planned = Array.from({ length: 1 + Math.floor(random() * 5) }, () => ({
      what: pick(random, mishaps),
      at: Math.floor(random() * usualSteps),
      // A fault goes away, soon or late. What cannot be read may be read the next time.
      lasts: Math.floor(random() ** 3 * 100) + 1,
    }));
    this.#calmFrom = Math.max(...planned.map(({ at, lasts }) => at + lasts));
    disk.before = (step) => {
      const n = this.verdict.steps++;
      for (const mishap of planned) {
        if (n < mishap.at || n >= mishap.at + mishap.lasts) continue;
        const fault = this.#happens(mishap.what, step);
        if (this.#isDown) mishap.lasts = 0;
        if (fault || this.#isDown) return fault;
      }
      return undefined;
    };
  }

  #happens(what: Mishap, { kind }: Step): 'EIO' | 'ENOSPC' | undefined {
    switch (what) {
      case 'powerCut':
        this.#isDown = true;
        this.#disk.cutPower(this.#random);
        return undefined;
      case 'kill':
        this.#isDown = true;
        this.#disk.kill();
        return undefined;
      case 'EIO':
        return what;
      case 'ENOSPC':
        return kind === 'write' || kind === 'name' ? what : undefined;
    }
  }

  async run(): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const store = await this.#running();
      const chance = this.#random();
      if (chance < 0.6) await this.#record(store);
      else if (chance < 0.75) await this.#deliver(store);
      else if (chance < 0.85) await this.#index(store);
      else if (chance < 0.9) this.#disk.dropCaches();
      else await this.#stop();
    }
    // What was answered must be on the disk. From here on nothing happens, and the store goes on.
    this.#disk.before = null;
    this.#isDown = true;
    this.#disk.cutPower(loseAll);
    const store = await this.#running();
    await this.#answers(store.record(this.#push()), 'the last push');
    await store.close();
  }

  /** The store, opened anew if need be. */
  async #running(): Promise<Store> {
    while (this.#store === undefined || this.#isDown) {
      if (this.#isDown) await this.#restart();
      const isCalm = this.#disk.before === null || this.verdict.steps > this.#calmFrom;
      try {
        this.#store = await openSqliteStore(storeFile, 'bridge');
        if (!this.#isDown) await this.#look(this.#store);
      } catch (reason) {
        // It says so, and is started again.
        if (this.#isDown) continue;
        this.#end();
        if (isCalm) throw reason;
      }
    }
    return this.#store;
  }

  async #restart(): Promise<void> {
    // What a dead process would still do reaches neither the disk nor anybody.
    await this.#store?.close().catch(() => {});
    this.#store = undefined;
    this.#lease = null;
    this.#isDown = false;
    this.#disk.start();
    this.verdict.restarts++;
  }

  async #stop(): Promise<void> {
    await this.#store?.close().catch(() => {});
    if (!this.#isDown) this.#end();
  }

  /** With the process goes what it had open and locked. */
  #end(): void {
    this.#disk.kill();
    this.#store = undefined;
    this.#lease = null;
  }

  #push(): NewPush {
    const callId = String(Math.floor(this.#random() * 6));
    const fields = this.#random() < 0.5 ? startPush(callId) : endPush(callId);
    fields['PLA_City'] = `city ${Math.floor(this.#random() ** 2 * 100)}`; // some come again as they were
    // Some fill many pages, so that the log is brought into the file within the trial.
    if (this.#random() < 0.15) fields['PLA_ExtraTracking'] = 'x'.repeat(Math.floor(this.#random() * 200_000));
    this.#now += 1_000;
    return newPush(fields, { receivedAt: new Date(this.#now), lapseAfterMs: 60_000 });
  }

  async #record(store: Store): Promise<void> {
    const pushes = Array.from({ length: 1 + Math.floor(this.#random() * 4) }, () => this.#push());
    await Promise.all(
      pushes.map(async (push) => {
        this.#asked.add(push.callId);
        if (await this.#answers(store.record(push))) this.#answered.push(push);
      }),
    );
  }

  async #deliver(store: Store): Promise<void> {
    this.#now += 1_000;
    const now = new Date(this.#now);
    if (
      !this.#lease &&
      !(await this.#answers(store.acquireLease('crm', 'me', now, 3_600_000), undefined, (lease) =>
        this.#leased(lease),
      ))
    )
      return;
    if (!this.#lease || this.#isDown) return;
    const due = await store.takeDue('crm', now, 3).catch(() => []);
    const settlements = due.map(({ callRow, revision }) => ({
      callRow,
      revision,
      attempt: {
        at: now,
        tookMs: 1,
        outcome: 'delivered' as const,
        reason: null,
        notes: [],
        requests: 1,
        batch: due.length,
      },
      records: { activity: { type: 'call', id: String(callRow) } },
      next: { state: 'delivered' as const },
    }));
    await this.#answers(store.settle(this.#lease, settlements), undefined, (held) => {
      if (!held) return this.verdict.wrong.push('a lease that nobody took was lost');
      for (const { state } of due) this.#settled.push({ callId: state.callId, at: now });
      return undefined;
    });
  }

  #leased(lease: Lease | null): void {
    this.#lease = lease;
    if (!lease) this.verdict.wrong.push('a lease was not given');
    else if (lease.fence <= this.#fence) this.verdict.wrong.push(`fence ${lease.fence} was given twice`);
    else this.#fence = lease.fence;
  }

  async #index(store: Store): Promise<void> {
    const facts = { result: null, missed: false, caller: null, dealer: null, keyword: null, words: [] };
    await store.indexCalls({ version: '1', sources: {} }, () => facts, 8).catch(() => this.verdict.refused++);
  }

  /** Whether a write was answered by a process that lives. */
  async #answers<T>(
    write: Promise<T>,
    must?: string,
    then: (answer: T) => unknown = () => {},
  ): Promise<boolean> {
    try {
      const answer = await write;
      if (this.#isDown) return false;
      then(answer);
      this.verdict.acknowledged++;
      return true;
    } catch (reason) {
      this.verdict.refused++;
      if (must) this.verdict.wrong.push(`${must} was refused: ${reason}`);
      return false;
    }
  }

  /** What was answered is there, and the file is whole. */
  async #look(store: Store): Promise<void> {
    const stories = new Map<string, Set<string>>();
    const attempts = new Set<string>();
    for (const callId of this.#asked) {
      const [story] = await store.stories(callId);
      stories.set(callId, new Set(story?.pushes.map(({ body }) => body)));
      for (const { at } of story?.attempts ?? []) attempts.add(`${callId} ${at.getTime()}`);
    }
    if (this.#isDown) return;
    const { wrong } = this.verdict;
    for (const { callId, body } of this.#answered)
      if (!stories.get(callId)!.has(body)) wrong.push(`a push of call ${callId} is lost`);
    for (const { callId, at } of this.#settled)
      if (!attempts.has(`${callId} ${at.getTime()}`)) wrong.push(`an attempt of call ${callId} is lost`);
    const answered = new Set(this.#answered.map(({ body }) => body));
    this.verdict.keptUnanswered = [...stories.values()]
      .flatMap((bodies) => [...bodies])
      .filter((body) => !answered.has(body)).length;
    const { before } = this.#disk;
    this.#disk.before = null;
    const database = new SimulatedDatabase(storeFile);
    const state = database.prepare('pragma integrity_check').get()?.['integrity_check'];
    database.close();
    this.#disk.before = before;
    if (state !== 'ok') wrong.push(`the file is damaged: ${state}`);
  }
}
