import type { Clock } from '../clock.ts';
import { deliveryOf } from '../config/read-call.ts';
import type { ConnectorSettings, Settings } from '../config/settings.ts';
import type { Connection } from '../connector/contract.ts';
import type { Observer } from '../connector/observer.ts';
import { RateLimits } from '../connector/rate-limit.ts';
import { Worker, type WorkerCondition, type WorkerOptions } from '../deliver/worker.ts';
import type { Running } from '../operator/connectors.ts';
import { OperatorProblem } from '../operator/problem.ts';
import type { ConnectorMemory } from '../store/connector-memory.ts';
import type { Configuration } from './configuration.ts';
import { openConnection } from './open-connection.ts';

export interface RunningConnectorsOptions {
  store: WorkerOptions['store'] & ConnectorMemory;
  configuration: Configuration;
  clock: Clock;
  /** Names this process in leases. */
  holder: string;
  lease: { leaseMs: number; renewMs: number } | undefined;
  /** Is told what the connection of a connector does. */
  observer(name: string): Observer;
  settled: NonNullable<WorkerOptions['settled']>;
  /** One more runs. */
  started(): void;
}

interface One {
  worker: Worker;
  connection: Connection;
  settings: ConnectorSettings;
}

/** Until one that could not be opened after a reload is tried again: what kept it may be over, such as a disk that was full. */
const startAgainMs = 60_000;

/** A connection and a worker for each connector that is configured. */
export class RunningConnectors {
  readonly #options: RunningConnectorsOptions;
  readonly #running = new Map<string, One>();
  /** They outlive a reload. */
  readonly #limits: RateLimits;
  readonly #lookedUntil = new Map<string, number>();
  /** One change after the other. */
  #changed: Promise<void> = Promise.resolve();
  #isEnding = false;
  #forgetMissing = () => {};

  constructor(options: RunningConnectorsOptions) {
    this.#options = options;
    this.#limits = new RateLimits(options.clock);
  }

  get names(): Iterable<string> {
    return this.#running.keys();
  }

  /** @throws OperatorProblem */
  async withConnection<T>(name: string, use: (connection: Connection) => Promise<T>): Promise<T> {
    const running = this.#running.get(name);
    if (!running) throw new OperatorProblem('conflict', `The connector ${name} is just starting: try again.`);
    return use(running.connection);
  }

  /** What its CRM grants it. Undefined: it does not run, or is granted whatever it asks for. */
  quotaOf(name: string): Running | undefined {
    const quota = this.#running.get(name)?.connection.quota;
    if (!quota) return undefined;
    const { remaining, limit, isLow } = quota;
    return { quota: limit > 0 ? { remaining, limit } : null, isThrifty: isLow };
  }

  conditions(): { name: string; connection: Connection; condition: WorkerCondition }[] {
    return [...this.#running].map(([name, { worker, connection }]) => ({
      name,
      connection,
      condition: worker.condition,
    }));
  }

  /** Something is due. */
  wake(names: Iterable<string>): void {
    for (const name of names) this.#running.get(name)?.worker.wake();
  }

  /** Somebody changed something: what is due, or whether it is paused. */
  lookAgain(names: Iterable<string>): void {
    for (const name of names) this.#running.get(name)?.worker.lookAgain();
  }

  async startAll(): Promise<void> {
    const { connectors } = this.#options.configuration.settings;
    for (const [name, settings] of Object.entries(connectors)) await this.#start(name, settings);
  }

  /** After a reload: stops what is configured no more, or otherwise, and starts what is configured now. */
  follow(before: Settings): Promise<void> {
    return this.#inTurn(() => this.#follow(before));
  }

  async #follow(before: Settings): Promise<void> {
    const { settings } = this.#options.configuration;
    const isScheduleSame = JSON.stringify(before.delivery) === JSON.stringify(settings.delivery);
    for (const [name, running] of this.#running) {
      const wanted = settings.connectors[name];
      if (this.#isEnding) return;
      const isSame = wanted && JSON.stringify(wanted.raw) === JSON.stringify(running.settings.raw);
      if (!isSame || !isScheduleSame) await this.#stop(name);
    }
    await this.#startMissing('told');
  }

  async #startMissing(problems: 'told' | 'known'): Promise<void> {
    const { configuration, clock } = this.#options;
    const { settings, log } = configuration;
    this.#forgetMissing();
    let isOneMissing = false;
    for (const [name, wanted] of Object.entries(settings.connectors)) {
      if (this.#running.has(name) || this.#isEnding) continue;
      try {
        await this.#start(name, wanted);
        if (problems === 'known') log.info({ connector: name }, 'Started after all.');
      } catch (reason) {
        // The others go on, and so does receiving; its calls wait.
        isOneMissing = true;
        if (problems === 'told')
          log.error({ connector: name, err: reason }, 'Not started: mend it. It is tried every minute.');
      }
    }
    if (!isOneMissing || this.#isEnding) return;
    this.#forgetMissing = clock.after(startAgainMs, () => this.#inTurn(() => this.#startMissing('known')));
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#changed.then(() => (this.#isEnding ? undefined : change()));
    this.#changed = done.catch(() => {});
    return done;
  }

  async stopAll(): Promise<void> {
    this.#isEnding = true;
    this.#forgetMissing();
    await this.#changed;
    await Promise.all([...this.#running.keys()].map((name) => this.#stop(name)));
  }

  async #start(name: string, settings: ConnectorSettings): Promise<void> {
    const { store, configuration, clock, holder, lease, observer, settled, started } = this.#options;
    const { log, dataDir } = configuration;
    const connection = await openConnection(name, settings, {
      store,
      clock,
      log,
      dataDir,
      observer: observer(name),
      limits: this.#limits,
    });
    const worker = new Worker({
      connector: name,
      connection,
      store,
      holder,
      schedule: configuration.settings.delivery,
      clock,
      log,
      ...lease,
      lookedUntilMs: this.#lookedUntil.get(name),
      read: (due) => deliveryOf(configuration.settings, due),
      hide: configuration.hide,
      settled,
    });
    this.#running.set(name, { worker, connection, settings });
    worker.start();
    started();
  }

  async #stop(name: string): Promise<void> {
    const running = this.#running.get(name);
    this.#running.delete(name);
    await running?.worker.stop();
    if (running) this.#lookedUntil.set(name, running.worker.lookedUntilMs);
  }
}
