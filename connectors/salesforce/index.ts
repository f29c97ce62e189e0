import {
  type Connection,
  type Delivery,
  defineConnector,
  type PlanStep,
  type RecordRef,
  type Tools,
} from '../../src/connector/contract.ts';
import { largestBatch, SalesforceApi } from './api.ts';
import { check } from './check.ts';
import { deliver, type Means } from './deliver.ts';
import { FieldDescriptions } from './fields.ts';
import { options, type SalesforceOptions } from './options.ts';
import { People } from './people.ts';
import { PeopleUpdates } from './people-updates.ts';
import { personDraft } from './person-draft.ts';
import { mostAtOnce } from './requests.ts';
import { apply, plan } from './setup.ts';
import { taskDraft } from './task-draft.ts';
import { Tasks } from './tasks.ts';

/** Writes each call as one Task on one lead or contact. */
export default defineConnector({
  type: 'salesforce',
  options,
  draft: (options, delivery) => [personDraft(options, delivery) ?? [], taskDraft(options, delivery)].flat(),
  open: async (options, tools) =>
    new SalesforceConnection(await SalesforceApi.open(options, tools), options, tools),
});

const objects: Record<string, string> = { task: 'Task', lead: 'Lead', contact: 'Contact' };

class SalesforceConnection implements Connection {
  readonly limits = { batch: largestBatch, parallel: mostAtOnce };
  readonly #api: SalesforceApi;
  readonly #means: Means;

  constructor(api: SalesforceApi, options: SalesforceOptions, tools: Tools) {
    this.#api = api;
    const descriptions = new FieldDescriptions(api, tools.clock);
    this.#means = {
      options,
      people: new People(api, options, descriptions, tools),
      updates: new PeopleUpdates(api, options, descriptions),
      tasks: new Tasks(api, descriptions),
    };
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

  link({ type, id }: RecordRef) {
    const object = objects[type];
    return object && `${this.#api.instanceUrl}/lightning/r/${object}/${id}/view`;
  }

  async close(): Promise<void> {}
}
