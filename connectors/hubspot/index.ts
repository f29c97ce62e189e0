import {
  type Connection,
  type Delivery,
  defineConnector,
  type PlanStep,
  type RecordRef,
  type Tools,
} from '../../src/connector/contract.ts';
import { HubSpotApi } from './api.ts';
import { largestBatch } from './batches.ts';
import { callDraft } from './call-draft.ts';
import { Calls } from './calls.ts';
import { check } from './check.ts';
import { Companies } from './companies.ts';
import { contactDraft } from './contact-draft.ts';
import { Contacts } from './contacts.ts';
import { dealDraft } from './deal-draft.ts';
import { Deals } from './deals.ts';
import { deliver, type Means } from './deliver.ts';
import { Fields } from './fields.ts';
import { RecordLinks } from './links.ts';
import { type HubSpotOptions, mappedProperties, options } from './options.ts';
import { Owners } from './owners.ts';
import { Pipelines } from './pipelines.ts';
import { Records } from './records.ts';
import { apply, plan } from './setup.ts';
import { taskDraft } from './task-draft.ts';
import { Tasks } from './tasks.ts';
import { UnownedContacts } from './unowned-contacts.ts';

/** Writes each call as one HubSpot call on one contact, with a task where somebody should call back and a deal on a sale. */
export default defineConnector({
  type: 'hubspot',
  options,
  draft: (options, delivery) =>
    [
      contactDraft(options, delivery) ?? [],
      callDraft(options, delivery),
      taskDraft(options, delivery) ?? [],
      dealDraft(options, delivery) ?? [],
    ].flat(),
  open: async (options, tools) =>
    new HubSpotConnection(await HubSpotApi.open(options, tools), options, tools),
});

/** Enough to use up what the largest accounts are granted, 19 requests a second, when each takes 0.4 s. */
const parallel = 8;

class HubSpotConnection implements Connection {
  readonly limits = { batch: largestBatch, parallel };
  readonly #api: HubSpotApi;
  readonly #means: Means;
  readonly #pipelines: Pipelines;
  readonly #links: RecordLinks;

  constructor(api: HubSpotApi, options: HubSpotOptions, tools: Tools) {
    const { clock, memory } = tools;
    this.#api = api;
    const owners = new Owners(api, options.owner, clock);
    const records = new Records(api, new Fields(api, clock, mappedProperties(options)), owners.forget);
    const unowned = new UnownedContacts(api, records, memory);
    this.#pipelines = new Pipelines(api, options.sale, clock);
    this.#means = {
      options,
      owners,
      contacts: new Contacts(api, records, options, unowned, tools),
      unowned,
      companies: options.activity.company ? new Companies(api, clock) : undefined,
      calls: new Calls(api, records, options),
      tasks: new Tasks(api, records, options, memory),
      deals: new Deals(api, records, options, this.#pipelines),
    };
    this.#links = new RecordLinks(api);
  }

  get quota() {
    return this.#api.quota;
  }

  deliver(batch: readonly Delivery[], signal: AbortSignal) {
    return deliver(batch, this.#means, signal);
  }

  check(signal: AbortSignal) {
    return check(this.#api, this.#means.options, this.#means.owners, this.#pipelines, signal);
  }

  plan(signal: AbortSignal) {
    return plan(this.#api, this.#means.options, signal);
  }

  apply(signal: AbortSignal, done: (step: PlanStep) => void) {
    return apply(this.#api, this.#means.options, signal, done);
  }

  link(record: RecordRef) {
    return this.#links.of(record);
  }

  async close(): Promise<void> {}
}
