import {
  type Connection,
  type Delivery,
  defineConnector,
  type PlanStep,
  type RecordDraft,
  type RecordRef,
  type Tools,
} from '../../src/connector/index.ts';
import { CrmEngine, draftsFrom, draftsOf, dryConnection, type Wrap } from '../../src/crm/index.ts';
import { HubSpotApi } from './api.ts';
import { largestBatch } from './batches.ts';
import { check } from './check.ts';
import { HubSpotDriver } from './driver.ts';
import { holds } from './holds.ts';
import { RecordLinks } from './links.ts';
import { modelOf } from './model.ts';
import { type HubSpotOptions, options } from './options.ts';
import { PretendedHubSpot } from './pretended.ts';
import { HubSpotProbe } from './probe.ts';
import { apply, plan } from './setup.ts';

/** Writes each call as one HubSpot call on one contact, with a task where somebody should call back and a deal on a sale. */
export default defineConnector({
  type: 'hubspot',
  options,
  account: ({ accessToken, oauth, baseUrl }) => JSON.stringify([baseUrl, accessToken ?? oauth?.refreshToken]),
  draft,
  open: (options, tools) => connect(options, tools),
  openDry(options, tools, dryRun) {
    const open = (tools: Tools, wrap: Wrap) => connect(options, tools, wrap);
    return dryConnection(
      new PretendedHubSpot(options),
      dryRun,
      tools,
      (delivery) => draft(options, delivery),
      open,
    );
  },
});

/** Enough to use up what the largest accounts are granted, 19 requests a second, when each takes 0.4 s. */
const parallel = 8;

function draft(options: HubSpotOptions, delivery: Delivery): RecordDraft[] {
  return draftsOf(draftsFrom(modelOf(options), options), delivery);
}

async function connect(options: HubSpotOptions, tools: Tools, wrap?: Wrap): Promise<Connection> {
  return new HubSpotConnection(await HubSpotApi.open(options, tools, wrap), options, tools);
}

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
    this.probe = new HubSpotProbe(api, options, this.#driver.facts, tools);
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
    return plan(this.#api, this.#options, this.#driver.facts, signal);
  }

  apply(signal: AbortSignal, done: (step: PlanStep) => void) {
    return apply(this.#api, this.#options, this.#driver.facts, signal, done);
  }

  read(record: RecordRef, signal: AbortSignal) {
    return holds(this.#api, this.#options, record, signal);
  }

  link(record: RecordRef) {
    return this.#links.of(record);
  }

  async close(): Promise<void> {}
}
