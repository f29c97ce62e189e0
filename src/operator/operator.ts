import type * as z from 'zod';
import { timeText } from '../alert/notice.ts';
import type { CallState } from '../call/call.ts';
import { UnreadablePush } from '../call/push.ts';
import { pushesIn } from '../call/recorded-pushes.ts';
import type { Clock } from '../clock.ts';
import { connectorsFor } from '../config/read-call.ts';
import type { Settings } from '../config/settings.ts';
import type { Connection } from '../connector/contract.ts';
import { standing } from '../deliver/standing.ts';
import type { CallIndex, IndexFilter } from '../store/call-index.ts';
import type { CallStory, Calls } from '../store/calls.ts';
import type { ConnectorState, ConnectorStates } from '../store/connector-state.ts';
import type { Deliveries, ReplayFilter } from '../store/deliveries.ts';
import type { NewPush, Recorded } from '../store/intake.ts';
import type { Rejections } from '../store/rejections.ts';
import type { Upkeep } from '../store/upkeep.ts';
import { knownNames } from '../text/did-you-mean.ts';
import { counted } from '../text/plural.ts';
import type {
  ErasureDone,
  erasureOrder,
  Holdings,
  numberGiven,
  pauseOrder,
  ReplayCount,
  Replayed,
  rangeReplay,
  replayOrder,
  skipOrder,
} from './actions.ts';
import {
  type CallSelection,
  type CallSummary,
  type CallsPage,
  type CallsQuery,
  filterOf,
  summaryOf,
} from './calls.ts';
import { type Change, Changes } from './changes.ts';
import { type ConnectorHealth, type Findings, healthOf, type Running, type SetupPlan } from './connectors.ts';
import { type DelaconQuery, type DelaconSetup, delaconSetupOf } from './delacon-setup.ts';
import { earlierTo } from './earlier-call.ts';
import { ErasureOf, type Looked, numberOf } from './erasure.ts';
import { masked } from './masking.ts';
import { indexStateOf, lagOf, type Overview, type OverviewQuery, overviewOf } from './overview.ts';
import { OperatorProblem } from './problem.ts';
import {
  latelyOf,
  type ReadAgainDone,
  type RejectedPush,
  type RejectedPushes,
  type RejectedQuery,
  type readAgainOrder,
} from './rejected.ts';
import { listRejected, oneRejected, readAgain } from './rejections.ts';
import { countFound, replayFound } from './replay.ts';
import type { Readiness } from './status.ts';
import { type Story, storyOf } from './story.ts';
import { rangeOf } from './time-range.ts';
import { type Trial, trialOf, type tryOrder } from './try-it.ts';

export interface OperatorOptions {
  store: Calls & CallIndex & Deliveries & ConnectorStates & Rejections & Upkeep;
  settings(): Settings;
  clock: Clock;
  /** Lends the connection of a configured connector: the one that runs, or one opened for the purpose. */
  withConnection<T>(connector: string, use: (connection: Connection) => Promise<T>): Promise<T>;
  /** What only the bridge that runs knows of a connector. Undefined: none runs here. */
  running(connector: string): Running | undefined;
  /** The URLs of a source for the Delacon portal. */
  pushUrls(source: string): { create: string; update: string; single: string };
  /** A push that was kept could be read by now, and is recorded. */
  taken(push: NewPush, recorded: Recorded): void;
  /** Deliveries of these connectors may have become due, or their pause has changed. */
  wake(connectors: Iterable<string>): void;
  /** Of the bridge that runs here. */
  readiness?: Readiness;
  /** Where it is told what changes. */
  changes?: Changes;
}

/** Who asks: `Visitor` of access.ts is one. */
export interface Viewer {
  role: 'operator' | 'reader';
  masked: boolean;
}

const pageSize = 50;
/** Of an export: reading a page takes some milliseconds, in which no push is taken. */
const exportedAtOnce = 100;
/** Long enough for a slow CRM, short enough to be told of. */
const patienceMs = 120_000;
/** Each day of an overview costs some reading of clocks. */
const longestOverviewMs = 3_653 * 86_400_000;

/**
 * What an operator can ask and do: the page, the API and the commands are all made of it. Its answers are JSON, as the
 * schemas beside this file have it.
 *
 * @throws OperatorProblem, whose message says what to do
 */
export class Operator {
  readonly #options: OperatorOptions;
  readonly #viewer: Viewer;
  readonly #changes: Changes;

  constructor(options: OperatorOptions, viewer: Viewer = { role: 'operator', masked: false }) {
    this.#changes = options.changes ?? new Changes(options.clock);
    this.#options = { ...options, changes: this.#changes };
    this.#viewer = viewer;
  }

  /** As this viewer sees it and may act. */
  for(viewer: Viewer): Operator {
    return new Operator(this.#options, viewer);
  }

  async overview(query: OverviewQuery = {}): Promise<Overview> {
    const { store, settings, clock, running, readiness } = this.#options;
    const timezone = this.#timezone();
    const range = rangeOf(query, clock.now(), timezone);
    if (range.since >= range.until) throw new OperatorProblem('wrong', 'since must be before until.');
    if (range.until.getTime() - range.since.getTime() > longestOverviewMs)
      throw new OperatorProblem('wrong', 'since and until must be no more than ten years apart.');
    const answer = await overviewOf(
      store,
      { ...range, timezone, now: clock.now() },
      (lag) =>
        healthOf(store, settings(), running, (name) =>
          lagOf(lag.filter(({ connector }) => connector === name)),
        ),
      readiness ?? (async () => null),
    );
    const lately = await store.tallyRejected(new Date(clock.now().getTime() - 86_400_000));
    const rejected = latelyOf(lately, await store.rejectedKept(), this.#timeOf());
    return this.#shown({ ...answer, rejected });
  }

  async calls({ after, limit = pageSize, ...selection }: CallsQuery = {}): Promise<CallsPage> {
    const { store, settings } = this.#options;
    if (after !== undefined && !/^\d{1,15}$/.test(after))
      throw new OperatorProblem('wrong', 'after is not the `next` of a page: begin with the first one.');
    const beforeRow = after === undefined ? null : Number(after);
    const rows = await store.findCalls(this.#filter(selection), beforeRow, limit + 1);
    const page = rows.slice(0, limit);
    const views = await store.views(page);
    return this.#shown({
      calls: views.map((view) => summaryOf(settings(), view)),
      next: rows.length > limit ? String(page.at(-1)) : null,
      index: indexStateOf(await store.indexProgress(), this.#options.clock.now()),
    });
  }

  /** As `calls`, for programs, which take the last page for the end: it is refused while older calls may be missing. */
  async wholeCalls(query: CallsQuery = {}): Promise<CallsPage> {
    const page = await this.calls(query);
    if (page.next === null) await this.#mustBeWhole(query);
    return page;
  }

  /** Every call that matches, newest first, in pages that are read as they are asked for. */
  async everyCall(selection: CallSelection): Promise<AsyncGenerator<CallSummary[]>> {
    await this.#mustBeWhole(selection);
    return this.#everyPage(selection);
  }

  /** What is counted or exported is whole, or is not told: nobody could see that calls are missing. */
  async #mustBeWhole({ search, result, missed }: CallSelection): Promise<void> {
    const progress = await this.#options.store.indexProgress();
    const { behind, rebuilding, lacksCalls } = progress;
    const isByReading = search !== undefined || result !== undefined || missed !== undefined;
    if (rebuilding !== null && (lacksCalls || isByReading))
      throw new OperatorProblem(
        'not yet',
        `Lists and counts are being built anew: ${Math.floor(rebuilding * 100)} % of what is stored is in them so far. Ask again when all of it is.`,
      );
    if (indexStateOf(progress, this.#options.clock.now()).late)
      throw new OperatorProblem(
        'not yet',
        `${counted(behind, 'push', 'pushes')} came in that lists and counts do not have yet. Ask again in a moment.`,
      );
  }

  async *#everyPage(selection: CallSelection): AsyncGenerator<CallSummary[]> {
    let after: string | undefined;
    for (;;) {
      const page = await this.calls({
        ...selection,
        limit: exportedAtOnce,
        ...(after === undefined ? {} : { after }),
      });
      yield page.calls;
      await new Promise(setImmediate);
      if (page.next === null) return;
      after = page.next;
    }
  }

  /** @param ask whether the CRMs are asked what their records hold */
  async story(source: string, callId: string, ask = false): Promise<Story> {
    return this.#storyOf(await this.#stored(source, callId), ask);
  }

  /** The story of every call with the id: one for each source that has it. */
  async stories(callId: string, source?: string, ask = false): Promise<Story[]> {
    const stored = await this.#options.store.stories(callId, source);
    return Promise.all(stored.map((one) => this.#storyOf(one, ask)));
  }

  /** Delivers a call again: as it is now, under its key. A skip is undone by it. */
  async replay(
    source: string,
    callId: string,
    { connector }: z.output<typeof replayOrder> = {},
  ): Promise<Replayed> {
    this.#mayAct();
    const { row, deliveries: known } = await this.#stored(source, callId);
    if (connector !== undefined && !known.some((delivery) => delivery.connector === connector))
      this.#configured(connector);
    const deliveries = await this.#replay([row], { connector });
    this.#changes.calls([{ source, callId }]);
    return { calls: 1, deliveries };
  }

  /** Leaves a delivery out, though the call may change, until somebody replays it. */
  async skip(
    source: string,
    callId: string,
    { connector, reason }: z.output<typeof skipOrder>,
  ): Promise<Story> {
    this.#mayAct();
    const { row } = await this.#stored(source, callId);
    const skipped = await this.#options.store.skip(row, connector, reason, this.#options.clock.now());
    if (skipped === null)
      throw new OperatorProblem('not found', `Call ${callId} has no delivery for ${connector}.`);
    if (skipped === 'delivered')
      throw new OperatorProblem(
        'conflict',
        `Call ${callId} is in ${connector} already: there is nothing to skip.`,
      );
    this.#changes.calls([{ source, callId }]);
    this.#changes.connectors();
    return this.story(source, callId);
  }

  /** How many calls a replay of all that match would write again. What is skipped does not count. */
  async countReplay(selection: CallSelection): Promise<ReplayCount> {
    await this.#mustBeWhole(selection);
    return countFound(this.#options.store, this.#filter(selection));
  }

  /** Delivers again what matches. What somebody skipped stays skipped: that is undone call by call. */
  async replayRange({ of, expected }: z.output<typeof rangeReplay>): Promise<Replayed> {
    this.#mayAct();
    if (Object.values(of).every((one) => one === undefined))
      throw new OperatorProblem(
        'wrong',
        'Which calls? Choose some by connector, state, since or another filter.',
      );
    const { store } = this.#options;
    const { calls } = await this.countReplay(of);
    if (expected !== undefined && calls > expected)
      throw new OperatorProblem(
        'conflict',
        `There are ${calls} calls by now, and ${expected} were agreed to. Count them again.`,
      );
    const done = await replayFound(store, this.#filter(of), (rows) =>
      this.#replay(rows, { connector: of.connector, exceptSkipped: true }),
    );
    this.#changes.connectors();
    return done;
  }

  /** What is held of a number, before it is erased. */
  async holdings(given: z.output<typeof numberGiven>, looked?: Looked): Promise<Holdings> {
    return this.#erasureOf(given).holdings(looked);
  }

  /** Erases what the store knows of a number. What the CRMs hold stays, and is named. */
  async erase(order: z.input<typeof erasureOrder>, looked?: Looked): Promise<ErasureDone> {
    this.#mayAct();
    const { unsearchable = false, ...given } = order;
    return this.#erasureOf(given).erase(this.#options.clock.now(), unsearchable, looked);
  }

  /** How the connectors are; their lag is that of the last 24 hours. */
  async connectors(): Promise<ConnectorHealth[]> {
    const { store, settings, running, clock } = this.#options;
    const until = clock.now().getTime();
    const lag = await store.countLag(until - 86_400_000, until);
    const health = await healthOf(store, settings(), running, (name) =>
      lagOf(lag.filter(({ connector }) => connector === name)),
    );
    return this.#shown(health);
  }

  async check(connector: string): Promise<Findings> {
    this.#configured(connector);
    const found = await this.#options.withConnection(connector, (connection) =>
      connection.check(AbortSignal.timeout(patienceMs)),
    );
    const states = await this.#options.store.connectorStates();
    return this.#shown({ connector, findings: [...standing(connector, states), ...found] });
  }

  async plan(connector: string): Promise<SetupPlan> {
    this.#configured(connector);
    const steps = await this.#options.withConnection(connector, (connection) =>
      connection.plan(AbortSignal.timeout(patienceMs)),
    );
    return { connector, steps };
  }

  /** Attempts stop until somebody resumes, over restarts too; calls wait. */
  async pause(connector: string, { reason }: z.output<typeof pauseOrder> = {}): Promise<ConnectorHealth> {
    return this.#pause(connector, { since: this.#options.clock.now(), reason: reason || null });
  }

  async resume(connector: string): Promise<ConnectorHealth> {
    return this.#pause(connector, null);
  }

  async #pause(connector: string, pause: ConnectorState['paused']): Promise<ConnectorHealth> {
    this.#mayAct();
    this.#configured(connector);
    await this.#options.store.pauseConnector(connector, pause);
    this.#options.wake([connector]);
    this.#changes.connectors();
    return (await this.connectors()).find(({ name }) => name === connector) as ConnectorHealth;
  }

  /** What was not taken, the latest first. */
  async rejected({ limit = pageSize, ...query }: RejectedQuery = {}): Promise<RejectedPushes> {
    const { store, settings } = this.#options;
    return this.#withoutBodies(await listRejected(store, settings(), { limit, ...query }, this.#timeOf()));
  }

  /** One of them, with its whole body. */
  async rejectedPush(id: string): Promise<RejectedPush> {
    const { store, settings } = this.#options;
    const push = await oneRejected(store, settings(), id, this.#timeOf());
    return this.#withoutBodies({ pushes: [push], next: null }).pushes[0] as RejectedPush;
  }

  /** Reads kept bodies again, such as after an update: what can be read becomes a call, as if it had just come. */
  async readAgain({ source }: z.output<typeof readAgainOrder> = {}): Promise<ReadAgainDone> {
    this.#mayAct();
    const known = this.#options.settings().sources;
    if (source !== undefined && !Object.hasOwn(known, source) && (await this.rejectedBodies(source)) === 0)
      throw this.#unknown('source', source, known);
    const done = await readAgain(this.#options, source, (pushes) => this.#changes.calls(pushes));
    this.#changes.rejected();
    this.#changes.connectors();
    return done;
  }

  /** How many unreadable pushes are kept. */
  async rejectedBodies(source?: string): Promise<number> {
    const kept = await this.#options.store.rejectedKept();
    return kept
      .filter((one) => source === undefined || one.source === source)
      .reduce((total, { bodies }) => total + bodies, 0);
  }

  #withoutBodies(answer: RejectedPushes): RejectedPushes {
    if (!this.#viewer.masked) return answer;
    return masked({ ...answer, pushes: answer.pushes.map((push) => ({ ...push, text: null })) });
  }

  /** What pushes would write. Nothing is stored, and no CRM is asked. */
  async tryIt(order: z.output<typeof tryOrder>): Promise<Trial> {
    const settings = this.#options.settings();
    const source = order.source ?? Object.keys(settings.sources)[0] ?? '';
    if (!Object.hasOwn(settings.sources, source)) throw this.#unknown('source', source, settings.sources);
    try {
      return this.#shown(trialOf(settings, source, pushesIn(order.pushes), this.#options.clock.now()));
    } catch (reason) {
      if (reason instanceof UnreadablePush) throw new OperatorProblem('wrong', reason.message);
      throw reason;
    }
  }

  /** Source by source, in the order of the configuration. */
  async delaconSetup({ source, after, limit = pageSize }: DelaconQuery = {}): Promise<DelaconSetup> {
    const { settings, pushUrls, store } = this.#options;
    const { listen, sources } = settings();
    for (const named of [source, after])
      if (named !== undefined && !Object.hasOwn(sources, named))
        throw this.#unknown('source', named, sources);
    const names = source === undefined ? Object.keys(sources) : [source];
    const from = after === undefined ? 0 : names.indexOf(after) + 1;
    const page = names.slice(from, from + limit);
    return delaconSetupOf(listen.publicUrl, {
      sources: page,
      further: names.length - from - page.length,
      urlsOf: this.#viewer.role === 'operator' ? pushUrls : () => null,
      seen: await store.pushesSeen(page),
    });
  }

  /** Tells the listener of each change until the returned function is called. */
  changes(listener: (change: Change) => void): () => void {
    return this.#changes.listen(listener);
  }

  #shown<Answer>(answer: Answer): Answer {
    return this.#viewer.masked ? masked(answer) : answer;
  }

  #mayAct(): void {
    if (this.#viewer.role !== 'operator')
      throw new OperatorProblem('forbidden', 'The read-only role changes nothing: use the operator token.');
  }

  #timeOf(): (at: Date) => string {
    const timezone = this.#timezone();
    return (at) => timeText(at, timezone);
  }

  #timezone(): string {
    return Object.values(this.#options.settings().sources)[0]?.timezone ?? 'UTC';
  }

  async #stored(source: string, callId: string): Promise<CallStory> {
    const [stored] = await this.#options.store.stories(callId, source);
    if (stored) return stored;
    throw new OperatorProblem(
      'not found',
      `No call ${callId} of ${source} is stored: none came, or it was erased, or it is older than retention.calls keeps.`,
    );
  }

  async #storyOf(stored: CallStory, ask: boolean): Promise<Story> {
    const { settings, store, withConnection } = this.#options;
    const story = await storyOf(stored, {
      settings: settings(),
      connectors: await store.connectorStates(),
      lend: async (connector, use) =>
        settings().connectors[connector]
          ? withConnection(connector, use).catch(() => undefined) // the story is told without what it would add
          : undefined,
      earlierTo: (person, connector) => earlierTo(store, settings(), stored, person, connector),
      ask,
    });
    if (!this.#viewer.masked) return story;
    return masked({
      ...story,
      pushes: story.pushes.map((push) => ({ ...push, body: null })),
      fields: story.fields.filter(({ name }) => name !== 'PLA_RecordingFile'),
      values: story.values.filter(({ name }) => !name.startsWith('call.recording.')),
      summary: story.summary.filter(({ label }) => label !== 'Recording'),
      recording: null,
    });
  }

  #filter(selection: CallSelection): IndexFilter {
    return filterOf(this.#options.settings(), selection, this.#viewer.masked);
  }

  async #replay(rows: readonly number[], which: ReplayFilter): Promise<number> {
    const { store, clock, wake, settings } = this.#options;
    const route = (state: CallState) => connectorsFor(settings(), state);
    const deliveries = await store.replay(rows, route, clock.now(), which);
    wake(Object.keys(settings().connectors));
    return deliveries;
  }

  #configured(connector: string): void {
    const known = this.#options.settings().connectors;
    if (!Object.hasOwn(known, connector)) throw this.#unknown('connector', connector, known);
  }

  #unknown(what: string, name: string, known: Readonly<Record<string, unknown>>): OperatorProblem {
    return new OperatorProblem('not found', `There is no ${what} "${name}".${knownNames(name, known)}`);
  }

  #erasureOf(given: z.output<typeof numberGiven>): ErasureOf {
    const settings = this.#options.settings();
    return new ErasureOf(numberOf(given, settings), this.#options.store, settings);
  }
}
