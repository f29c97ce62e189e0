import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import type { DestinationStream } from 'pino';
import { AlertWatch } from './alert/watch.ts';
import { linkDigest, madeOperatorToken, pushTokens, signInLink } from './bridge/made-tokens.ts';
import { openConnection } from './bridge/open-connection.ts';
import { type Clock, sleep, systemClock } from './clock.ts';
import { type Config, loadConfig } from './config/load.ts';
import { ConfigProblems } from './config/problems.ts';
import { connectorsFor, deliveryOf } from './config/read-call.ts';
import type { ConnectorSettings, Settings } from './config/settings.ts';
import type { Connection } from './connector/contract.ts';
import { RateLimits } from './connector/rate-limit.ts';
import { Worker } from './deliver/worker.ts';
import { createLog, type Log, redactor, secretHider } from './log.ts';
import { Metrics } from './metrics/metrics.ts';
import { metricsRoutes } from './metrics/routes.ts';
import { Access, securityHeaders } from './operator/access.ts';
import { Api } from './operator/api.ts';
import { indexedCall, readingsOf } from './operator/indexed-call.ts';
import { Live } from './operator/live.ts';
import { Operator } from './operator/operator.ts';
import { pageRoutes } from './operator/page.ts';
import { OperatorProblem } from './operator/problem.ts';
import { pathBelow, publicPath, underPublicPath } from './operator/public-path.ts';
import { readinessOf, statusRoutes } from './operator/status.ts';
import { AddressList } from './receive/addresses.ts';
import { Ledger } from './receive/ledger.ts';
import { PushRate } from './receive/rate-limit.ts';
import { noteWrongPath, type ReceiveOptions, type Receiving, receiveRoutes } from './receive/routes.ts';
import { TokenTable } from './receive/tokens.ts';
import { type Listening, listen, peerOf } from './runtime/serve.ts';
import { watchFiles } from './runtime/watch-files.ts';
import { dataDirOf, openStore } from './store/open.ts';
import type { NewPush, Recorded, Store } from './store/store.ts';
import { IndexSweep } from './sweep/index-sweep.ts';
import { LapseSweep } from './sweep/lapse-sweep.ts';
import { RetentionSweep } from './sweep/retention-sweep.ts';
import { counted } from './text/plural.ts';

/** A running bridge. */
export interface Bridge {
  /** Where it listens: `http://127.0.0.1:8080`. */
  url: string;
  settings: Settings;
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

export interface PushUrls {
  source: string;
  /** Takes both kinds. */
  single: string;
  create: string;
  update: string;
}

export function pushUrlsOf(source: string, base: string, token: string): PushUrls {
  const single = `${base.replace(/\/+$/, '')}/push/${token}`;
  return { source, single, create: `${single}/create`, update: `${single}/update` };
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
 * operator: ConfigProblems, or a sentence on the store or the port.
 */
export async function startBridge(options: StartOptions): Promise<Bridge> {
  const clock = options.clock ?? systemClock;
  const machine: Machine = { load, openStore, listen, watchFiles, logTo: undefined, ...options.machine };
  const readAt = Date.now(); // files are dated by the machine's own clock
  let loaded = await machine.load(options);
  const { store: storeSettings, listen: listenSettings } = loaded.settings;
  let files = loaded.files;
  const started = readAtStartOnly(loaded.settings);
  const dataDir = dataDirOf(storeSettings.url);
  // Those of before a reload stay hidden: Delacon may use an old token for a while.
  const secrets = new Set<string>();
  let redact = (text: string) => text;
  let hide = redact;
  const hideSecrets = () => {
    const made = [...Object.values(tokens).flat(), operatorToken];
    for (const secret of [...loaded.secrets, ...made]) secrets.add(secret);
    redact = redactor([...secrets]);
    hide = secretHider([...secrets]);
  };
  const log = options.log ?? createLog(loaded.settings.log.level, (line) => redact(line), machine.logTo);
  const store = await machine.openStore(storeSettings.url, 'bridge');
  const readiness = readinessOf(store);
  const tokensFor = async (settings: Settings) => ({
    push: await pushTokens(settings, {
      store,
      dataDir,
      moved: (file) =>
        log.warn(
          `The push token of ${file} is in the store from now on, and the file is gone. Make a new backup: those of before do not hold it.`,
        ),
    }),
    operator: settings.operator.token ?? (await madeOperatorToken({ store })),
  });
  let { push: tokens, operator: operatorToken } = await tokensFor(loaded.settings).catch(async (reason) => {
    await store.close();
    throw reason;
  });
  hideSecrets();
  tellWarnings(loaded.warnings, log);
  const holder = randomUUID();
  const limits = new RateLimits(clock);
  const workers = new Map<string, { worker: Worker; connection: Connection; settings: ConnectorSettings }>();
  let receiving = receivingOf(loaded.settings, tokens, clock.now());
  const route = (state: Parameters<typeof connectorsFor>[1]) => connectorsFor(loaded.settings, state);
  const wake = (connectors: Iterable<string>) => {
    for (const name of connectors) workers.get(name)?.worker.wake();
    index.wake();
  };
  const metrics = new Metrics({
    store,
    clock,
    sources: () => loaded.settings.sources,
    connectors: () =>
      [...workers].map(([name, { worker, connection }]) => ({
        name,
        connection,
        condition: worker.condition,
      })),
  });
  /** After somebody changed something: what is due, or whether a connector is paused. */
  const lookAgain = (connectors: Iterable<string>) => {
    for (const name of connectors) workers.get(name)?.worker.lookAgain();
    index.wake();
  };
  const sweep = new LapseSweep({ store, clock, log, route, wake });
  /** After the commit. */
  const taken = (push: NewPush, { due, state }: Recorded) => {
    wake(due);
    if (!state.endReceivedAt) sweep.expect(push.receivedAt.getTime() + push.lapseAfterMs);
  };
  const retention = new RetentionSweep({ store, clock, log, kept: () => loaded.settings.retention });
  const alerts = new AlertWatch({
    store,
    holder,
    settings: () => loaded.settings,
    clock,
    log,
    redact: (text) => redact(text),
  });

  let baseUrl = '';
  let folder = publicPath(loaded.settings.listen.publicUrl);
  const pushUrls = (source: string) =>
    pushUrlsOf(source, loaded.settings.listen.publicUrl ?? baseUrl, tokens[source]?.[0] ?? '');
  const operator = new Operator({
    store,
    settings: () => loaded.settings,
    clock,
    async withConnection(name, use) {
      const running = workers.get(name);
      if (!running)
        throw new OperatorProblem('conflict', `The connector ${name} is just starting: try again.`);
      return use(running.connection);
    },
    running(name) {
      const quota = workers.get(name)?.connection.quota;
      if (!quota) return undefined;
      return {
        quota: quota.limit > 0 ? { remaining: quota.remaining, limit: quota.limit } : null,
        isThrifty: quota.isLow,
      };
    },
    pushUrls,
    taken,
    wake: lookAgain,
    readiness,
  });
  const access = new Access({
    settings: () => loaded.settings,
    operatorToken: () => operatorToken,
    useLink: (code) => store.useSignInLink(linkDigest(code), clock.now()),
    peer: peerOf,
    clock,
    log,
  });
  const api = new Api({ operator, access, log });
  let read = { under: loaded.settings, readings: readingsOf(loaded.settings) };
  const index = new IndexSweep({
    store,
    clock,
    log,
    reading() {
      const { settings } = loaded;
      if (read.under !== settings) read = { under: settings, readings: readingsOf(settings) };
      return { readings: read.readings, read: (state) => indexedCall(settings, state) };
    },
    indexed: (calls) => operator.changed.calls(calls),
  });
  const ledger = new Ledger({
    store,
    clock,
    log,
    bytesPerSource: () => loaded.settings.retention.rejectedBytes,
    written: () => operator.changed.rejected(),
  });
  const live = new Live(clock, (changed) => operator.changes(changed));

  async function startConnector(name: string, settings: ConnectorSettings): Promise<void> {
    const onlooker = metrics.onlooker(name);
    const connection = await openConnection(name, settings, { store, clock, log, dataDir, onlooker, limits });
    const worker = new Worker({
      connector: name,
      connection,
      store,
      holder,
      schedule: loaded.settings.delivery,
      clock,
      log,
      ...options.lease,
      read: (due) => deliveryOf(loaded.settings, due),
      hide: (text) => hide(text),
      settled(due, outcome, state) {
        metrics.settled(due, outcome, state);
        operator.changed.calls([due.state]);
        operator.changed.connectors();
      },
    });
    workers.set(name, { worker, connection, settings });
    worker.start();
    operator.changed.connectors();
  }

  async function stopConnector(name: string): Promise<void> {
    const running = workers.get(name);
    workers.delete(name);
    await running?.worker.stop();
  }

  /** Takes a changed configuration over, and says what of it waits for the next start. */
  async function reload(): Promise<void> {
    let next: Config;
    let nextTokens: Awaited<ReturnType<typeof tokensFor>>;
    try {
      next = await machine.load(options);
      nextTokens = await tokensFor(next.settings);
    } catch (problem) {
      if (problem instanceof ConfigProblems) files = [...new Set([...loaded.files, ...problem.files])];
      log.error(`The changed configuration was not taken over:\n${(problem as Error).message}`);
      return;
    }
    ({ push: tokens, operator: operatorToken } = nextTokens);
    const schedule = JSON.stringify(loaded.settings.delivery) === JSON.stringify(next.settings.delivery);
    loaded = next;
    files = next.files;
    folder = publicPath(next.settings.listen.publicUrl);
    hideSecrets();
    tellWarnings(next.warnings, log);
    receiving = { ...receivingOf(next.settings, tokens, clock.now()), closing: receiving.closing };
    for (const [name, { settings }] of workers) {
      const wanted = next.settings.connectors[name];
      if (wanted && schedule && JSON.stringify(wanted.raw) === JSON.stringify(settings.raw)) continue;
      await stopConnector(name);
    }
    for (const [name, settings] of Object.entries(next.settings.connectors)) {
      if (!workers.has(name))
        await startConnector(name, settings).catch((reason) =>
          // The others go on, and so does receiving; its calls wait.
          log.error({ connector: name, err: reason }, 'Not started: mend it, and restart the bridge.'),
        );
    }
    index.wake(); // calls may be read otherwise from now on
    const now = readAtStartOnly(next.settings);
    const waiting = Object.keys(now).filter((name) => now[name] !== started[name]);
    if (waiting.length === 0) log.info('The changed configuration is in force.');
    else
      log.warn(
        `The changed configuration is in force, but for ${waiting.join(', ')}: restart the bridge for that.`,
      );
  }

  let server: Listening;
  let unwatch = () => {};
  try {
    for (const [name, settings] of Object.entries(loaded.settings.connectors))
      await startConnector(name, settings);
    const getPath = pathBelow(() => folder);
    const app = new Hono({ getPath });
    const receive: ReceiveOptions = {
      current: () => receiving,
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
    };
    app.route('/', receiveRoutes(receive));
    const others = new Hono({ getPath });
    others.use(
      underPublicPath(() => folder),
      securityHeaders,
    );
    others.route('/', api.routes);
    others.route('/', metricsRoutes(metrics, access));
    others.route('/', statusRoutes(readiness));
    // Before the page, which sends whoever is not signed in to where that is done: a sender that follows takes it for a yes.
    others.post('/', (context) => context.notFound());
    others.route(
      '/',
      pageRoutes({ operator, access, live, settings: () => loaded.settings, now: () => clock.now(), log }),
    );
    others.notFound(async (context) => {
      await noteWrongPath(context, receive);
      return context.json({ error: 'There is nothing here.' }, 404);
    });
    // Pushes go past all this: what every other answer gets would cost each of them.
    app.notFound((context) => others.fetch(context.req.raw, context.env));
    for (const routes of [app, others])
      routes.onError(async (reason, context) => {
        log.error({ err: reason }, 'A request failed.');
        const refusing = await readiness();
        return refusing === null
          ? context.json({ error: 'An unexpected error.' }, 500)
          : context.json({ error: refusing }, 503);
      });
    server = await machine.listen(app, listenSettings.host, listenSettings.port, loaded.settings.receive);
    sweep.start();
    retention.start();
    alerts.start();
    index.start();
    const unwatchStore = store.watch(() => {
      lookAgain(workers.keys());
      sweep.expect(clock.now().getTime()); // what was read again may have lapsed meanwhile
      operator.changed.connectors();
      operator.changed.rejected();
    });
    const unwatchFiles = machine.watchFiles(() => files, readAt, reload);
    unwatch = () => {
      unwatchStore();
      unwatchFiles();
    };
  } catch (reason) {
    for (const name of [...workers.keys()]) await stopConnector(name);
    await store.close();
    throw reason;
  }

  async function stopServing(): Promise<void> {
    unwatch();
    live.close();
    api.close();
    await server.stop();
    await ledger.close();
  }

  async function stopWorking(): Promise<void> {
    await sweep.stop();
    await retention.stop();
    await alerts.stop();
    await index.stop();
    await Promise.all([...workers.keys()].map(stopConnector));
  }

  const lost = store.lost.then(async (why) => {
    log.error(why);
    // So that whoever looks can read why, page and `/readyz` stay for a moment.
    await Promise.all([stopWorking(), sleep(systemClock, lastWordsMs)]);
    // First of all: somebody who takes this long may send a body still, and somebody else may kill what does not end.
    const saved = await store
      .rescue()
      .catch((reason: Error) => `What it held could not be saved: ${reason.message}`);
    log.error(saved);
    await stopServing();
    await store.close();
    return `${why}\n${saved}`;
  });

  const host =
    listenSettings.host === '0.0.0.0' || listenSettings.host === '::' ? '127.0.0.1' : listenSettings.host;
  baseUrl = `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`;
  await store.keep(listensAt, baseUrl).catch((reason) => log.warn({ err: reason }, 'No link can be shown.'));
  return {
    url: baseUrl,
    settings: loaded.settings,
    configFile: loaded.file,
    store,
    operator,
    pushUrls,
    lost,
    signInLink: () => signInLink(store, loaded.settings.listen.publicUrl ?? baseUrl, clock.now()),
    async stop() {
      receiving = { ...receiving, closing: true };
      await stopServing();
      await stopWorking();
      await store.close();
    },
  };
}

async function load({ configPath, env, overrides }: StartOptions): Promise<Config> {
  const loaded = await loadConfig(configPath, { env });
  if (overrides?.port !== undefined) loaded.settings.listen.port = overrides.port;
  if (overrides?.storeUrl !== undefined) loaded.settings.store.url = overrides.storeUrl;
  return loaded;
}

/** Thousands of sources may lack the same thing. */
const mostWarnings = 20;

function tellWarnings(warnings: readonly string[], log: Log): void {
  for (const warning of warnings.slice(0, mostWarnings)) log.warn(warning);
  const more = warnings.length - mostWarnings;
  if (more > 0) log.warn(`${counted(more, 'further warning')}: delacon-bridge check has them all.`);
}

/** Settings that a bridge which runs goes on with, though they were changed. */
function readAtStartOnly({ listen, store, receive, log }: Settings): Record<string, unknown> {
  return {
    'listen.host': listen.host,
    'listen.port': listen.port,
    'store.url': store.url,
    'receive.timeout': receive.timeoutMs,
    'log.level': log.level,
  };
}

function receivingOf(settings: Settings, tokens: Record<string, string[]>, now: Date): Receiving {
  const withTokens = Object.entries(tokens).map(([name, list]) => [name, { tokens: list }] as const);
  return {
    tokens: new TokenTable(Object.fromEntries(withTokens)),
    sources: new Map(
      Object.entries(settings.sources).map(([name, source]) => [
        name,
        {
          allowFrom: new AddressList(source.allowFrom),
          rate: source.rateLimit === undefined ? undefined : new PushRate(source.rateLimit, now.getTime()),
          lapseAfterMs: source.lapseAfterMs,
        },
      ]),
    ),
    proxies: new AddressList(settings.listen.trustedProxies),
    ...settings.receive,
    closing: false,
  };
}
