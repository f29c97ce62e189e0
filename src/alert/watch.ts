import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config/settings.ts';
import { Wakeup } from '../deliver/wakeup.ts';
import type { Log } from '../log.ts';
import type { CallIndex } from '../store/call-index.ts';
import type { ConnectorMemory } from '../store/connector-memory.ts';
import type { ConnectorStates } from '../store/connector-state.ts';
import type { Backlog } from '../store/deliveries.ts';
import type { Lease, Leases } from '../store/leases.ts';
import type { Store } from '../store/store.ts';
import { type Channel, SendFailed } from './channel.ts';
import { type Condition, conditionsOf, countedTo, type Facts, isWatched, recoveryOf } from './conditions.ts';
import { channelsOf } from './configured-channels.ts';
import { countCalls, digestLines, digestTitle, type Period, periodBefore } from './digest.ts';
import { durationText, type Notice, oneLine, timeText, type What } from './notice.ts';

/** Under this name lease and state lie in the store. No connector can be called so. */
const own = '(alerts)';
const lookEveryMs = 60_000;
/** Outlasts a look whose sending takes as long as it may. */
const leaseMs = 3 * lookEveryMs;
/** What is over comes back at times: for so long it must stay away before that is told. */
const calmMs = 5 * 60_000;
const retryMs = [30_000, 60_000, 5 * 60_000, 15 * 60_000, 3_600_000];
/** A notice that nobody could be told in this time would only mislead. */
const givenUpAfterMs = 24 * 3_600_000;
const mostWaiting = 200;
/** A digest that is later than this, since the bridge did not run, is left out. */
const digestLateMs = 12 * 3_600_000;
/** So long it waits for the index of calls, such as while that is built after an update. */
const indexLateMs = 3_600_000;
/** Among how many of the latest pushes each source's last one is looked for. */
const pushesLookedAt = 10_000;

/** A condition that was told, or waits to be. */
interface Open {
  what: What;
  of: string;
  since: number;
  toldAt: number;
  /** When it was first found to be over. */
  goneAt: number | null;
}

/** What is kept in the store, as JSON: a restart repeats nothing and forgets nothing. */
interface State {
  open: Open[];
  /** Notices on their way, oldest first. */
  waiting: { notice: Notice; to: Channel['name'][] }[];
  /** By source: its latest push, or when it was first looked at. */
  heardAt: Record<string, number>;
  /** End of the last period that a digest covered. */
  digestTo: number | null;
}

export interface AlertWatchOptions {
  store: Leases &
    ConnectorStates &
    ConnectorMemory &
    CallIndex &
    Pick<Store, 'backlog' | 'latestPushes' | 'tallyRejected' | 'checkWritable'>;
  /** Names this process in leases. */
  holder: string;
  settings(): Settings;
  clock: Clock;
  log: Log;
  /** Removes secrets and the middle of numbers from a text. */
  redact(text: string): string;
}

/**
 * Tells people what they should know without looking: once a minute it looks at how things are, opens a condition for
 * what is wrong and closes it when that is over. Notices are put down in the store together with what they tell of,
 * and then sent; what cannot be sent waits and is tried again. Receiving and delivering know nothing of it.
 *
 * Killed between a sending and its note in the store, it sends that notice again, under the same id.
 */
export class AlertWatch {
  readonly #options: AlertWatchOptions;
  readonly #wakeup: Wakeup;
  readonly #abort = new AbortController();
  readonly #resting = new Map<Channel['name'], { failures: number; untilMs: number }>();
  #lease: Lease | null = null;
  #state: State | undefined;
  #saved = '';
  /** Connectors with an old backlog at the look before. */
  #lateBefore: ReadonlySet<string> = new Set();
  #nextLookMs = 0;
  #period: (Period & { of: string; next: Date }) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: AlertWatchOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#wakeup.ring();
    await this.#running;
    if (this.#lease) await this.#options.store.releaseLease(this.#lease).catch(() => {});
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    while (!this.#abort.signal.aborted) {
      let next = new Date(clock.now().getTime() + lookEveryMs);
      try {
        next = await this.step();
      } catch (reason) {
        log.error({ err: reason }, 'Alerts failed; they go on in a minute.');
      }
      await this.#wakeup.wait(next);
    }
  }

  /** Looks, if it is time to, and sends what waits. Returns when to go on. */
  async step(): Promise<Date> {
    const { clock, settings } = this.#options;
    const { alerts, listen } = settings();
    const { timezone } = alerts;
    const channels = channelsOf(alerts, { timezone, publicUrl: listen.publicUrl }, clock);
    const later = new Date(clock.now().getTime() + lookEveryMs);
    if (channels.length === 0 || !(await this.#holdLease())) return later;
    this.#state ??= await this.#recall();
    const state = this.#state;
    const waitMs = this.#nextLookMs - clock.now().getTime(); // more than a minute where the clock was set back
    if (waitMs <= 0 || waitMs > lookEveryMs) {
      await this.#look(state, channels);
      await this.#save(state);
      this.#nextLookMs = clock.now().getTime() + lookEveryMs;
      if (alerts.digest !== undefined) {
        const { next } = this.#periodBefore(clock.now(), alerts.digest, timezone);
        this.#nextLookMs = Math.min(this.#nextLookMs, next.getTime());
      }
    }
    await Promise.all(channels.map((channel) => this.#send(channel, state)));
    const sendMs = channels
      .filter(({ name }) => state.waiting.some(({ to }) => to.includes(name)))
      .map(({ name }) => this.#resting.get(name)?.untilMs ?? 0);
    return new Date(Math.min(this.#nextLookMs, ...sendMs));
  }

  /** One instance looks and sends. */
  async #holdLease(): Promise<boolean> {
    const { store, holder, clock } = this.#options;
    const now = clock.now();
    if (this.#lease) {
      // A store that takes no write takes no lease away either, and just that is to be told.
      const isHeld = await store.renewLease(this.#lease, now, leaseMs).catch(() => true);
      if (isHeld) return true;
      this.#lease = null;
      this.#state = undefined;
    }
    this.#lease = await store.acquireLease(own, holder, now, leaseMs);
    return this.#lease !== null;
  }

  async #recall(): Promise<State> {
    const fresh: State = { open: [], waiting: [], heardAt: {}, digestTo: null };
    const text = (await this.#options.store.recall(own, ['state'])).get('state');
    if (text === undefined) return fresh;
    this.#saved = text;
    const state = { ...fresh, ...(JSON.parse(text) as Partial<State>) };
    for (const { notice } of state.waiting) notice.at = new Date(notice.at);
    return state;
  }

  async #save(state: State): Promise<void> {
    const text = JSON.stringify(state);
    if (text === this.#saved) return;
    try {
      await this.#options.store.remember(own, new Map([['state', text]]));
      this.#saved = text;
    } catch (reason) {
      this.#options.log.warn(
        { err: reason },
        'The store could not take what was told; a restart may repeat it.',
      );
    }
  }

  async #look(state: State, channels: readonly Channel[]): Promise<void> {
    const { clock, settings, log } = this.#options;
    const all = settings();
    const { alerts } = all;
    const tell = (notice: Omit<Notice, 'id' | 'at'>) => {
      state.waiting.push({ notice: this.#notice(notice), to: channels.map(({ name }) => name) });
    };

    const facts = await this.#facts(state);
    const now = clock.now();
    this.#compare(state, conditionsOf(facts, alerts, now), tell);

    await this.#digest(state, facts, tell);

    const names = channels.map(({ name }) => name);
    for (const one of state.waiting) one.to = one.to.filter((name) => names.includes(name)); // some are gone by a reload
    state.waiting = state.waiting.filter(({ to }) => to.length > 0);
    while (state.waiting.length > mostWaiting) {
      const dropped = state.waiting.shift();
      log.error({ notice: dropped?.notice.title }, 'Too many notices wait: the oldest was given up.');
    }
  }

  /** It covers whole periods, each once. */
  async #digest(state: State, facts: Facts, tell: (notice: Omit<Notice, 'id' | 'at'>) => void) {
    const { store, clock, settings } = this.#options;
    const { digest, timezone } = settings().alerts;
    if (digest === undefined) {
      state.digestTo = null;
      return;
    }
    const period = this.#periodBefore(clock.now(), digest, timezone);
    const toMs = period.to.getTime();
    const lateMs = clock.now().getTime() - toMs;
    const isNew = state.digestTo !== null && toMs > state.digestTo;
    if (isNew && lateMs < digestLateMs) {
      const isComplete = await store.indexCovers(period.to);
      if (!isComplete && lateMs < indexLateMs) return; // the next look may find it so
      const counts = await countCalls(period, store, this.#abort.signal);
      if (!counts) return; // the bridge stops: the next start sends it
      const backlogs = new Map(facts.connectors.map(({ name, backlog }) => [name, backlog]));
      const lines = digestLines(period, counts, backlogs, timezone, isComplete);
      tell({ kind: 'digest', about: null, title: digestTitle(counts), lines });
    }
    state.digestTo = Math.max(toMs, state.digestTo ?? 0);
  }

  /** The same one all day, and a time zone's arithmetic is dear. */
  #periodBefore(now: Date, digest: string, timezone: string): Period & { next: Date } {
    const of = `${digest} ${timezone}`;
    let known = this.#period;
    if (known?.of !== of || now < known.to || now >= known.next) {
      known = { of, ...periodBefore(now, digest, timezone) };
      this.#period = known;
    }
    return known;
  }

  async #facts(state: State): Promise<Facts> {
    const { store, settings, clock } = this.#options;
    const { connectors, sources, alerts } = settings();
    const { rejectedMs, silentForMs } = alerts;
    const storeFails = await store.checkWritable().then(
      () => null,
      (reason: Error) => reason.message,
    );
    const states = await store.connectorStates();
    const blockedOf = (name: string) => {
      const known = states.find(({ connector }) => connector === name);
      return known?.blockedReason ? { reason: known.blockedReason, since: known.since } : null;
    };
    const openReasonOf = (name: string) =>
      states.find(({ connector }) => connector === name)?.openReason ?? null;
    const looked: Facts['connectors'] = [];
    for (const name of Object.keys(connectors)) {
      const backlog: Backlog = await store.backlog(name, countedTo);
      looked.push({ name, blocked: blockedOf(name), openReason: openReasonOf(name), backlog });
    }
    // A look through thousands, for those who want to be told.
    const latest = silentForMs === undefined ? new Map() : await store.latestPushes(pushesLookedAt);
    const heardAt: State['heardAt'] = {};
    for (const name of Object.keys(sources)) {
      const before = state.heardAt[name] ?? clock.now().getTime();
      heardAt[name] = Math.max(latest.get(name)?.getTime() ?? 0, before);
    }
    state.heardAt = heardAt;
    return {
      connectors: looked,
      sources: Object.values(sources).map(({ name, timezone }) => ({
        name,
        timezone,
        heardAt: new Date(heardAt[name] as number),
      })),
      rejected:
        rejectedMs === undefined
          ? []
          : await store.tallyRejected(new Date(clock.now().getTime() - rejectedMs)),
      storeFails,
    };
  }

  /** Opens what is new, reminds of what goes on, closes what has been over for a while. */
  #compare(
    state: State,
    found: readonly Condition[],
    tell: (notice: Omit<Notice, 'id' | 'at'>) => void,
  ): void {
    const { clock, settings } = this.#options;
    const { alerts, connectors, sources } = settings();
    const nowMs = clock.now().getTime();
    // Ten thousand sources may be silent at once.
    const nameOf = ({ what, of }: Pick<Open, 'what' | 'of'>) => `${what} ${of}`;
    const openBefore = new Map(state.open.map((open) => [nameOf(open), open]));
    const foundNow = new Set(found.map(nameOf));
    // After a long stop everything that waits is old, until it is written in the seconds that follow.
    const late = new Set(found.filter(({ what }) => what === 'backlog').map(({ of }) => of));
    const lateBefore = this.#lateBefore;
    this.#lateBefore = late;
    for (const condition of found) {
      const { what, of, title, lines } = condition;
      const open = openBefore.get(nameOf(condition));
      if (!open) {
        if (what === 'backlog' && !lateBefore.has(of)) continue;
        state.open.push({ what, of, since: condition.since.getTime(), toldAt: nowMs, goneAt: null });
        tell({ kind: 'raised', about: { what, of }, title, lines });
        continue;
      }
      open.goneAt = null;
      if (alerts.remindAfterMs === undefined || nowMs - open.toldAt < alerts.remindAfterMs) continue;
      open.toldAt = nowMs;
      tell({ kind: 'reminder', about: { what, of }, title: `Still: ${title}`, lines });
    }
    state.open = state.open.filter((open) => {
      if (foundNow.has(nameOf(open))) return true;
      const { what, of, since } = open;
      if (!isWatched(what, alerts)) return false; // it need not be over
      if (isOfConnector(what) && !Object.hasOwn(connectors, of)) return false;
      if (what === 'silence' && !Object.hasOwn(sources, of)) return false;
      open.goneAt ??= nowMs;
      if (nowMs - open.goneAt < calmMs) return true;
      const from = timeText(new Date(since), alerts.timezone);
      const to = timeText(new Date(open.goneAt), alerts.timezone);
      const lasted = `From ${from} to ${to}: ${durationText(open.goneAt - since)}.`;
      tell({ kind: 'recovered', about: { what, of }, title: recoveryOf(what, of), lines: [lasted] });
      return false;
    });
  }

  #notice({ title, lines, ...rest }: Omit<Notice, 'id' | 'at'>): Notice {
    const { redact, clock } = this.#options;
    const safe = (text: string) => oneLine(text, redact);
    return { ...rest, id: randomUUID(), at: clock.now(), title: safe(title), lines: lines.map(safe) };
  }

  #isResting(name: Channel['name'], nowMs: number): boolean {
    const leftMs = (this.#resting.get(name)?.untilMs ?? 0) - nowMs;
    return leftMs > 0 && leftMs <= Math.max(...retryMs); // longer only where the clock was set back
  }

  /** In order, until one does not go through. */
  async #send(channel: Channel, state: State): Promise<void> {
    const { clock, log } = this.#options;
    const { name } = channel;
    const isFor = ({ to }: State['waiting'][number]) => to.includes(name);
    while (!this.#isResting(name, clock.now().getTime())) {
      const next = state.waiting.find(isFor);
      if (!next || this.#abort.signal.aborted) return;
      const { notice } = next;
      const facts = { channel: name, notice: notice.title };
      let done = true;
      try {
        await channel.send(notice, this.#abort.signal);
        this.#resting.delete(name);
        log.info(facts, 'Notice sent.');
      } catch (thrown) {
        if (this.#abort.signal.aborted) return;
        const reason = this.#options.redact((thrown as Error).message);
        const nowMs = clock.now().getTime();
        if (thrown instanceof SendFailed && thrown.isFinal) {
          log.error({ ...facts, reason }, 'Notice refused: it is not sent again.');
        } else {
          const failures = (this.#resting.get(name)?.failures ?? 0) + 1;
          const untilMs = nowMs + (retryMs[Math.min(failures, retryMs.length) - 1] as number);
          this.#resting.set(name, { failures, untilMs });
          done = nowMs - notice.at.getTime() >= givenUpAfterMs;
          log.error(
            { ...facts, reason, nextTry: new Date(untilMs) },
            done ? 'Notice not sent for a day: given up.' : 'Notice not sent yet.',
          );
        }
      }
      if (!done) return;
      next.to = next.to.filter((one) => one !== name);
      state.waiting = state.waiting.filter(({ to }) => to.length > 0);
      await this.#save(state);
    }
  }
}

function isOfConnector(what: What): boolean {
  return what === 'blocked' || what === 'failed' || what === 'backlog';
}
