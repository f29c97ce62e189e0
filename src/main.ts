import { randomUUID } from 'node:crypto';
import type { DestinationStream } from 'pino';
import { AlertWatch } from './alert/watch.ts';
import { Configuration } from './bridge/configuration.ts';
import { linkDigest, signInLink } from './bridge/made-tokens.ts';
import { type PushUrls, pushUrlsOf } from './bridge/push-urls.ts';
import { RunningConnectors } from './bridge/running-connectors.ts';
import { serverApp } from './bridge/server.ts';
import { Started } from './bridge/started.ts';
import { type Clock, sleep, systemClock } from './clock.ts';
import { type Config, loadConfig } from './config/load.ts';
import { connectorsFor } from './config/read-call.ts';
import type { Settings } from './config/settings.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics/metrics.ts';
import { metricsRoutes } from './metrics/routes.ts';
import { Access } from './operator/access.ts';
import { Api } from './operator/api.ts';
import { Changes } from './operator/changes.ts';
import { indexedCall, readingsOf } from './operator/indexed-call.ts';
import { Live } from './operator/live.ts';
import { Operator } from './operator/operator.ts';
import { pageRoutes } from './operator/page.ts';
import { readinessOf } from './operator/status.ts';
import { Ledger } from './receive/ledger.ts';
import { listen, peerOf } from './runtime/serve.ts';
import { watchFiles } from './runtime/watch-files.ts';
import type { NewPush, Recorded } from './store/intake.ts';
import { openStore } from './store/open.ts';
import type { Store } from './store/store.ts';
import { IndexSweep } from './sweep/index-sweep.ts';
import { LapseSweep } from './sweep/lapse-sweep.ts';
import { RetentionSweep } from './sweep/retention-sweep.ts';

/** A running bridge. */
export interface Bridge {
  /** Where it listens: `http://127.0.0.1:8080`. */
  url: string;
  /** Those in force now. */
  readonly settings: Settings;
  /** The user's configuration. Undefined: there is none, and the built-in settings are in force. */
  configFile: string | undefined;
  store: Store;
  /** What can be asked and done. */
  operator: Operator;
  /** What to paste into the Delacon portal. */
  pushUrls(source: string): PushUrls;
  /** An address that signs a browser in, once and soon. A secret. */
  signInLink(): Promise<string>;
  /** Resolves with a sentence when the store was lost: what could be saved has been, and the process must end at once. */
  readonly lost: Promise<string>;
  /** Stops taking, finishes what was taken, settles what is in flight or leaves it due, closes. */
  stop(): Promise<void>;
}

export interface StartOptions {
  configPath: string | undefined;
  env: Record<string, string | undefined>;
  overrides?: { port?: number; storeUrl?: string };
  /** Instead of one made from `log.level`. */
  log?: Log;
  /** Instead of the machine's. */
  clock?: Clock;
  /** For how long a connector is leased, and how often that is renewed. */
  lease?: { leaseMs: number; renewMs: number };
  /** Instead of the machine's own, as a simulation has them. */
  machine?: Partial<Machine>;
}

/** What a bridge needs of the machine that it runs on, beside the time. */
export interface Machine {
  /** Reads the configuration. @throws ConfigProblems */
  load(options: StartOptions): Promise<Config>;
  openStore: typeof openStore;
  listen: typeof listen;
  /** Where log lines go. Undefined: standard output. */
  logTo: DestinationStream | undefined;
  watchFiles: typeof watchFiles;
}

/** What the store keeps for commands: the address of the bridge that runs on it, or that ran last. */
export const listensAt = 'listens at';

/** How long a bridge whose store is lost says so before it ends. */
const lastWordsMs = 3_000;

/**
 * Starts everything, in this order: configuration, store, connectors, receiving. What it throws has a message for the
 * operator: ConfigProblems, or a sentence on the store or the port; whatever had been started by then is ended.
 */
export async function startBridge(options: StartOptions): Promise<Bridge> {
  const clock = options.clock ?? systemClock;
  const machine: Machine = { load, openStore, listen, watchFiles, logTo: undefined, ...options.machine };
  const readAt = Date.now(); // files are dated by the machine's own clock
  const configuration = await Configuration.load({
    load: () => machine.load(options),
    now: () => clock.now(),
    log: options.log,
    logTo: machine.logTo,
  });
  const { log } = configuration;
  const settings = () => configuration.settings;
  const { host, port } = settings().listen;
  const store = await machine.openStore(settings().store.url, 'bridge');
  const working = new Started();
  const serving = new Started();
  const end = async () => {
    await serving.end();
    await working.end();
    await store.close();
  };

  try {
    await configuration.useStore(store);
    const holder = randomUUID();
    const changes = new Changes(clock);
    const readiness = readinessOf(store);
    const route = (state: Parameters<typeof connectorsFor>[1]) => connectorsFor(settings(), state);

    const metrics: Metrics = new Metrics({
      store,
      clock,
      sources: () => settings().sources,
      connectors: () => connectors.conditions(),
    });
    const connectors = new RunningConnectors({
      store,
      configuration,
      clock,
      holder,
      lease: options.lease,
      observer: (name) => metrics.observer(name),
      settled(due, outcome, state) {
        metrics.settled(due, outcome, state);
        changes.calls([due.state]);
        changes.connectors();
      },
      started: () => changes.connectors(),
    });
    const index = new IndexSweep({
      store,
      clock,
      log,
      reading: () => {
        const now = settings();
        return { readings: readingsOf(now), read: (state) => indexedCall(now, state) };
      },
      indexed: (calls) => changes.calls(calls),
    });
    const wake = (names: Iterable<string>) => {
      connectors.wake(names);
      index.wake();
    };
    const lookAgain = (names: Iterable<string>) => {
      connectors.lookAgain(names);
      index.wake();
    };
    const lapses = new LapseSweep({ store, clock, log, route, wake });
    const retention = new RetentionSweep({ store, clock, log, kept: () => settings().retention });
    const alerts = new AlertWatch({ store, holder, settings, clock, log, redact: configuration.redact });
    const ledger = new Ledger({
      store,
      clock,
      log,
      bytesPerSource: () => settings().retention.rejectedBytes,
      written: () => changes.rejected(),
    });
    /** After the commit. */
    const taken = (push: NewPush, { due, state }: Recorded) => {
      wake(due);
      if (!state.endReceivedAt) lapses.expect(push.receivedAt.getTime() + push.lapseAfterMs);
    };

    let url = '';
    const baseUrl = () => settings().listen.publicUrl ?? url;
    const pushUrls = (source: string) => pushUrlsOf(source, baseUrl(), configuration.pushTokenOf(source));
    const operator = new Operator({
      store,
      settings,
      clock,
      changes,
      withConnection: (name, use) => connectors.withConnection(name, use),
      running: (name) => connectors.quotaOf(name),
      pushUrls,
      taken,
      wake: lookAgain,
      readiness,
    });
    const access = new Access({
      settings,
      operatorToken: () => configuration.operatorToken,
      useLink: (code) => store.useSignInLink(linkDigest(code), clock.now()),
      peer: peerOf,
      clock,
      log,
    });
    const api = new Api({ operator, access, log });
    const live = new Live(clock, (changed) => changes.listen(changed));
    const app = serverApp({
      publicFolder: () => configuration.publicFolder,
      receive: {
        current: () => configuration.receiving,
        record: (push) => store.record(push),
        route,
        recorded(push, recorded) {
          metrics.recorded(push, recorded);
          taken(push, recorded);
        },
        async refused(push) {
          await ledger.note(push);
          metrics.refused(push.cause, push.source);
        },
        peer: peerOf,
        clock,
        log,
      },
      readiness,
      api: api.routes,
      metrics: metricsRoutes(metrics, access),
      page: pageRoutes({ operator, access, live, settings, now: () => clock.now(), log }),
      log,
    });

    working.add(() => connectors.stopAll());
    await connectors.startAll();
    for (const one of [index, alerts, retention, lapses]) {
      one.start();
      working.add(() => one.stop());
    }
    serving.add(() => ledger.close());
    const server = await machine.listen(app, host, port, settings().receive);
    serving.add(() => server.stop());
    serving.add(() => {
      live.close();
      api.close();
    });
    serving.add(
      store.watch(() => {
        lookAgain(connectors.names);
        lapses.expect(clock.now().getTime()); // what was read again may have lapsed meanwhile
        changes.connectors();
        changes.rejected();
      }),
    );
    const reload = async () => {
      const reloaded = await configuration.reload();
      if (!reloaded) return;
      await connectors.follow(reloaded.before);
      index.wake(); // calls may be read otherwise from now on
      configuration.tellInForce();
    };
    serving.add(machine.watchFiles(() => configuration.files, readAt, reload));

    url = urlOf(host, server.port);
    await store.keep(listensAt, url).catch((reason) => log.warn({ err: reason }, 'No link can be shown.'));
    return {
      url,
      get settings() {
        return settings();
      },
      configFile: configuration.file,
      store,
      operator,
      pushUrls,
      signInLink: () => signInLink(store, baseUrl(), clock.now()),
      lost: store.lost.then((why) => endWithoutStore(why, { store, working, end, log })),
      async stop() {
        configuration.close();
        await end();
      },
    };
  } catch (reason) {
    await end();
    throw reason;
  }
}

interface WithoutStore {
  store: Pick<Store, 'rescue'>;
  working: Started;
  end(): Promise<void>;
  log: Log;
}

/** Saves what it can of a store that was lost. Returns what is to be said of it. */
async function endWithoutStore(why: string, { store, working, end, log }: WithoutStore): Promise<string> {
  log.error(why);
  // So that whoever looks can read why, page and `/readyz` stay for a moment.
  await Promise.all([working.end(), sleep(systemClock, lastWordsMs)]);
  // First of all: somebody who takes this long may send a body still, and somebody else may kill what does not end.
  const saved = await store
    .rescue()
    .catch((reason: Error) => `What it held could not be saved: ${reason.message}`);
  log.error(saved);
  await end();
  return `${why}\n${saved}`;
}

async function load({ configPath, env, overrides }: StartOptions): Promise<Config> {
  const loaded = await loadConfig(configPath, { env });
  if (overrides?.port !== undefined) loaded.settings.listen.port = overrides.port;
  if (overrides?.storeUrl !== undefined) loaded.settings.store.url = overrides.storeUrl;
  return loaded;
}

/** Where somebody on this machine finds it. */
function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
