import { isSupportedCountry } from 'libphonenumber-js/max';
import type * as z from 'zod';
import type { Clock } from '../clock.ts';
import { didYouMean } from '../config/did-you-mean.ts';
import type { Settings } from '../config/settings.ts';
import type { Connection, RecordRef } from '../connector/contract.ts';
import { callOf, connectorsFor } from '../reading.ts';
import { type CallState, laneOf } from '../receive/call.ts';
import { maskNumber, parsePhone, type Region } from '../receive/phone.ts';
import { UnreadablePush } from '../receive/push.ts';
import type { CallStory, CallView, Store } from '../store/store.ts';
import type {
  ErasureDone,
  Holdings,
  numberGiven,
  pauseOrder,
  ReplayCount,
  Replayed,
  rangeReplay,
  replayOrder,
  skipOrder,
} from './actions.ts';
import { type CallSelection, type CallsPage, type CallsQuery, summaryOf } from './calls.ts';
import { type Change, Changes } from './changes.ts';
import type { ConnectorHealth, Findings, SetupPlan } from './connectors.ts';
import type { DelaconSetup } from './delacon-setup.ts';
import { masked } from './masking.ts';
import type { Overview, OverviewQuery } from './overview.ts';
import { OperatorProblem } from './problem.ts';
import { type RejectedPushes, rejectedOf } from './rejected.ts';
import { type Story, storyOf } from './story.ts';
import { rangeOf } from './time-range.ts';
import { readPushes, type Trial, trialOf, type tryOrder } from './try-it.ts';

export interface OperatorOptions {
  store: Store;
  settings(): Settings;
  clock: Clock;
  /** Lends the connection of a configured connector: the one that runs, or one opened for the purpose. */
  withConnection<T>(connector: string, use: (connection: Connection) => Promise<T>): Promise<T>;
  /** What only the bridge that runs knows of a connector. Undefined: none runs here. */
  running(
    connector: string,
  ): { quota: { remaining: number; limit: number } | null; isThrifty: boolean } | undefined;
  /** The URLs for the Delacon portal. */
  pushUrls(): { source: string; create: string; update: string; single: string }[];
  /** Deliveries of these connectors may have become due, or their pause has changed. */
  wake(connectors: Iterable<string>): void;
}

/** Who asks: `Visitor` of access.ts is one. */
export interface Viewer {
  role: 'operator' | 'reader';
  masked: boolean;
}

const pageSize = 50;
const atOnce = 500;
/** Long enough for a slow CRM, short enough to be told of. */
const patienceMs = 120_000;

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

  constructor(
    options: OperatorOptions,
    viewer: Viewer = { role: 'operator', masked: false },
    changes = new Changes(options.clock),
  ) {
    this.#options = options;
    this.#viewer = viewer;
    this.#changes = changes;
  }

  /** As this viewer sees it and may act. */
  for(viewer: Viewer): Operator {
    return new Operator(this.#options, viewer, this.#changes);
  }

  async overview(query: OverviewQuery = {}): Promise<Overview> {
    const { clock } = this.#options;
    const timezone = this.#timezone();
    const { since, until } = rangeOf(query, clock.now(), timezone);
    const results = { answered: 0, unanswered: 0, busy: 0, other: 0, unknown: 0, missed: 0 };
    const calls = { received: 0, inCrm: 0, waiting: 0, failed: 0, skipped: 0, unrouted: 0, missed: 0 };
    for await (const { deliveries, callId: _, receivedAt, ...call } of this.#every({ since, until })) {
      calls.received++;
      if (call.missed) calls.missed++;
      results[call.result ?? 'unknown']++;
      const states = new Set(deliveries.map(({ state }) => state));
      if (states.has('failed')) calls.failed++;
      else if (states.has('due')) calls.waiting++;
      else if (states.size === 0) calls.unrouted++;
      else calls.inCrm++;
    }
    return {
      since: since.toISOString(),
      until: until.toISOString(),
      timezone,
      calls,
      connectors: await this.connectors(),
      bucket: 'hour',
      byTime: [],
      top: { sources: [], keywords: [], dealers: [] },
      lag: [],
      rejected: (await this.#options.store.unreadable()).length,
      index: { behind: 0, rebuilding: null },
    };
  }

  async calls(query: CallsQuery = {}): Promise<CallsPage> {
    const { store, settings } = this.#options;
    const limit = query.limit ?? pageSize;
    const views = await store.calls({
      limit,
      ...(query.source === undefined ? {} : { source: query.source }),
      ...(query.connector === undefined ? {} : { connector: query.connector }),
      ...(query.state === undefined ? {} : { state: query.state }),
      ...(query.since === undefined ? {} : { since: query.since }),
      ...(query.after === undefined ? {} : { beforeRow: Number(query.after) }),
    });
    const last = views.at(-1);
    return this.#shown({
      calls: views.map((view) => summaryOf(settings(), view)),
      next: views.length === limit && last ? String(last.row) : null,
      index: { behind: 0, rebuilding: null },
    });
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
  async replay(source: string, callId: string, _order: z.output<typeof replayOrder> = {}): Promise<Replayed> {
    this.#mayAct();
    const { store, clock, wake, settings } = this.#options;
    const { row } = await this.#stored(source, callId);
    const deliveries = await store.replay([row], (state) => connectorsFor(settings(), state), clock.now());
    wake(Object.keys(settings().connectors));
    return { calls: 1, deliveries };
  }

  async skip(_source: string, _callId: string, _order: z.output<typeof skipOrder>): Promise<Story> {
    this.#mayAct();
    throw new OperatorProblem('conflict', 'Skipping is not there yet.');
  }

  async countReplay(selection: CallSelection): Promise<ReplayCount> {
    const count = { calls: 0, deliveries: 0 };
    for await (const call of this.#every(selection)) {
      count.calls++;
      count.deliveries += call.deliveries.length;
    }
    return count;
  }

  async replayRange({ of, expected }: z.output<typeof rangeReplay>): Promise<Replayed> {
    this.#mayAct();
    const { calls } = await this.countReplay(of);
    if (expected !== undefined && calls > expected)
      throw new OperatorProblem(
        'conflict',
        `There are ${calls} calls by now, and ${expected} were agreed to. Count them again.`,
      );
    let deliveries = 0;
    for await (const call of this.#every(of))
      deliveries += (await this.replay(call.source, call.callId)).deliveries;
    return { calls, deliveries };
  }

  /** What is held of a number, before it is erased. */
  async holdings(given: z.output<typeof numberGiven>): Promise<Holdings> {
    const number = this.#numberOf(given);
    return holdingsOf(number, await this.#callsOf(number));
  }

  /** Erases what the store knows of a number. What the CRMs hold stays, and is named. */
  async erase(given: z.output<typeof numberGiven>): Promise<ErasureDone> {
    this.#mayAct();
    const { store, clock } = this.#options;
    const number = this.#numberOf(given);
    const calls = await this.#callsOf(number);
    const erased = await store.erase({
      rows: calls.map(({ row }) => row),
      number,
      shown: maskNumber(number),
      digits: number.slice(-8),
      at: clock.now(),
    });
    return { ...holdingsOf(number, calls), erased, left: (await this.#callsOf(number)).length };
  }

  async connectors(): Promise<ConnectorHealth[]> {
    const { store, settings, running } = this.#options;
    const [counts, states] = await Promise.all([store.countDeliveries(), store.connectorStates()]);
    return Object.entries(settings().connectors).map(([name, { type }]) => {
      const count = (state: string) =>
        counts.find((one) => one.connector === name && one.state === state)?.count ?? 0;
      const state = states.find((known) => known.connector === name);
      const live = running(name);
      return {
        name,
        type,
        state: state?.blockedReason ? 'blocked' : live?.isThrifty ? 'thrifty' : 'working',
        reason: state?.blockedReason ?? null,
        since: state?.blockedReason ? state.since.toISOString() : null,
        backlog: count('due'),
        oldestDueAt: null,
        failed: count('failed'),
        skipped: 0,
        lag: null,
        quota: live?.quota ?? null,
        lastError: null,
      };
    });
  }

  async check(connector: string): Promise<Findings> {
    this.#configured(connector);
    const found = await this.#options.withConnection(connector, (connection) =>
      connection.check(AbortSignal.timeout(patienceMs)),
    );
    return this.#shown({ connector, findings: found });
  }

  async plan(connector: string): Promise<SetupPlan> {
    this.#configured(connector);
    const steps = await this.#options.withConnection(connector, (connection) =>
      connection.plan(AbortSignal.timeout(patienceMs)),
    );
    return { connector, steps };
  }

  /** Attempts stop until somebody resumes, over restarts too; calls wait. */
  async pause(connector: string, _order: z.output<typeof pauseOrder> = {}): Promise<ConnectorHealth> {
    this.#mayAct();
    this.#configured(connector);
    throw new OperatorProblem('conflict', 'Pausing is not there yet.');
  }

  async resume(connector: string): Promise<ConnectorHealth> {
    this.#mayAct();
    this.#configured(connector);
    throw new OperatorProblem('conflict', 'Pausing is not there yet.');
  }

  async rejected(): Promise<RejectedPushes> {
    const { pushes } = rejectedOf(await this.#options.store.unreadable());
    if (!this.#viewer.masked) return { pushes };
    return masked({ pushes: pushes.map((push) => ({ ...push, body: null })) });
  }

  /** What pushes would write. Nothing is stored, and no CRM is asked. */
  async tryIt(order: z.output<typeof tryOrder>): Promise<Trial> {
    const settings = this.#options.settings();
    const source = order.source ?? Object.keys(settings.sources)[0] ?? '';
    if (!settings.sources[source]) throw this.#unknown('source', source, Object.keys(settings.sources));
    try {
      return this.#shown(trialOf(settings, source, readPushes(order.pushes), this.#options.clock.now()));
    } catch (reason) {
      if (reason instanceof UnreadablePush) throw new OperatorProblem('wrong', reason.message);
      throw reason;
    }
  }

  async delaconSetup(): Promise<DelaconSetup> {
    const { settings, pushUrls } = this.#options;
    const mayKnow = this.#viewer.role === 'operator';
    return {
      publicUrl: settings().listen.publicUrl ?? null,
      sources: pushUrls().map(({ source, create, update, single }) => ({
        source,
        urls: mayKnow ? { create, update, single } : null,
        start: null,
        end: null,
      })),
    };
  }

  /** Tells the listener of each change until the returned function is called. */
  changes(listener: (change: Change) => void): () => void {
    return this.#changes.listen(listener);
  }

  /** Where the bridge tells what has changed. */
  get changed(): Pick<Changes, 'calls' | 'connectors' | 'rejected'> {
    return this.#changes;
  }

  #shown<Answer>(answer: Answer): Answer {
    return this.#viewer.masked ? masked(answer) : answer;
  }

  #mayAct(): void {
    if (this.#viewer.role !== 'operator')
      throw new OperatorProblem('forbidden', 'The read-only role changes nothing: use the operator token.');
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
        settings().connectors[connector] ? withConnection(connector, use) : undefined,
      ask,
    });
    if (!this.#viewer.masked) return story;
    const { caller, dialled, answeredBy } = shownNumbers(settings(), stored.state);
    const hidden = {
      ...story,
      pushes: story.pushes.map((push) => ({ ...push, body: null })),
      fields: story.fields.filter(({ name }) => name !== 'PLA_RecordingFile'),
      values: story.values.filter(({ name }) => !name.startsWith('call.recording.')),
      recording: null,
    };
    return masked(hidden, [caller, dialled, answeredBy]);
  }

  async *#every(selection: CallSelection): AsyncGenerator<CallsPage['calls'][number]> {
    let after: string | undefined;
    for (;;) {
      const page = await this.calls({
        ...selection,
        limit: atOnce,
        ...(after === undefined ? {} : { after }),
      });
      yield* page.calls.filter(
        (call) => selection.until === undefined || call.receivedAt < selection.until.toISOString(),
      );
      if (page.next === null) return;
      after = page.next;
    }
  }

  #configured(connector: string): void {
    const known = Object.keys(this.#options.settings().connectors);
    if (!known.includes(connector)) throw this.#unknown('connector', connector, known);
  }

  #unknown(what: string, name: string, known: readonly string[]): OperatorProblem {
    return new OperatorProblem(
      'not found',
      `There is no ${what} "${name}".${didYouMean(name, known)} Known: ${known.join(', ')}.`,
    );
  }

  #numberOf({ number: written, region: given }: z.output<typeof numberGiven>): string {
    const first = Object.values(this.#options.settings().sources)[0]?.region;
    const region = given?.toUpperCase() ?? first ?? 'AU';
    if (!isSupportedCountry(region))
      throw new OperatorProblem('wrong', `"${given}" is no country: use two letters, such as AU or NZ.`);
    const { number } = parsePhone(written, region as Region);
    if (number !== null) return number;
    throw new OperatorProblem(
      'wrong',
      `"${written}" is no telephone number in ${region}. Write it as +61412345678, or name its country.`,
    );
  }

  /** Calls of the caller, and calls that were the caller's in a push before another one named somebody else. */
  async #callsOf(number: string): Promise<CallView[]> {
    const { store, settings } = this.#options;
    const found = new Map<number, CallView>();
    const isCallers = (state: CallState) => callOf(settings(), state)?.caller.number === number;
    const lane = laneOf('', { PLA_Caller_Phone_Number: number });
    let beforeRow: number | undefined;
    for (;;) {
      const page = await store.calls({
        lane,
        limit: atOnce,
        ...(beforeRow === undefined ? {} : { beforeRow }),
      });
      for (const call of page) if (isCallers(call.state)) found.set(call.row, call);
      beforeRow = page.at(-1)?.row;
      if (page.length < atOnce) break;
    }
    for (const row of await store.callsHolding(number.slice(-8))) {
      if (found.has(row)) continue;
      const [call] = await store.calls({ beforeRow: row + 1, limit: 1 });
      if (call?.row !== row) continue;
      const [story] = await store.stories(call.state.callId, call.state.source);
      if (story?.pushes.some(({ fields }) => isCallers({ ...call.state, fields }))) found.set(row, call);
    }
    return [...found.values()];
  }
}

function shownNumbers(settings: Settings, state: CallState) {
  const call = callOf(settings, state);
  return {
    caller: call?.caller.number ?? state.fields['PLA_Caller_Phone_Number'],
    dialled: call?.dialled.number,
    answeredBy: call?.answeredBy.number,
  };
}

function holdingsOf(number: string, calls: readonly CallView[]): Holdings {
  return {
    number: maskNumber(number),
    calls: calls.length,
    inCrm: calls.flatMap(({ deliveries }) =>
      deliveries.flatMap(({ connector, records }) =>
        (Object.entries(records) as [string, RecordRef][]).map(([role, { type, id }]) => ({
          connector,
          role,
          type,
          id,
        })),
      ),
    ),
  };
}
