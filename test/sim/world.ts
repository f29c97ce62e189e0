import { parsePhone } from '../../src/call/phone.ts';
import type { Config } from '../../src/config/load.ts';
import { forgetDeadlines } from '../../src/runtime/deadlines.ts';
import type { DueDelivery } from '../../src/store/deliveries.ts';
import type { Lease } from '../../src/store/leases.ts';
import type { Store } from '../../src/store/store.ts';
import type { Asked } from '../support/emulator-server.ts';
import { pick, seeded } from '../support/random.ts';
import { type Balance, balance } from '../torture/books.ts';
import type { Sent } from '../torture/delacon.ts';
import { type BadDay, badDays, type Trouble } from './bad-days.ts';
import { digits, numbers, type PlannedPush, plannedDays, plannedPushes, plannedRush } from './callers.ts';
import { type CrmName, type SimulatedCrm, simulatedCrm } from './crms.ts';
import type { Disk, Fault, Step } from './disk.ts';
import { simulateGlobals } from './globals.ts';
import { simulateHttp } from './http-requests.ts';
import { mountDisk } from './mount.ts';
import { type Fate, Network } from './network.ts';
import { SimulatedNotices } from './notices.ts';
import { SimulatedProcess } from './process.ts';
import { storeFile } from './store-trial.ts';
import { type Life, Timeline } from './timeline.ts';
import { abandon } from './wasm-sqlite.ts';

export interface WorldOptions {
  seed: number;
  crms: readonly CrmName[];
  /** Bad days that are left out. */
  without?: ReadonlySet<BadDay>;
  minutes?: number;
  calls?: number;
  /** In place of minutes: so many days from a September on, with so many calls in the hours of work of each. */
  days?: number;
  /** Two share one store. */
  instances?: 1 | 2;
  /** The configuration by variant: what a reload changes. */
  configs: readonly Config[];
  /** With a store as it is before the first start. */
  disk: Disk;
  /** Told of everything that happens, a line each. */
  tell?: (line: string) => void;
}

/** What came of one seed. */
export interface Ending {
  seed: number;
  /** What is not as was promised, in sentences. */
  broken: string[];
  /** Of everything that happened: the same for the same seed. */
  digest: string;
  /** Simulated. */
  hours: number;
  events: number;
  pushes: number;
  acknowledged: number;
  kills: number;
  requests: number;
}

/** How much there is: in the store's files, and of what is to happen. */
interface Night {
  bytes: number;
  pending: number;
}

const startsAt = Date.parse('2026-11-02T03:15:00.000Z');
/** At eight in the morning in Sydney, whose clocks are set forward two weeks later. */
const daysStartAt = Date.parse('2026-09-20T22:00:00.000Z');
const minuteMs = 60_000;
const dayMs = 86_400_000;
const oneAtATime = 'webhook';
/**
 * How many that came later it may take in a row: each fifth batch is the oldest's, and each of the four between, where it
 * fails, may be followed by two probes of what came last.
 */
const mostLater = 12;
/** How long it may take after the last bad day until nothing is due any more. */
const longestCalmMs = 6 * 3_600_000;
export const token = 'token-of-the-simulated-source';

/** A whole world from one seed: time, network, disk, CRMs, people, and the bridges in it. */
export class World implements Trouble {
  readonly timeline: Timeline;
  readonly crms: SimulatedCrm[];
  processes: SimulatedProcess[] = [];
  #wallIsOffMs = 0;
  /** How the network treats requests to CRMs: one stream of chance for each thing that can go wrong. */
  readonly weather: Trouble['weather'] = { fates: [] };
  diskSays: Trouble['diskSays'];
  endAt: Trouble['endAt'];
  readonly meddled = new Set<string>();
  /** Of calls that were erased, or that a restored store knows less of: what comes of them may be there or not. */
  readonly #forgotten = new Set<string>();
  /** Bodies that were stored before, and may not be there any more, with when they were erased. */
  readonly #erased = new Map<string, number>();
  variant = 0;
  kills = 0;
  readonly #startsAt: number;
  readonly #options: WorldOptions;
  readonly #disk: Disk;
  readonly #network: Network;
  readonly #notices = new SimulatedNotices();
  /** Something made it right to tell what was told before. */
  #mayTellAgain = false;
  /** How much there was, each night. */
  readonly #nights: Night[] = [];
  #asked = 0;
  readonly #planned: PlannedPush[];
  readonly #broken: string[] = [];
  readonly #fences = new Map<string, number>();
  readonly #endings: (() => void)[] = [];
  readonly #rushing = new Set<Sent>();
  /** Of the rush, what the connector that takes one call at a time has not taken yet, in the order it came. */
  readonly #waiting = new Set<string>();
  /** How many that came later it has taken in a row, and who it was. */
  #later = { taken: 0, by: null as Life | null };
  /** When a push was first answered as stored, whether or not the answer arrived. */
  readonly #storedAt = new Map<Sent, number>();
  #started = 0;
  #isCalm = false;

  constructor(options: WorldOptions) {
    this.#options = options;
    const { minutes = 4, calls = 8, days = 0 } = options;
    this.#startsAt = days > 0 ? daysStartAt : startsAt;
    this.timeline = new Timeline(this.#seedOf('ties'));
    const now = () => new Date(this.#startsAt + this.timeline.passed);
    const indexDelayMs = 20_000;
    this.crms = options.crms.map((name) => ({
      ...simulatedCrm(name, now, indexDelayMs),
      meddled: this.meddled,
    }));
    const random = this.random('pushes');
    this.#planned =
      days > 0 ? plannedDays(random, calls, days) : plannedPushes(random, calls, minutes * minuteMs);
    this.#disk = options.disk.copy(this.random('what a disk keeps'));
    this.#disk.before = (step) => this.#beforeStep(step);
    this.#network = new Network({
      timeline: this.timeline,
      hosts: new Map([
        [SimulatedNotices.host, this.#notices.handle],
        ...this.crms.flatMap(({ served }) => (served ? [[served.host, served.handle] as const] : [])),
      ]),
      fateOf: (host, asked, life) => {
        if (host !== SimulatedNotices.host) this.#asked++;
        return this.#fateOf(life, host, asked);
      },
      tell: (line) => this.tell(line),
      failed: (problem) => this.break(`an emulator failed: ${(problem as Error).stack}`),
    });
  }

  get passed(): number {
    return this.timeline.passed;
  }

  /** By how much the wall clock is wrong. */
  get wallIsOffMs(): number {
    return this.#wallIsOffMs;
  }

  set wallIsOffMs(ms: number) {
    this.#wallIsOffMs = ms;
    this.#waiting.clear(); // who came first is another now
  }

  get minutes(): number {
    return this.days > 0 ? (this.days * dayMs) / minuteMs : (this.#options.minutes ?? 4);
  }

  get days(): number {
    return this.#options.days ?? 0;
  }

  /** A stream of chance of its own for each thing, so that leaving one out changes nothing of the others. */
  random(what: string): () => number {
    return seeded(this.#seedOf(what));
  }

  #seedOf(what: string): number {
    let mixed = this.#options.seed | 0;
    for (const letter of what) mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x9e3779b1) ^ (mixed >>> 13);
    return mixed >>> 0;
  }

  /** For the story, and for the digest. */
  tell(line: string): void {
    this.timeline.note(line);
    if (!this.#options.tell) return;
    const at = (this.timeline.passed / 1000).toFixed(3).padStart(9);
    this.#options.tell(`${at} s  ${(this.timeline.current?.name ?? 'the world').padEnd(10)} ${line}`);
  }

  break(what: string): void {
    this.tell(`BROKEN: ${what}`);
    this.#broken.push(what);
  }

  /** Where a process runs, and may be asked to do something. */
  get running(): SimulatedProcess | undefined {
    return this.processes.find((one) => one.runs && one.hangsUntil <= this.timeline.passed);
  }

  async run(): Promise<Ending> {
    const { without = new Set<BadDay>(), instances = 1, seed } = this.#options;
    const wall = { now: () => this.#startsAt + this.timeline.passed + this.#wallIsOffMs };
    forgetDeadlines(); // those of whatever this process did before
    using _ = mountDisk(this.#disk, { process: () => this.timeline.current ?? undefined, seed });
    using _http = simulateHttp({ network: this.#network, timeline: this.timeline });
    const restore = simulateGlobals(
      this.timeline,
      wall,
      this.random('chance of the program'),
      this.#network.fetch,
      this.days > 0 ? minuteMs : 5_000,
    );
    try {
      for (let one = 0; one < instances; one++) await this.startProcess();
      this.#receiveAll(this.#planned);
      for (const [name, plan] of Object.entries(badDays) as [BadDay, (typeof badDays)[BadDay]][])
        if (!without.has(name)) plan(this, this.random(name));
      for (let night = 1; night <= this.days; night++)
        this.at(night * dayMs - minuteMs, () => this.#measure());
      await this.timeline.run(this.minutes * minuteMs);
      await this.#calmDown();
      await this.#balance();
      if (this.days > 0) await this.#checkDays();
      const { passed, digest, events } = this.timeline;
      for (const one of this.processes) this.#end(one);
      return {
        seed,
        broken: this.#broken,
        digest: (digest >>> 0).toString(16).padStart(8, '0'),
        hours: passed / 3_600_000,
        events,
        pushes: this.#planned.length,
        acknowledged: new Set(this.#planned.filter(({ push }) => push.acknowledged).map(({ push }) => push))
          .size,
        kills: this.kills,
        requests: this.#asked,
      };
    } finally {
      restore();
    }
  }

  /** Runs in the world's time, at a moment of a bad day. */
  at(ms: number, run: () => void): void {
    this.timeline.after(
      ms - this.timeline.passed,
      () => {
        if (!this.#isCalm) run();
      },
      null,
    );
  }

  /** Is run when the calm begins. */
  whenCalm(run: () => void): void {
    this.#endings.push(run);
  }

  async startProcess(): Promise<void> {
    if (this.#disk.isOff) this.#disk.start();
    const name = `bridge ${++this.#started}`;
    const process = new SimulatedProcess(name, {
      timeline: this.timeline,
      load: () => this.#config(),
      logged: (line, life) => this.#logged(line, life),
      taken: (life, connector, due) => this.#taken(life, connector, due),
      settled: (life, lease) => this.#settled(life, lease),
      lease: this.days > 0 ? { leaseMs: 1_800_000, renewMs: 600_000 } : { leaseMs: 30_000, renewMs: 10_000 },
    });
    this.tell(`starts ${name}`);
    const isFirst = !this.processes.some(({ isDead }) => !isDead);
    this.processes = [...this.processes.filter(({ isDead }) => !isDead), process];
    try {
      await process.start(isFirst ? 'bridge' : 'command');
    } catch (problem) {
      if (process.isDead) return; // killed while it started
      this.tell(`${name} does not start: ${(problem as Error).message}`);
      this.#end(process);
      this.#startLater(5_000);
    }
  }

  #startLater(inMs: number): void {
    this.timeline.after(inMs, () => void this.startProcess(), null);
  }

  /** Nothing of a process goes on, and what it had open is given up. */
  #end(process: SimulatedProcess): void {
    process.die();
    this.#disk.kill(process);
    abandon();
  }

  /** A kill, and after a while another process in its place. */
  kill(process: SimulatedProcess, downMs: number): void {
    if (process.isDead) return;
    this.kills++;
    this.tell(`kills ${process.name}`);
    this.#end(process);
    this.#startLater(downMs);
  }

  /** All processes die, and what was not synced may be lost. */
  cutPower(downMs: number): void {
    this.tell('The power goes.');
    this.#disk.cutPower();
    for (const process of this.processes) if (!process.isDead) this.kill(process, downMs);
  }

  /** Asks something of a running bridge. */
  ask(what: string, work: (process: SimulatedProcess) => Promise<unknown>): void {
    const { running } = this;
    if (!running) return;
    this.tell(`${what}, at ${running.name}`);
    this.#later.by = null; // a reload begins to count anew
    this.timeline.soon(() => {
      work(running).catch((problem) => this.tell(`that failed: ${(problem as Error).message}`));
    }, running);
  }

  erase(number: string): void {
    const ofNumber = this.#planned.filter((one) => one.number === number);
    this.ask(`erases ${number}`, async ({ bridge }) => {
      const ids = this.#forget(ofNumber.filter(({ atMs }) => atMs <= this.timeline.passed));
      for (const crm of this.crms) crm.forget?.(ids);
      const gone = (await this.#stories(bridge.store))
        .filter(({ pushes }) => pushes.some(({ fields }) => callerOf(fields) === number))
        .flatMap(({ pushes }) => pushes.map(({ body }) => body));
      const { left, erased } = await bridge.operator.erase({ number });
      this.tell(`erased ${erased.calls} calls, ${left} came since`);
      // What is sent twice may come again.
      for (const body of gone)
        if (this.#planned.filter(({ push }) => push.text === body).length === 1)
          this.#erased.set(body, this.timeline.passed);
    });
  }

  #forget(pushes: readonly PlannedPush[]): Set<string> {
    const ids = new Set(pushes.map(({ push }) => callIdOf(push)));
    for (const id of ids) this.#forgotten.add(id);
    return ids;
  }

  backUpAndRestore(afterMs: number): void {
    const file = `${storeFile}.backup`;
    this.ask('makes a backup', async ({ bridge }) => {
      const from = this.timeline.passed;
      if (this.#disk.find(file)) this.#disk.remove(file);
      await bridge.store.backup(file);
      const copy = this.#disk.find(file)!.content();
      this.at(from + afterMs, () => this.#restore(copy, from));
    });
  }

  /** Beside what a killed bridge left: its log is none of the copy's. */
  #restore(copy: Uint8Array, from: number): void {
    this.tell(
      `Somebody puts a backup in place of the store, of ${Math.round((this.passed - from) / 1000)} s ago.`,
    );
    for (const one of this.processes) this.kill(one, 2_000);
    if (this.#disk.isOff) return; // the power goes meanwhile
    this.#disk.put(storeFile, copy);
    const isInCopy = ({ push }: PlannedPush) => (this.#storedAt.get(push) ?? Infinity) <= from;
    this.#forget(this.#planned.filter((one) => one.atMs <= this.passed && !isInCopy(one)));
    this.#waiting.clear();
    for (const [body, at] of this.#erased) if (at >= from) this.#erased.delete(body);
    this.#fences.clear();
    this.#mayTellAgain = true;
  }

  #config(): Config {
    const config = this.#options.configs[this.variant % this.#options.configs.length] as Config;
    const { settings } = config;
    return {
      ...config,
      settings: {
        ...settings,
        listen: { ...settings.listen },
        store: { ...settings.store, url: `sqlite:${storeFile}` },
        // Minutes are too short for them.
        alerts: this.days > 0 ? settings.alerts : { ...settings.alerts, webhook: { form: 'json' } },
      },
    };
  }

  #fateOf(life: Life | null, host: string, asked: Asked): Fate {
    for (const fate of this.weather.fates) {
      const found = this.#isCalm ? undefined : fate(life, host, asked);
      if (found) return found;
    }
    return { told: '', thereMs: 40, backMs: 20, arrives: true };
  }

  endsInMs(callId: string): number | undefined {
    const ofCall = this.#planned.filter(({ push }) => callIdOf(push) === callId);
    const ends = ofCall.filter(({ push }) => 'PLA_CallResult' in push.fields);
    if (ends.length === 0 || ends.some(({ atMs }) => atMs <= this.passed)) return undefined;
    return Math.min(...ends.map(({ atMs }) => atMs)) - this.passed;
  }

  rush(): void {
    this.tell('Many ring at once.');
    const [seconds, calls] = [90, 80];
    const until = this.passed + seconds * 1_000;
    this.weather.fates.push((_life, host) =>
      host.startsWith('receiver') && this.passed < until
        ? { told: 'slow', thereMs: 3_000, backMs: 20, arrives: true }
        : undefined,
    );
    const pushes = plannedRush(
      this.passed,
      (seconds * 1_000) / calls,
      calls,
      1_000_000 + this.#planned.length,
    );
    this.#planned.push(...pushes);
    for (const { push } of pushes) this.#rushing.add(push);
    this.#receiveAll(pushes);
  }

  #receiveAll(pushes: readonly PlannedPush[]): void {
    const random = this.random('the way of pushes');
    for (const { atMs, push, isRepeat } of pushes) {
      const thereMs = 5 + random() * 200;
      const isAnswerLost = random() < 0.03;
      const isLost = random() < 0.02;
      this.timeline.after(
        atMs - this.passed,
        () => {
          const to = pick(
            random,
            this.processes.filter(({ runs }) => runs),
          );
          const what = `call ${push.fields['PLA_Call_Id']} ${push.fields['PLA_Call_Id'] && push.text.includes('PLA_CallResult') ? 'ends' : push.text.includes('Survey') ? 'is judged' : 'rings'}${isRepeat ? ' (again)' : ''}`;
          this.tell(`Delacon: ${what}${to ? '' : ', and nobody listens'}`);
          if (!to || isLost) return;
          this.timeline.after(thereMs, () => this.#receive(to, push, isAnswerLost), to);
        },
        null,
      );
    }
  }

  #receive(to: SimulatedProcess, push: Sent, isAnswerLost: boolean): void {
    to.receive(token, push.text).then(
      (status) => {
        if (to.isDead) return;
        if (status === 200 && !this.#storedAt.has(push)) {
          this.#storedAt.set(push, this.passed);
          if (this.#rushing.has(push)) this.#waiting.add(callIdOf(push));
        }
        if (isAnswerLost) return;
        this.tell(`answers ${status} to call ${push.fields['PLA_Call_Id']}`);
        if (status === 200) push.acknowledged = true;
        else if (status !== 503) this.break(`a push was answered ${status}`);
      },
      (problem) => {
        if (!to.isDead) this.break(`a push was not answered: ${(problem as Error).stack}`);
      },
    );
  }

  #logged(line: string, life: Life): void {
    if (life.isDead) return;
    if (digits.test(line)) this.break(`a number in the log: ${line}`);
    const { msg, level, call, connector, reason, err } = JSON.parse(line) as Record<string, unknown>;
    const more = [call && `call ${call}`, connector, reason, (err as { message?: string })?.message].filter(
      Boolean,
    );
    if (String(msg).includes('a restart may repeat it')) this.#mayTellAgain = true;
    this.tell(`logs ${level}: ${msg}${more.length > 0 ? ` [${more.join(' · ')}]` : ''}`);
  }

  /** However many ring, what has waited longest has its turn. */
  #taken(life: Life, connector: string, due: readonly DueDelivery[]): void {
    const [taken] = due;
    if (connector !== oneAtATime || !taken || life.isDead) return;
    const [oldest] = this.#waiting;
    const isLater = this.#waiting.delete(taken.state.callId) && taken.state.callId !== oldest;
    if (!isLater || this.#later.by !== life) this.#later = { taken: 0, by: life };
    if (isLater && ++this.#later.taken === mostLater + 1)
      this.break(`LATE: ${connector} took ${mostLater + 1} in a row that came after call ${oldest}`);
  }

  #settled(life: Life, { name, fence }: Lease): void {
    const latest = this.#fences.get(name) ?? 0;
    if (life.isDead) return;
    if (fence < latest) this.break(`${name} was settled with fence ${fence} after ${latest}`);
    this.#fences.set(name, Math.max(fence, latest));
  }

  #beforeStep({ kind }: Step): Fault | undefined {
    const life = this.timeline.current as SimulatedProcess | null;
    if (!life || life.isDead || this.#isCalm) return undefined;
    if (this.endAt && --this.endAt.steps <= 0) {
      const { end } = this.endAt;
      this.endAt = undefined;
      this.tell(`comes to its end amid a ${kind}`);
      if (end === 'kill') this.kill(life, 3_000);
      else this.cutPower(3_000);
      return undefined;
    }
    if (!this.diskSays || kind === 'read') return undefined;
    const { fault } = this.diskSays;
    if (--this.diskSays.steps <= 0) this.diskSays = undefined;
    this.tell(`the disk says ${fault} to a ${kind}`);
    return fault;
  }

  /** All that was bad is over; what waits is written, and what failed is replayed. */
  async #calmDown(): Promise<void> {
    this.tell('From here on all is well.');
    this.#isCalm = true;
    this.endAt = undefined;
    this.diskSays = undefined;
    for (const run of this.#endings) run();
    for (const crm of this.crms) {
      crm.calm();
      crm.outage(null);
    }
    // Processes that hang go on, and one that is to start does.
    await this.timeline.run(this.timeline.passed + 3 * minuteMs);
    if (!this.running) await this.startProcess();
    for (const { name } of this.crms)
      this.ask(`resumes ${name}`, ({ bridge }) => bridge.operator.resume(name));
    const until = this.timeline.passed + longestCalmMs;
    for (let isReplayed = false; ; ) {
      if (!(await this.#isDue())) {
        if (isReplayed) break;
        isReplayed = true;
        this.ask('replays what failed', (process) => this.#replayAll(process));
      }
      if (this.timeline.passed > until) {
        this.break('what is due is not written');
        break;
      }
      await this.timeline.run(this.timeline.passed + 2 * minuteMs);
    }
    await this.#atRest();
  }

  async #isDue(): Promise<boolean> {
    const { running } = this;
    if (!running) return true;
    return this.timeline.still(running, async () => {
      for (const { name } of this.crms)
        if ((await running.bridge.store.nextDueAt(name, new Date())) !== null) return true;
      return (await this.#stories(running.bridge.store)).some(
        ({ state }) => !state.endReceivedAt && !state.lapsed,
      );
    });
  }

  async #replayAll({ bridge }: SimulatedProcess): Promise<void> {
    const { store, operator } = bridge;
    for (const { state, deliveries } of await this.#stories(store)) {
      for (const one of deliveries) {
        if (one.state !== 'failed' && one.state !== 'skipped') continue;
        this.tell(`call ${state.callId} is ${one.state} in ${one.connector}: ${one.lastReason}`);
        await operator.replay(state.source, state.callId, { connector: one.connector });
      }
    }
  }

  /** When nothing is due, nothing is asked of any CRM. */
  async #atRest(): Promise<void> {
    await this.timeline.run(this.timeline.passed + minuteMs);
    const before = this.#asked;
    await this.timeline.run(this.timeline.passed + 15 * minuteMs);
    if (this.#asked !== before) this.break(`${this.#asked - before} requests to CRMs at rest`);
  }

  async #stories(store: Store) {
    const ids = new Set(this.#planned.map(({ push }) => push.fields['PLA_Call_Id'] ?? ''));
    const stories = await Promise.all([...ids].map((id) => store.stories(id)));
    return stories.flat();
  }

  async #balance(): Promise<void> {
    const { running } = this;
    if (!running) return this.break('no bridge runs in the end');
    for (const crm of this.crms) crm.settleIndex();
    const old = this.#olderThanRetention();
    this.#checkOld(old);
    const isKept = (callId: string) => !this.#forgotten.has(callId) && !old.has(callId);
    const sent = [...new Set(this.#planned.map(({ push }) => push))].filter((push) => isKept(callIdOf(push)));
    const forgotten = this.crms.flatMap((crm) =>
      crm.activities().flatMap(({ key }) => (isKept(key) ? [] : [`${crm.name}: erased call ${key}`])),
    );
    for (const [i, one] of forgotten.entries())
      if (forgotten.indexOf(one) !== i) this.break(`TWICE: ${one} is there more than once`);
    const crms = this.crms.map((crm) => ({
      ...crm,
      activities: () => crm.activities().filter(({ key }) => isKept(key)),
    }));
    const { lost, doubled, wrong }: Balance = await this.timeline.still(running, () =>
      balance({ sent, unread: [], wronglyAnswered: [] }, running.bridge.store, this.#config().settings, crms),
    );
    for (const { state, pushes } of await this.timeline.still(running, () =>
      this.#stories(running.bridge.store),
    )) {
      if (pushes.some(({ body }) => this.#erased.has(body)))
        this.break(`KEPT: a push of call ${state.callId} was erased, and is stored`);
      if (new Set(pushes.map(({ body }) => body)).size < pushes.length)
        this.break(`TWICE: a push of call ${state.callId} is stored`);
    }
    for (const { connector, blockedReason, openReason } of await this.timeline.still(running, () =>
      running.bridge.store.connectorStates(),
    )) {
      const reason = blockedReason ?? openReason;
      if (reason !== null) this.break(`WRONG: ${connector} works, and is told not to: ${reason}`);
    }
    for (const what of lost) this.break(`LOST: ${what}`);
    for (const what of doubled) this.break(`TWICE: ${what}`);
    for (const what of wrong) this.break(`WRONG: ${what}`);
  }

  /** Calls that the store may have dropped: their last push came longer ago than it keeps them. */
  #olderThanRetention(): Set<string> {
    const { callsMs } = this.#config().settings.retention;
    const latest = new Map<string, number>();
    for (const { atMs, push } of this.#planned)
      latest.set(callIdOf(push), Math.max(latest.get(callIdOf(push)) ?? 0, atMs));
    // A day for the calls that were lapsed or replayed meanwhile, and for a clock that was wrong.
    return new Set(
      [...latest].flatMap(([id, at]) => (at < this.timeline.passed - callsMs + dayMs ? [id] : [])),
    );
  }

  /** Of what the store has dropped, each is in each CRM, once. */
  #checkOld(old: ReadonlySet<string>): void {
    const stored = new Set(this.#planned.flatMap(({ push }) => (push.acknowledged ? [callIdOf(push)] : [])));
    const meddled = new Set(
      this.#planned.flatMap(({ number, push }) =>
        number !== null && this.meddled.has(number) ? [callIdOf(push)] : [],
      ),
    );
    for (const crm of this.crms) {
      const times = new Map<string, number>();
      for (const { key } of crm.activities()) times.set(key, (times.get(key) ?? 0) + 1);
      for (const id of old) {
        const n = times.get(id) ?? 0;
        if (n > 1) this.break(`TWICE: ${crm.name}: call ${id} of long ago is there ${n} times`);
        if (n === 0 && stored.has(id) && !meddled.has(id) && !this.#forgotten.has(id))
          this.break(`LOST: ${crm.name}: call ${id} of long ago is not there`);
      }
    }
  }

  #measure(): void {
    const bytes = [storeFile, `${storeFile}-wal`].reduce(
      (sum, file) => sum + (this.#disk.find(file)?.size ?? 0),
      0,
    );
    this.#nights.push({ bytes, pending: this.timeline.pending });
  }

  /** What only days on end show: a digest of each, each call in one of them, and nothing that grows. */
  async #checkDays(): Promise<void> {
    // That pushes were refused is told to be over when none has been for so long.
    const { rejectedMs = 0 } = this.#config().settings.alerts;
    const until = this.timeline.passed + rejectedMs + 10 * minuteMs;
    await this.timeline.run(until, () => this.#notices.open().length === 0);
    for (const title of this.#notices.open()) this.break(`WRONG: told, and not that it is over: ${title}`);
    const digests = this.#notices.digests();
    if (digests.size < this.days) this.break(`LOST: ${digests.size} digests of ${this.days} days`);
    for (const [period, tellings] of digests)
      if (tellings.length > 1 && !this.#mayTellAgain) this.break(`TWICE: a digest of the day ${period}`);
    const third = Math.floor(this.#nights.length / 3);
    if (third < 2) return;
    for (const what of ['bytes', 'pending'] as const) {
      const most = (nights: readonly Night[]) => Math.max(...nights.map((night) => night[what]));
      const [first, last] = [most(this.#nights.slice(third, 2 * third)), most(this.#nights.slice(-third))];
      if (last > first * 1.25) this.break(`WRONG: it grows: ${first} ${what}, and later ${last}`);
    }
  }

  get numbers(): readonly string[] {
    return numbers;
  }
}

function callIdOf({ fields }: Sent): string {
  return fields['PLA_Call_Id'] ?? '';
}

/** E.164. */
function callerOf(fields: Record<string, string>): string | null {
  return parsePhone(fields['PLA_Caller_Phone_Number'] ?? '', 'AU').number;
}
