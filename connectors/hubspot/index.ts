import {
  type Connection,
  type Delivery,
  defineConnector,
  Findings,
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
import type { Found } from './found.ts';
import { RecordLinks } from './links.ts';
import { type HubSpotOptions, options } from './options.ts';
import { HubSpotProbe } from './probe.ts';
import { SearchedCalls } from './searched-calls.ts';
import { apply, plan } from './setup.ts';

/** Writes each call as one HubSpot call on one contact. */
export default defineConnector({
  type: 'hubspot',
  options,
  draft: (options, delivery) => [contactDraft(options, delivery) ?? [], callDraft(options, delivery)].flat(),
  open: async (options, tools) =>
    new HubSpotConnection(await HubSpotApi.open(options, tools), options, tools),
});

/** Enough to use up what the largest accounts are granted, 19 requests a second, when each takes 0.4 s. */
const parallel = 8;

class HubSpotConnection implements Connection {
  readonly limits = { batch: largestBatch, parallel };
  readonly probe: HubSpotProbe;
  readonly #api: HubSpotApi;
  readonly #means: Means;
  readonly #links: RecordLinks;

  constructor(api: HubSpotApi, options: HubSpotOptions, tools: Tools) {
    this.#api = api;
    const findings = new Findings<Found>(tools);
    this.#means = {
      options,
      findings,
      contacts: new Contacts(api, options, findings, tools),
      calls: new Calls(api, () => findings.all()),
      searchedCalls: new SearchedCalls(api, tools.memory, tools.clock),
    };
    this.#links = new RecordLinks(api);
    this.probe = new HubSpotProbe(api, findings, tools);
  }

  get quota() {
    return this.#api.quota;
  }

  deliver(batch: readonly Delivery[], signal: AbortSignal) {
    return deliver(batch, this.#means, signal);
  }

  check(signal: AbortSignal) {
    return check(this.#api, this.#means.options, this.#means.findings, signal);
  }

  plan(signal: AbortSignal) {
    return plan(this.#api, this.#means.findings, signal);
  }

  apply(signal: AbortSignal, done: (step: PlanStep) => void) {
    return apply(this.#api, this.#means.findings, signal, done);
  }

  link(record: RecordRef) {
    return this.#links.of(record);
  }

  async close(): Promise<void> {}
}
