import {
  type Connection,
  type Delivery,
  defineConnector,
  type PlanStep,
  type RecordDraft,
  type RecordRef,
  type Tools,
} from '../../src/connector/index.ts';
import { CrmEngine, draftsFrom, draftsOf, dryConnection } from '../../src/crm/index.ts';
import { largestBatch, SalesforceApi } from './api.ts';
import { check } from './check.ts';
import { SalesforceDriver } from './driver.ts';
import { holds, objects } from './holds.ts';
import { modelOf } from './model.ts';
import { options, orgOf, type SalesforceOptions } from './options.ts';
import { PretendedSalesforce } from './pretended.ts';
import { SalesforceProbe } from './probe.ts';
import { apply, plan } from './setup.ts';
import { mostAtOnce } from './transport.ts';

/** Writes each call as one Task on whom it came from, and what it leaves: a follow-up, an Opportunity. */
export default defineConnector({
  type: 'salesforce',
  options,
  account: orgOf,
  draft,
  open: async (options, tools) =>
    new SalesforceConnection(await SalesforceApi.open(options, tools), options, tools),
  openDry(options, tools, dryRun) {
    const salesforce = new PretendedSalesforce(options);
    return dryConnection(
      salesforce,
      dryRun,
      tools,
      (delivery) => draft(options, delivery),
      async (tools, wrap) => {
        const api = await SalesforceApi.open(options, tools, wrap);
        salesforce.userId = () => api.user?.id;
        return new SalesforceConnection(api, options, tools);
      },
    );
  },
});

function draft(options: SalesforceOptions, delivery: Delivery): RecordDraft[] {
  return draftsOf(draftsFrom(modelOf(options), options), delivery);
}

class SalesforceConnection implements Connection {
  readonly limits = { batch: largestBatch, parallel: mostAtOnce };
  readonly probe: SalesforceProbe;
  readonly #api: SalesforceApi;
  readonly #options: SalesforceOptions;
  readonly #driver: SalesforceDriver;
  readonly #engine: CrmEngine;

  constructor(api: SalesforceApi, options: SalesforceOptions, tools: Tools) {
    this.#api = api;
    this.#options = options;
    this.#driver = new SalesforceDriver(api, options, tools, () => this.#engine.users.forget());
    this.#engine = new CrmEngine(this.#driver, options, tools);
    this.probe = new SalesforceProbe(api, options, tools);
  }

  get quota() {
    return this.#api.quota;
  }

  deliver(batch: readonly Delivery[], signal: AbortSignal) {
    return this.#api.unanswered.in(() => this.#engine.deliver(batch, signal));
  }

  check(signal: AbortSignal) {
    return check(this.#api, this.#options, this.#engine.users, signal);
  }

  plan(signal: AbortSignal) {
    return plan(this.#api, this.#options, signal);
  }

  apply(signal: AbortSignal, done: (step: PlanStep) => void) {
    return apply(this.#api, this.#options, signal, done);
  }

  read(record: RecordRef, signal: AbortSignal) {
    return holds(this.#api, this.#options, this.#driver.descriptions, record, signal);
  }

  link({ type, id }: RecordRef) {
    const object = objects[type];
    return object && `${this.#api.instanceUrl}/lightning/r/${object}/${id}/view`;
  }

  async close(): Promise<void> {}
}
