import { readdir } from 'node:fs/promises';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import packageJson from '../../package.json' with { type: 'json' };
import type { Refusal } from '../call/refusal.ts';
import type { Clock } from '../clock.ts';
import type { Connection, Outcome } from '../connector/contract.ts';
import type { Observer } from '../connector/observer.ts';
import type { WorkerCondition } from '../deliver/worker.ts';
import type { Backlog, DeliveryState, DueDelivery } from '../store/deliveries.ts';
import type { NewPush, Recorded } from '../store/intake.ts';
import type { RejectedKept } from '../store/rejections.ts';
import type { Store } from '../store/store.ts';
import { type Definition, definitions, type MetricName } from './definitions.ts';
import { Durations } from './durations.ts';

/** What the metrics know of a connector when they are asked for. */
export interface RunningConnector {
  name: string;
  connection: Pick<Connection, 'quota'>;
  condition: WorkerCondition;
}

export interface MetricsOptions {
  store: Pick<Store, 'backlog' | 'latestPushes' | 'rejectedKept' | 'size'>;
  clock: Clock;
  sources(): Readonly<Record<string, unknown>>;
  connectors(): Iterable<RunningConnector>;
}

const commitDuration = 'delacon_bridge_push_commit_duration_seconds';
/** Beyond, a backlog is only known to be long: counting it would hold up receiving. */
export const countedTo = 100_000;
/** Where the latest pushes of before the start are looked for. */
const lookedThrough = 1_000;
/** Whoever scrapes more often is told the backlog of before. */
const backlogFreshMs = 1_000;
/** Beyond, those that push first have series of their own, until the next start; the others are told as one. */
export const mostSources = 200;
/** No source can be called so. */
export const otherSources = '(other)';
/** Of a connector from elsewhere, whose author may have put an id into them. */
const mostKinds = 60;

/** Told of each source from 0 on, so that a first one counts as an increase. */
const usualOutcomes: readonly string[] = ['stored', 'repeated', 'unreadable', 'not_stored'];
const deliveryOutcomes: readonly Outcome['kind'][] = ['delivered', 'retry', 'rejected', 'blocked'];
const connectorStates = ['working', 'thrifty', 'open', 'blocked', 'paused', 'standby'] as const;

/** Of one source. Plain numbers: they are counted for every push, and made into metrics only when those are asked for. */
interface Tally {
  calls: number;
  lastPushMs: number | undefined;
  outcomes: Record<'stored' | 'repeated' | Refusal, number>;
}

/** Counts what happens, and answers `GET /metrics`. */
export class Metrics {
  readonly #options: MetricsOptions;
  readonly #registry = new Registry();
  readonly #startedMs: number;
  readonly #tallies = new Map<string, Tally>();
  /** With a tally of their own. */
  #sources = 0;
  readonly #kinds = new Map<string, Set<string>>();
  readonly #commits = new Durations(definitions[commitDuration].buckets);
  readonly #lag: Histogram;
  readonly #deliveries: Counter;
  readonly #failed: Counter;
  readonly #requests: Counter;
  readonly #lookups: Counter;
  #backlogs: { atMs: number; read: Promise<Map<string, Backlog>> } | undefined;

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#startedMs = options.clock.now().getTime();
    this.#lag = this.#histogram('delacon_bridge_delivery_lag_seconds');
    this.#deliveries = this.#counter('delacon_bridge_deliveries_total', () => {
      for (const { name: connector } of options.connectors())
        for (const outcome of deliveryOutcomes) this.#deliveries.inc({ connector, outcome }, 0);
    });
    this.#failed = this.#counter('delacon_bridge_deliveries_failed_total', () => {
      for (const { name: connector } of options.connectors()) this.#failed.inc({ connector }, 0);
    });
    this.#requests = this.#counter('delacon_bridge_crm_requests_total');
    this.#lookups = this.#counter('delacon_bridge_people_lookups_total');
    this.#collectReceiving();
    this.#collectRejected();
    this.#collectConnectors();
    this.#collectStore();
    this.#collectProcess();
  }

  /** After the commit. */
  recorded(push: NewPush, { repeat, begins }: Recorded): void {
    const tally = this.#tallyOf(push.source);
    const nowMs = this.#options.clock.now().getTime();
    const receivedMs = push.receivedAt.getTime();
    tally.lastPushMs = nowMs;
    tally.outcomes[repeat ? 'repeated' : 'stored']++;
    if (begins) tally.calls++;
    this.#commits.observe(Math.max(nowMs - receivedMs, 0));
  }

  /** A push that was not taken. Its source is not known in all cases. */
  refused(outcome: Refusal, source = ''): void {
    this.#tallyOf(source).outcomes[outcome]++;
  }

  /** An attempt was settled. */
  settled(
    due: Pick<DueDelivery, 'connector' | 'dueAt' | 'failingSince' | 'isRewrite'>,
    outcome: Outcome['kind'],
    state: DeliveryState,
  ): void {
    const { connector, dueAt, failingSince, isRewrite } = due;
    this.#deliveries.inc({ connector, outcome });
    if (state === 'failed') this.#failed.inc({ connector });
    if (outcome !== 'delivered' || isRewrite) return;
    const since = Math.min(dueAt.getTime(), failingSince?.getTime() ?? Number.POSITIVE_INFINITY);
    this.#lag.observe({ connector }, Math.max(this.#options.clock.now().getTime() - since, 0) / 1000);
  }

  /** Is told what a connection does. */
  observer(connector: string): Observer {
    return {
      requested: (kind, status) =>
        this.#requests.inc({ connector, kind: this.#known(connector, kind), status: String(status) }),
      lookedUp: (found, numbers) => this.#lookups.inc({ connector, found }, numbers),
    };
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus' text format. */
  async text(): Promise<string> {
    const others = await this.#registry.metrics();
    return `${others}\n${this.#commits.text(commitDuration, definitions[commitDuration].help)}`;
  }

  #tallyOf(source: string): Tally {
    let tally = this.#tallies.get(source);
    if (!tally && source !== '' && this.#sources >= mostSources) {
      source = otherSources;
      tally = this.#tallies.get(source);
    }
    if (!tally) {
      const outcomes = {
        stored: 0,
        repeated: 0,
        unreadable: 0,
        not_stored: 0,
        unknown_token: 0,
        wrong_path: 0,
        refused_address: 0,
        rate_limited: 0,
        too_large: 0,
        not_whole: 0,
        wrong_method: 0,
        closing: 0,
      };
      tally = { calls: 0, lastPushMs: undefined, outcomes };
      this.#tallies.set(source, tally);
      if (source !== '' && source !== otherSources) this.#sources++;
    }
    return tally;
  }

  #labelOf(source: string): string {
    this.#tallyOf(source);
    return this.#tallies.has(source) ? source : otherSources;
  }

  /** The kind itself, unless a connector has named so many that they cannot be kinds. */
  #known(connector: string, kind: string): string {
    const kinds = this.#kinds.get(connector) ?? new Set();
    this.#kinds.set(connector, kinds);
    if (kinds.size < mostKinds) kinds.add(kind);
    return kinds.has(kind) ? kind : 'other';
  }

  #collectReceiving(): void {
    const { sources, store } = this.#options;
    let before: Promise<Map<string, Date>> | undefined;
    const pushes = this.#counter('delacon_bridge_pushes_total', () => {
      const configured = Object.keys(sources());
      if (configured.length <= mostSources) for (const source of configured) this.#tallyOf(source);
      pushes.reset();
      for (const [source, { outcomes }] of this.#tallies) {
        for (const [outcome, n] of Object.entries(outcomes)) {
          if (n > 0 || (source !== '' && usualOutcomes.includes(outcome))) pushes.inc({ source, outcome }, n);
        }
      }
    });
    const calls = this.#counter('delacon_bridge_calls_total', () => {
      calls.reset();
      for (const [source, tally] of this.#tallies) if (source !== '') calls.inc({ source }, tally.calls);
    });
    const last = this.#gauge('delacon_bridge_last_push_timestamp_seconds', async () => {
      before ??= store.latestPushes(lookedThrough);
      const earlier = await before;
      last.reset();
      const configured = sources();
      for (const [source, { lastPushMs }] of this.#tallies) {
        if (source !== otherSources && !Object.hasOwn(configured, source)) continue;
        const known = lastPushMs ?? earlier.get(source)?.getTime() ?? this.#startedMs;
        last.set({ source }, known / 1000);
      }
    });
  }

  #collectRejected(): void {
    const { store } = this.#options;
    const each = (name: MetricName, read: (kept: RejectedKept) => number) => {
      const gauge = this.#gauge(name, async () => {
        const kept = await store.rejectedKept();
        gauge.reset();
        for (const source of this.#tallies.keys()) if (source !== '') gauge.set({ source }, 0);
        for (const one of kept) gauge.inc({ source: this.#labelOf(one.source) }, read(one));
      });
    };
    each('delacon_bridge_rejected_bodies', ({ bodies }) => bodies);
    each('delacon_bridge_rejected_bodies_bytes', ({ bytes }) => bytes);
  }

  #collectConnectors(): void {
    const { connectors, clock } = this.#options;
    const each = (name: MetricName, set: (gauge: Gauge, of: RunningConnector) => void) => {
      const gauge = this.#gauge(name, () => {
        gauge.reset();
        for (const of of connectors()) set(gauge, of);
      });
    };
    each('delacon_bridge_connector_state', (gauge, { name: connector, condition }) => {
      const now = stateOf(condition);
      for (const state of connectorStates) gauge.set({ connector, state }, state === now ? 1 : 0);
    });
    each('delacon_bridge_lease_held', (gauge, { name: connector, condition }) =>
      gauge.set({ connector }, condition.holdsLease ? 1 : 0),
    );
    each('delacon_bridge_crm_quota_limit_requests', (gauge, { name: connector, connection: { quota } }) => {
      if (quota && quota.limit > 0) gauge.set({ connector }, quota.limit);
    });
    each(
      'delacon_bridge_crm_quota_remaining_requests',
      (gauge, { name: connector, connection: { quota } }) => {
        if (quota && quota.limit > 0) gauge.set({ connector }, quota.remaining);
      },
    );
    const fromStore = (name: MetricName, read: (backlog: Backlog) => number) => {
      const gauge = this.#gauge(name, async () => {
        const backlogs = await this.#readBacklogs();
        gauge.reset();
        for (const [connector, backlog] of backlogs) gauge.set({ connector }, read(backlog));
      });
    };
    fromStore('delacon_bridge_backlog_deliveries', ({ due }) => due);
    fromStore('delacon_bridge_failed_deliveries', ({ failed }) => failed);
    fromStore('delacon_bridge_backlog_oldest_seconds', ({ waitingSince }) =>
      waitingSince ? Math.max(clock.now().getTime() - waitingSince.getTime(), 0) / 1000 : 0,
    );
  }

  /** Once for all that is made of it, and not more often than it is worth. */
  #readBacklogs(): Promise<Map<string, Backlog>> {
    const { store, clock, connectors } = this.#options;
    const nowMs = clock.now().getTime();
    const ageMs = nowMs - (this.#backlogs?.atMs ?? Number.NEGATIVE_INFINITY);
    if (this.#backlogs && ageMs >= 0 && ageMs < backlogFreshMs) return this.#backlogs.read;
    const read = (async () => {
      const backlogs = new Map<string, Backlog>();
      for (const { name } of [...connectors()]) {
        backlogs.set(name, await store.backlog(name, countedTo));
        await new Promise(setImmediate); // pushes that came meanwhile go first
      }
      return backlogs;
    })();
    this.#backlogs = { atMs: nowMs, read };
    return read;
  }

  #collectStore(): void {
    const { store } = this.#options;
    const size = this.#gauge('delacon_bridge_store_size_bytes', async () => {
      const bytes = await store.size();
      for (const [file, n] of Object.entries(bytes)) size.set({ file }, n);
    });
  }

  #collectProcess(): void {
    const build = this.#gauge('delacon_bridge_build_info');
    const { bun, node } = process.versions;
    build.set(
      { version: packageJson.version, runtime: bun ? 'bun' : 'node', runtime_version: bun ?? node },
      1,
    );
    const cpu = this.#counter('process_cpu_seconds_total', () => {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
    });
    const resident = this.#gauge('process_resident_memory_bytes', () =>
      resident.set(process.memoryUsage.rss()),
    );
    const heap = this.#gauge('process_heap_bytes', () => heap.set(process.memoryUsage().heapUsed));
    const files = this.#gauge('process_open_fds', async () => {
      const open = await readdir('/proc/self/fd').catch(() => null);
      if (open) files.set(open.length - 1); // without the one that reads the list
    });
    const start = this.#gauge('process_start_time_seconds');
    start.set(Math.round(performance.timeOrigin / 1000));
  }

  #counter(name: MetricName, collect = () => {}): Counter {
    return new Counter({ ...this.#form(name), collect });
  }

  #gauge(name: MetricName, collect: () => void | Promise<void> = () => {}): Gauge {
    return new Gauge({ ...this.#form(name), collect });
  }

  #histogram(name: MetricName): Histogram {
    const { buckets = [] }: Definition = definitions[name];
    return new Histogram({ ...this.#form(name), buckets: [...buckets] });
  }

  #form(name: MetricName) {
    const { help, labels }: Definition = definitions[name];
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }
}

function stateOf({
  holdsLease,
  isPaused,
  blockedSince,
  openSince,
  isThrifty,
}: WorkerCondition): (typeof connectorStates)[number] {
  if (!holdsLease) return 'standby';
  if (isPaused) return 'paused';
  if (blockedSince) return 'blocked';
  if (openSince) return 'open';
  return isThrifty ? 'thrifty' : 'working';
}
