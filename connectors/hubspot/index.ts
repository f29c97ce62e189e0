import {
  type Connection,
  type Delivery,
  defineConnector,
  keepingRotated,
  type PlanStep,
  type RecordDraft,
  type RecordRef,
  type Rehearsal,
  type Tools,
} from '../../src/connector/index.ts';
import { CrmEngine, draftsOf as draftsIn } from '../../src/crm/index.ts';
import { HubSpotApi } from './api.ts';
import { largestBatch } from './batches.ts';
import { check } from './check.ts';
import { draftsOf, HubSpotDriver } from './driver.ts';
import { holds } from './holds.ts';
import { RecordLinks } from './links.ts';
import { type HubSpotOptions, options } from './options.ts';
import { HubSpotProbe } from './probe.ts';
import { openStage, PretendedHubSpot } from './rehearsal.ts';
import { apply, plan } from './setup.ts';

/** Writes each call as one HubSpot call on one contact, with a task where somebody should call back and a deal on a sale. */
export default defineConnector({
  type: 'hubspot',
  options,
  draft: (options, delivery) => draftsIn(draftsOf(options), delivery),
  open: async (options, tools) =>
    new HubSpotConnection(await HubSpotApi.open(options, tools), options, tools),
  openRehearsal(options, tools, rehearsal) {
    const draft: Draft = (delivery) => this.draft(options, delivery);
    return RehearsingConnection.start(options, tools, rehearsal, draft);
  },
});

/** Enough to use up what the largest accounts are granted, 19 requests a second, when each takes 0.4 s. */
const parallel = 8;

class HubSpotConnection implements Connection {
  readonly limits = { batch: largestBatch, parallel };
  readonly probe: HubSpotProbe;
  readonly #api: HubSpotApi;
  readonly #options: HubSpotOptions;
  readonly #driver: HubSpotDriver;
  readonly #engine: CrmEngine;
  readonly #links: RecordLinks;

  constructor(api: HubSpotApi, options: HubSpotOptions, tools: Tools) {
    this.#api = api;
    this.#options = options;
    this.#driver = new HubSpotDriver(api, options, tools, () => this.#engine.users.forget());
    this.#engine = new CrmEngine(this.#driver, options, tools);
    this.#links = new RecordLinks(api);
    this.probe = new HubSpotProbe(api, options, this.#driver.findings, tools);
  }

  get quota() {
    return this.#api.quota;
  }

  deliver(batch: readonly Delivery[], signal: AbortSignal) {
    return this.#api.unanswered.in(() => this.#engine.deliver(batch, signal));
  }

  check(signal: AbortSignal) {
    return check(this.#api, this.#options, this.#driver, this.#engine.users, signal);
  }

  plan(signal: AbortSignal) {
    return plan(this.#api, this.#options, this.#driver.findings, signal);
  }

  apply(signal: AbortSignal, done: (step: PlanStep) => void) {
    return apply(this.#api, this.#options, this.#driver.findings, signal, done);
  }

  read(record: RecordRef, signal: AbortSignal) {
    return holds(this.#api, this.#options, record, signal);
  }

  link(record: RecordRef) {
    return this.#links.of(record);
  }

  async close(): Promise<void> {}
}

/** What a delivery would leave. */
type Draft = (delivery: Delivery) => RecordDraft[];

/** One whose requests are told, and only sent where they read. */
class RehearsingConnection extends HubSpotConnection {
  readonly #draft: Draft;
  readonly #hubspot: PretendedHubSpot;
  readonly #leave: () => Promise<void>;

  private constructor(
    api: HubSpotApi,
    options: HubSpotOptions,
    tools: Tools,
    stage: { draft: Draft; hubspot: PretendedHubSpot; close(): Promise<void> },
  ) {
    super(api, options, tools);
    this.#draft = stage.draft;
    this.#hubspot = stage.hubspot;
    this.#leave = stage.close;
  }

  static async start(
    options: HubSpotOptions,
    tools: Tools,
    rehearsal: Rehearsal,
    draft: Draft,
  ): Promise<Connection> {
    const hubspot = new PretendedHubSpot(options);
    const rehearsing = { ...tools, memory: keepingRotated(tools.memory, rehearsal) };
    let isSetUp = rehearsal.online;
    const told: Rehearsal = {
      ...rehearsal,
      plan: (request) => {
        if (isSetUp) rehearsal.plan(request);
      },
    };
    const { url, close } = await openStage(hubspot, options.baseUrl, told, tools.fetch);
    try {
      const open = () => HubSpotApi.open({ ...options, baseUrl: url }, rehearsing);
      if (!isSetUp) {
        const setup = new HubSpotConnection(await open(), options, rehearsing);
        await setup.apply(AbortSignal.timeout(setUpInMs), () => {});
      }
      isSetUp = true;
      return new RehearsingConnection(await open(), options, rehearsing, { draft, hubspot, close });
    } catch (thrown) {
      await close();
      throw thrown;
    }
  }

  override deliver(batch: readonly Delivery[], signal: AbortSignal) {
    this.#hubspot.learn(batch.flatMap(this.#draft));
    return super.deliver(batch, signal);
  }

  override close(): Promise<void> {
    return this.#leave();
  }
}

/** It is done on this machine. */
const setUpInMs = 30_000;
