import {
  type Connection,
  type Delivery,
  defineConnector,
  type PlanStep,
  type RecordRef,
  type Tools,
} from '../../src/connector/contract.ts';
import { HubSpotApi, largestBatch } from './api.ts';
import { callDraft } from './call-draft.ts';
import { Calls } from './calls.ts';
import { check } from './check.ts';
import { contactDraft } from './contact-draft.ts';
import { Contacts } from './contacts.ts';
import { deliver, type Means } from './deliver.ts';
import { RecordLinks } from './links.ts';
import { type HubSpotOptions, options } from './options.ts';
import { openStage } from './rehearsal.ts';
import { apply, plan } from './setup.ts';

/** Writes each call as one HubSpot call on one contact. */
export default defineConnector({
  type: 'hubspot',
  options,
  draft: (options, delivery) => [contactDraft(options, delivery) ?? [], callDraft(options, delivery)].flat(),
  open: async (options, tools) =>
    new HubSpotConnection(await HubSpotApi.open(options, tools), options, tools),
  async openRehearsal(options, tools, rehearsal) {
    const stage = await openStage(options, tools, rehearsal);
    const api = await HubSpotApi.open({ ...options, baseUrl: stage.url }, tools);
    return new HubSpotConnection(api, options, tools, stage.close);
  },
});

/** Enough to use up what the largest accounts are granted, 19 requests a second, when each takes 0.4 s. */
const parallel = 8;

class HubSpotConnection implements Connection {
  readonly limits = { batch: largestBatch, parallel };
  readonly #api: HubSpotApi;
  readonly #means: Means;
  readonly #links: RecordLinks;
  readonly close: () => Promise<void>;

  constructor(api: HubSpotApi, options: HubSpotOptions, tools: Tools, close = async () => {}) {
    this.#api = api;
    this.close = close;
    const contacts = new Contacts(api, options, tools.people, tools.log);
    this.#means = { options, contacts, calls: new Calls(api) };
    this.#links = new RecordLinks(api);
  }

  get quota() {
    return this.#api.quota;
  }

  deliver(batch: readonly Delivery[], signal: AbortSignal) {
    return deliver(batch, this.#means, signal);
  }

  check(signal: AbortSignal) {
    return check(this.#api, this.#means.options, signal);
  }

  plan(signal: AbortSignal) {
    return plan(this.#api, signal);
  }

  apply(signal: AbortSignal, done: (step: PlanStep) => void) {
    return apply(this.#api, signal, done);
  }

  link(record: RecordRef) {
    return this.#links.of(record);
  }
}
