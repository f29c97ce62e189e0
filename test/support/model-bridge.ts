import { Hono } from 'hono';
import type { CallState } from '../../src/call/call.ts';
import { connectorsFor, deliveryOf } from '../../src/config/read-call.ts';
import type { Settings } from '../../src/config/settings.ts';
import { withheldWords } from '../../src/config/withheld-words.ts';
import { Worker } from '../../src/deliver/worker.ts';
import { createLog } from '../../src/log.ts';
import { AddressList } from '../../src/receive/addresses.ts';
import { receiveRoutes } from '../../src/receive/routes.ts';
import { TokenTable } from '../../src/receive/tokens.ts';
import { compileCondition } from '../../src/route/condition.ts';
import type { Settlement } from '../../src/store/deliveries.ts';
import type { Recorded } from '../../src/store/intake.ts';
import type { Lease } from '../../src/store/leases.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { type Store, StoreUnavailable } from '../../src/store/store.ts';
import { LapseSweep } from '../../src/sweep/lapse-sweep.ts';
import { type Activity, type Fate, latestMs, ModelCrm } from './model-crm.ts';
import { type VirtualClock, VirtualTime } from './virtual-clock.ts';

export const connectors = ['first', 'second'] as const;
export type Connector = (typeof connectors)[number];

const lapseAfterMs = 90_000;
const schedule = { retryMs: [3_000, 15_000, 40_000], giveUpAfterMs: 120_000, probeMs: [5_000, 20_000] };
/** The longest that a delivery waits: as the schedule has it, or as a CRM asks; or to be written once more. */
const longestWaitMs = 6 * 60_000;
/** The longest that a worker sleeps: it renews its lease then. */
const longestSleepMs = 10_000;

const sourceNames = ['acme', 'beta'] as const;
const sources = Object.fromEntries(
  sourceNames.map((name) => [
    name,
    {
      name,
      tokens: [name],
      region: 'AU' as const,
      timezone: 'Australia/Sydney',
      allowFrom: [],
      withheld: [...withheldWords],
      missed: [],
      emailOnly: [],
      callIdPrefix: name === 'beta' ? 'b-' : '',
      rateLimit: undefined,
      lapseAfterMs,
    },
  ]),
);
const plumbing = compileCondition("call.dealer.category == 'Plumbing'");
/** What the routes are changed to, by number. */
const place = 'bridge.yaml:1:1';
const routings: Settings['routes'][] = [
  [{ to: ['first'], stop: false, place }],
  [
    { when: plumbing, to: ['second'], stop: true, place },
    { to: ['first'], stop: false, place },
  ],
  [{ to: ['first', 'second'], stop: false, place }],
  [],
];
export const routingCount = routings.length;

/** What the bridge is configured to do. */
export interface Configured {
  routing: number;
  connectors: readonly Connector[];
  /** Each number is another mapping. */
  mapping: number;
  isBetaThere: boolean;
}

type Told = { connector: string; revision: number; outcome: string; reason: string | null };

/** What breaks the promise, and when. */
export class PromiseBroken extends Error {
  override name = 'PromiseBroken';
}

/**
 * The bridge with everything around it under control: the store is the real one on a real file, workers, sweep,
 * receiving and routing are the product's own; the time, the CRMs and how long the store takes are the model's. It knows
 * what was promised, and throws PromiseBroken when that does not hold.
 *
 * A request that nobody waits for any more may be carried out after newer ones, up to two minutes later. Where the clock
 * is set forward, it is before: how long it takes is measured by that clock.
 */
export class ModelBridge {
  readonly time = new VirtualTime();
  readonly crms: Record<Connector, ModelCrm>;
  readonly random: () => number;
  instances: Instance[] = [];
  configured: Configured = { routing: 0, connectors, mapping: 1, isBetaThere: true };
  settings = settingsOf(this.configured);
  /** Connectors that somebody lets rest. */
  readonly paused = new Set<Connector>();
  /** Which of the next writes the disk takes; then all of them. */
  diskTakes: boolean[] = [];
  readonly #file: string;
  #store!: Store;
  #started = 0;
  #events = 0;
  #broken: string | undefined;
  /** Until when, in time passed, something may be asleep for a good reason. */
  #troubledUntil = 0;
  readonly #fences = new Map<string, number>();
  readonly #holders = new Map<string, Instance>();
  /** By call: the bodies that were answered with success, all that were sent, and where it was routed. */
  readonly #acknowledged = new Map<string, Set<string>>();
  readonly #sent = new Map<string, Set<string>>();
  readonly #routed = new Map<string, Set<string>>();
  readonly #fields = new Map<string, Map<number, string>>(); // by call and revision
  /** By row of the call: what was settled. */
  readonly #told = new Map<number, Told[]>();

  constructor(file: string, seed: number) {
    this.#file = file;
    this.random = seededRandom(seed);
    const broken = (what: string) => this.broken(what);
    const fate = () => this.#fate();
    this.crms = {
      first: new ModelCrm({ batch: 2, parallel: 2 }, this.time.clock(), fate, (what) =>
        broken(`first: ${what}`),
      ),
      second: new ModelCrm({ batch: 3, parallel: 1 }, this.time.clock(), fate, (what) =>
        broken(`second: ${what}`),
      ),
    };
  }

  /** Notes what does not hold; the next check throws it. Callers may be within the product's own try. */
  broken(what: string): void {
    this.#broken ??= what;
  }

  get store(): Store {
    return this.#store;
  }

  /** The one that pushes come to. */
  get instance(): Instance | undefined {
    return this.instances.find((one) => !one.hangs);
  }

  async open(): Promise<void> {
    this.#store = await openSqliteStore(this.#file, 'bridge');
    this.#holders.clear();
    this.startInstance();
  }

  startInstance(): void {
    this.#started++;
    this.instances.push(new Instance(this, `instance ${this.#started}`));
  }

  /** Sends a push to the first instance that answers. Not waiting for the answer lets others come between. */
  push(source: string, fields: Record<string, string>): void {
    const instance = this.instance;
    if (!instance) return;
    const body = JSON.stringify(fields);
    const key = `${source}/${fields['PLA_Call_Id']}`;
    add(this.#sent, key, body);
    instance.unanswered++;
    instance.receive(source, body).then(({ status }) => {
      instance.unanswered--;
      this.#events++;
      if (status === 200) add(this.#acknowledged, key, body);
      else if (status !== 503 && status !== 404) this.broken(`a push was answered ${status}`);
    });
  }

  /** Told in any order of pushes that come together. */
  recorded({ repeat, state, revision }: Recorded): void {
    if (repeat) return;
    const key = `${state.source}/${state.callId}`;
    const fields = JSON.stringify(state.fields);
    const known = this.#fields.get(key) ?? new Map<number, string>();
    const latest = Math.max(...[...known.keys()].filter((one) => one <= revision));
    if (known.get(latest) === fields) return; // nothing new: not routed again
    this.#fields.set(key, known.set(revision, fields));
    for (const connector of connectorsFor(this.settings, state)) add(this.#routed, key, connector);
  }

  /** A killed process. Nothing that it had under way comes to an end, but for what is on its way to a CRM. */
  kill(instance: Instance, fate: Fate): void {
    instance.die();
    this.instances = this.instances.filter((one) => one !== instance);
    for (const crm of Object.values(this.crms)) {
      for (const request of crm.of(instance.name)) request.orphan(fate);
    }
  }

  async crash(fate: Fate): Promise<void> {
    for (const instance of this.instances) this.kill(instance, fate);
    await this.#store.close();
    await this.open();
  }

  /** A stop in good order. */
  async stop(instance: Instance): Promise<void> {
    await this.finish('stop', instance.stop());
    this.kill(instance, true);
  }

  /** Those that hang go on, and learn what has changed. */
  async resume(): Promise<void> {
    for (const instance of this.instances.filter(({ hangs }) => hangs)) {
      instance.resume();
      await this.pass(0);
      await this.finish('reload', instance.reload());
    }
  }

  async reconfigure(change: Partial<Configured>): Promise<void> {
    this.configured = { ...this.configured, ...change };
    this.settings = settingsOf(this.configured);
    for (const instance of this.instances) {
      if (!instance.hangs) await this.finish('reload', instance.reload());
    }
  }

  async replay(rows: readonly number[]): Promise<void> {
    const states = new Map<string, CallState>();
    await this.#store.replay(
      rows,
      (state) => {
        states.set(`${state.source}/${state.callId}`, state);
        return connectorsFor(this.settings, state);
      },
      this.time.now(),
    );
    for (const [key, state] of states) {
      for (const connector of connectorsFor(this.settings, state)) add(this.#routed, key, connector);
    }
    this.wake(connectors);
  }

  async pause(connector: Connector, isPaused: boolean): Promise<void> {
    const pause = isPaused ? { since: this.time.now(), reason: 'A model of a pause.' } : null;
    await this.#store.pauseConnector(connector, pause);
    if (isPaused) this.paused.add(connector);
    else this.paused.delete(connector);
    for (const instance of this.instances) instance.lookAgain(connector);
  }

  async skip(rows: readonly number[], connector: Connector): Promise<void> {
    for (const row of rows) await this.#store.skip(row, connector, 'A model of a decision.', this.time.now());
  }

  /** Every instance learns of what is due, by itself or from the store. */
  wake(names: Iterable<string>): void {
    for (const instance of this.instances) instance.wake(names);
  }

  jump(ms: number): void {
    if (ms > 0) for (const crm of Object.values(this.crms)) crm.catchUp();
    this.time.jump(ms);
    this.#troubledUntil = this.time.passed + longestSleepMs;
  }

  async pass(ms: number): Promise<void> {
    await this.quiet();
    await this.time.pass(ms, async () => {
      await this.quiet();
      if (this.time.nextIn() > 0) await this.check(); // others may wake at the same moment
    });
    await this.quiet();
  }

  /** Lets time pass until the promise is kept. */
  async finish(what: string, promise: Promise<void>): Promise<void> {
    let isOver = false;
    promise.then(
      () => {
        isOver = true;
        this.#events++;
      },
      (reason) => this.broken(`${what} failed: ${reason}`),
    );
    for (let tries = 0; tries < 60; tries++) {
      await this.quiet();
      if (isOver) return;
      await this.time.pass(Math.max(Math.min(this.time.nextIn(), 1_000), 0), () => this.quiet());
    }
    this.broken(`${what} does not come to an end`);
    await this.check();
  }

  /** Resolves when nothing happens any more without time passing. */
  async quiet(): Promise<void> {
    const events = () => this.#events + this.crms.first.events + this.crms.second.events;
    let seen = -1;
    for (let still = 0; still < 8 || this.instances.some((one) => one.unanswered > 0); still++) {
      await turn();
      if (still > 10_000) throw new PromiseBroken('a push is never answered');
      if (events() === seen) continue;
      seen = events();
      still = 0;
    }
  }

  /** The store as one instance sees it: it takes its time, may fail, and says nothing to the dead. */
  storeFor(instance: Instance): Store {
    const never = new Promise<never>(() => {});
    return new Proxy(this.#store, {
      get: (store, name: keyof Store) => {
        const method = (store[name] as (...args: unknown[]) => Promise<unknown>).bind(store);
        return async (...args: unknown[]) => {
          this.#events++;
          await this.#someTurns();
          if (instance.isDead) return never;
          if (writes.has(name) && this.diskTakes.shift() === false) {
            this.#troubledUntil = this.time.passed + longestSleepMs;
            throw new StoreUnavailable('SQLite: database or disk is full');
          }
          const result = await method(...args);
          this.#events++;
          if (name === 'settle') {
            this.#settled(instance, args[0] as Lease, args[1] as Settlement[], result as boolean);
          }
          if (name === 'acquireLease' && result) this.#acquired(instance, result as Lease);
          await this.#someTurns();
          this.#events++;
          return instance.isDead ? never : result;
        };
      },
    });
  }

  #fate(): Fate {
    const chance = this.random();
    return chance < 0.5 ? Math.ceil(chance * 2 * latestMs) : chance < 0.75;
  }

  async #someTurns(): Promise<void> {
    for (let turns = Math.floor(this.random() * 6) - 3; turns > 0; turns--) {
      await turn();
      this.#events++;
    }
  }

  #acquired(instance: Instance, { name, fence }: Lease): void {
    if (fence <= (this.#fences.get(name) ?? 0)) this.broken(`a fence came twice: ${name} ${fence}`);
    this.#fences.set(name, fence);
    this.#holders.set(name, instance);
    for (const request of this.crms[name as Connector].underWay) {
      if (request.of.instance !== instance.name) request.end(this.#fate());
    }
  }

  #settled(
    instance: Instance,
    { name, fence }: Lease,
    settlements: readonly Settlement[],
    isTaken: boolean,
  ): void {
    for (const { callRow } of settlements) instance.attempted.delete(`${name}/${callRow}`);
    if (!isTaken) return;
    if (fence < (this.#fences.get(name) ?? 0)) this.broken(`${name} was settled with an old fence`);
    for (const { callRow, revision, attempt } of settlements) {
      if (!this.#told.has(callRow)) this.#told.set(callRow, []);
      const { outcome, reason } = attempt;
      this.#told.get(callRow)!.push({ connector: name, revision, outcome, reason });
    }
  }

  /** What must hold whenever nothing is going on. */
  async check(): Promise<void> {
    if (this.#broken !== undefined) throw new PromiseBroken(this.#broken);
    for (const connector of this.configured.connectors) await this.#checkAwake(connector);
    if (this.#broken !== undefined) throw new PromiseBroken(this.#broken);
  }

  /** Nothing is due that could be attempted now, and the worker wakes when the next falls due. */
  async #checkAwake(connector: Connector): Promise<void> {
    const holder = this.#holders.get(connector);
    if (!holder?.runs(connector) || this.time.passed <= this.#troubledUntil) return;
    if (this.paused.has(connector)) return;
    const now = this.time.now();
    const crm = this.crms[connector];
    const requests = crm.of(holder.name);
    const states = await this.#store.connectorStates();
    const isBlocked = states.some(
      (state) => state.connector === connector && (state.blockedReason !== null || state.openReason !== null),
    );
    if (isBlocked || holder.probes(connector) || requests.length >= crm.limits.parallel) {
      if (isBlocked && requests.length === 0 && holder.sleepsFor(connector) > longestSleepMs) {
        this.broken(`${connector} is not tried, and asleep`);
      }
      return;
    }
    const lanes = new Set(
      [...holder.attempted].filter(([of]) => of.startsWith(connector)).map(([, lane]) => lane),
    );
    for (const { callRow, state } of await this.#store.takeDue(connector, now, 100, { exceptLanes: lanes })) {
      if (holder.attempted.has(`${connector}/${callRow}`)) continue;
      this.broken(`${state.source}/${state.callId} is due in ${connector}, and left asleep`);
    }
    const next = await this.#store.nextDueAt(connector, now);
    if (next && next.getTime() - now.getTime() > longestWaitMs)
      this.broken(`${connector} waits for ${next.toISOString()}, at ${now.toISOString()}`);
    const wakesAt = now.getTime() + holder.sleepsFor(connector);
    if (next && wakesAt > next.getTime()) {
      this.broken(`${connector} sleeps ${wakesAt - next.getTime()} ms longer than the next delivery waits`);
    }
  }

  /** Lets time pass until nothing is due, nothing is to be written once more or carried out late, and no call rings. */
  async runDry(): Promise<void> {
    const end = this.time.passed + 4 * 3_600_000;
    for (;;) {
      await this.quiet();
      await this.check();
      const open = await this.#store.openDeliveries();
      const isExpecting = connectors.some((name) => this.crms[name].isExpecting);
      if (
        open.every(({ due }) => due === 0) &&
        !isExpecting &&
        !(await this.#hasRewrites()) &&
        (await this.#store.nextLapseAt()) === null
      )
        return;
      if (this.time.passed > end) {
        throw new PromiseBroken(`hours after all was mended: ${JSON.stringify(open)}`);
      }
      await this.pass(Math.max(Math.min(this.time.nextIn(), longestSleepMs), 1));
    }
  }

  async #hasRewrites(): Promise<boolean> {
    const calls = await this.#store.calls({ limit: 1_000 });
    return calls.some(({ deliveries }) => deliveries.some(({ rewriteAt }) => rewriteAt !== null));
  }

  /** Compares all that is stored and all that the CRMs show with what was sent. */
  async checkAll(expected: 'delivered' | 'delivered or failed'): Promise<void> {
    const shown: Record<Connector, Set<string>> = { first: new Set(), second: new Set() };
    const untried = new Set<string>();
    for (const key of new Set([...this.#acknowledged.keys(), ...this.#sent.keys()])) {
      const [source, callId] = key.split('/') as [string, string];
      const [story] = await this.#store.stories(callId, source);
      const stored = story?.pushes.map(({ body }) => body) ?? [];
      for (const body of this.#acknowledged.get(key) ?? []) {
        if (!stored.includes(body)) this.broken(`acknowledged and not stored: ${body}`);
      }
      for (const body of stored) {
        if (!this.#sent.get(key)?.has(body)) this.broken(`stored and never sent: ${body}`);
      }
      if (!story) continue;
      const told = story.attempts.map(({ connector, revision, outcome, reason }) =>
        JSON.stringify({ connector, revision, outcome, reason }),
      );
      const settled = (this.#told.get(story.row) ?? []).map((one) => JSON.stringify(one));
      if (told.sort().join() !== settled.sort().join())
        this.broken(`${key} tells other attempts than were made`);
      if (story.attempts.some(({ tookMs }) => tookMs < 0))
        this.broken(`${key}: an attempt took less than no time`);

      const state = stateOf(
        stored.map((body) => JSON.parse(body)),
        story.state.lapsed,
      );
      for (const connector of this.#routed.get(key) ?? []) {
        const delivery = story.deliveries.find((one) => one.connector === connector);
        if (!delivery) this.broken(`${key} was routed to ${connector}, which knows nothing of it`);
      }
      for (const delivery of story.deliveries) {
        const connector = delivery.connector as Connector;
        const where = `${key} in ${connector}`;
        const crmKey = (source === 'beta' ? 'b-' : '') + callId;
        shown[connector].add(crmKey);
        if (delivery.state === 'skipped' && expected !== 'delivered') {
          if (!story.decisions.some((made) => made.decision === 'skip' && made.connector === connector))
            this.broken(`${where} is skipped, and nobody decided so`);
          untried.add(connector);
          continue;
        }
        if (delivery.state === 'failed' && expected !== 'delivered') {
          if (!delivery.lastReason) this.broken(`${where} failed without a reason`);
          if (delivery.lastReason?.includes('is configured no more')) untried.add(connector);
          continue;
        }
        if (delivery.state !== 'delivered')
          this.broken(`${where} is ${delivery.state}: ${delivery.lastReason}`);
        if (delivery.deliveredRevision !== story.revision)
          this.broken(`${where}: an old revision was delivered`);
        const activity = this.crms[connector].activities.get(crmKey);
        this.#checkShown(where, activity, connector, { ...state, revision: story.revision });
        if (expected === 'delivered' && activity?.mapping !== this.configured.mapping) {
          this.broken(`${where} is mapped as before`);
        }
      }
    }
    for (const { connector, blockedReason, openReason } of await this.#store.connectorStates()) {
      // Where the call that would have been its probe was skipped, or its source is gone, the next call tells.
      const reason = blockedReason ?? openReason;
      if (reason !== null && !untried.has(connector))
        this.broken(`${connector} works, and is told not to: ${reason}`);
    }
    for (const connector of connectors) {
      const { activities, people } = this.crms[connector];
      for (const key of activities.keys()) {
        if (!shown[connector].has(key)) this.broken(`${connector} has ${key}, which nobody sent there`);
      }
      const numbers = people.map(({ number }) => number);
      if (new Set(numbers).size < numbers.length) this.broken(`${connector} has a person twice: ${numbers}`);
    }
    if (this.#broken !== undefined) throw new PromiseBroken(this.#broken);
  }

  #checkShown(
    where: string,
    activity: Activity | undefined,
    connector: Connector,
    wanted: { fields: Record<string, string>; phase: string; number: string | undefined; revision: number },
  ): void {
    if (!activity) {
      this.broken(`${where} was told to be delivered, and the CRM has nothing`);
      return;
    }
    const person = this.crms[connector].people.find(({ id }) => id === activity.person)?.number;
    const show = (fields: Record<string, string>) => JSON.stringify(Object.entries(fields).sort());
    const differs =
      show(activity.fields) !== show(wanted.fields) ||
      activity.phase !== wanted.phase ||
      activity.revision !== wanted.revision ||
      person !== wanted.number;
    if (differs) {
      this.broken(
        `${where} shows ${JSON.stringify({ ...activity, person })} instead of ${JSON.stringify(wanted)}`,
      );
    }
  }
}

/** One running bridge, put together as in src/main.ts. */
export class Instance {
  readonly name: string;
  readonly #model: ModelBridge;
  readonly #store: Store;
  readonly #sweepClock: VirtualClock;
  readonly #sweep: LapseSweep;
  readonly #workers = new Map<string, { worker: Worker; clock: VirtualClock; mapping: number }>();
  readonly #app = new Hono();
  isDead = false;
  hangs = false;
  /** Pushes that it was sent. */
  unanswered = 0;
  /** The lane of each call under way, by connector and row. */
  readonly attempted = new Map<string, string>();
  #goOn: Promise<void> = Promise.resolve();
  #resume = () => {};

  constructor(model: ModelBridge, name: string) {
    this.#model = model;
    this.name = name;
    this.#store = model.storeFor(this);
    this.#sweepClock = model.time.clock();
    const log = createLog('silent');
    const route = (state: CallState) => connectorsFor(model.settings, state);
    this.#sweep = new LapseSweep({
      store: this.#store,
      clock: this.#sweepClock,
      log,
      route,
      wake: (names) => model.wake(names),
    });
    const none = new AddressList([]);
    const receivingSources = new Map(
      Object.keys(sources).map((source) => [source, { allowFrom: none, rate: undefined, lapseAfterMs }]),
    );
    const tokens = () => new TokenTable(model.settings.sources);
    this.#app.route(
      '/',
      receiveRoutes({
        current: () => ({
          tokens: tokens(),
          sources: receivingSources,
          proxies: none,
          maxBodyBytes: 100_000,
          timeoutMs: 30_000,
          closing: false,
        }),
        record: (push) => this.#store.record(push),
        route,
        recorded: (push, recorded) => {
          const { due, state } = recorded;
          model.recorded(recorded);
          model.wake(due);
          if (!state.endReceivedAt) this.#sweep.expect(push.receivedAt.getTime() + push.lapseAfterMs);
        },
        refused: async () => {},
        peer: () => '127.0.0.1',
        clock: this.#sweepClock,
        log,
      }),
    );
    void this.reload();
    this.#sweep.start();
  }

  async receive(source: string, body: string): Promise<Response> {
    return this.#app.request(`/push/${source}`, { method: 'POST', body });
  }

  async reload(): Promise<void> {
    const { connectors: wanted, mapping } = this.#model.configured;
    for (const [name, running] of this.#workers) {
      if ((wanted as readonly string[]).includes(name) && running.mapping === mapping) continue;
      this.#workers.delete(name);
      await running.worker.stop();
    }
    for (const name of wanted) if (!this.#workers.has(name)) this.#startWorker(name, mapping);
  }

  #startWorker(connector: Connector, mapping: number): void {
    const model = this.#model;
    const clock = model.time.clock();
    const worker = new Worker({
      connector,
      connection: model.crms[connector].open({
        instance: this.name,
        mapping,
        running: () => this.#goOn,
      }),
      store: this.#store,
      holder: this.name,
      schedule,
      clock,
      log: createLog('silent'),
      random: model.random,
      read: (due) => {
        this.attempted.set(`${connector}/${due.callRow}`, due.lane);
        return deliveryOf(model.settings, due);
      },
    });
    this.#workers.set(connector, { worker, clock, mapping });
    worker.start();
  }

  wake(names: Iterable<string>): void {
    for (const name of names) {
      const running = this.#workers.get(name);
      if (running) void this.#goOn.then(() => this.isDead || running.worker.wake());
    }
  }

  lookAgain(name: string): void {
    const running = this.#workers.get(name);
    if (running) void this.#goOn.then(() => this.isDead || running.worker.lookAgain());
  }

  runs(connector: string): boolean {
    return !this.hangs && !this.isDead && this.#workers.has(connector);
  }

  /** Whether everything waits for what comes of one call. */
  probes(connector: string): boolean {
    return this.#workers.get(connector)?.worker.condition.isProbing ?? false;
  }

  /** Milliseconds until the worker looks by itself. */
  sleepsFor(connector: string): number {
    return this.#workers.get(connector)?.clock.nextIn() ?? 0;
  }

  /** As a process does that the machine stopped: nothing of it goes on, while the time does. */
  hang(): void {
    this.hangs = true;
    this.#goOn = new Promise((resolve) => {
      this.#resume = resolve;
    });
    this.#standStill(true);
  }

  resume(): void {
    this.hangs = false;
    this.#standStill(false);
    this.#resume();
  }

  async stop(): Promise<void> {
    await this.#sweep.stop();
    await Promise.all([...this.#workers.values()].map(({ worker }) => worker.stop()));
  }

  die(): void {
    this.isDead = true;
    this.#standStill(true);
  }

  #standStill(standsStill: boolean): void {
    for (const clock of [this.#sweepClock, ...[...this.#workers.values()].map((running) => running.clock)]) {
      clock.standsStill = standsStill;
    }
  }
}

const writes: ReadonlySet<keyof Store> = new Set([
  'record',
  'settle',
  'lapse',
  'acquireLease',
  'renewLease',
  'setConnectorState',
]);

const endNames = ['PLA_CallResult', 'PLA_Duration', 'PLA_SurveyOutcome'];

/** What the pushes of a call say together, in the order of receipt: told apart from the product's own folding. */
function stateOf(pushes: readonly Record<string, string>[], isLapsed: boolean) {
  const fields: Record<string, string> = {};
  for (const push of pushes) {
    for (const [name, value] of Object.entries(push)) {
      if (fields[name] === undefined || value.trim() !== '') fields[name] = value;
    }
  }
  const isEnded = endNames.some((name) => fields[name]?.trim());
  const number = /^(?:\+61|0) ?(4\d\d ?\d{3} ?\d{3})/.exec(fields['PLA_Caller_Phone_Number'] ?? '');
  return {
    fields,
    phase: isEnded ? 'ended' : isLapsed ? 'lapsed' : 'ringing',
    number: number ? `+61${number[1]!.replaceAll(' ', '')}` : undefined,
  };
}

function settingsOf({ routing, isBetaThere }: Configured): Settings {
  return {
    sources: isBetaThere ? sources : { acme: sources['acme'] },
    routes: routings[routing],
  } as unknown as Settings;
}

function add<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set.add(value));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** mulberry32: small, and the same everywhere. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
