import {
  type Clock,
  type Connection,
  type Delivery,
  defineConnector,
  keepingRotated,
  OpenFollowUps,
  type PlanStep,
  type RecordDraft,
  type RecordRef,
  rehearsedFetch,
  type Tools,
} from '../../src/connector/index.ts';
import { PersonUpdates, UnownedPeople } from '../../src/crm/index.ts';
import { AfterCall } from './after-call.ts';
import { largestBatch, SalesforceApi } from './api.ts';
import { check } from './check.ts';
import { deliver, type Means } from './deliver.ts';
import { Descriptions } from './fields.ts';
import { followUpDraft } from './follow-up-draft.ts';
import { holds, objects } from './holds.ts';
import { NewPeople } from './new-people.ts';
import { options, type SalesforceOptions } from './options.ts';
import { Owners, ownerField } from './owners.ts';
import { People } from './people.ts';
import { PeopleToUpdate } from './people-updates.ts';
import { personDraft } from './person-draft.ts';
import { SalesforceProbe } from './probe.ts';
import { PretendedSalesforce } from './rehearsal.ts';
import { mostAtOnce } from './requests.ts';
import { saleDraft } from './sale-draft.ts';
import { apply, plan } from './setup.ts';
import { attributionFields } from './setup-names.ts';
import { taskDraft } from './task-draft.ts';
import { Tasks } from './tasks.ts';

/** Writes each call as one Task on whom it came from, and what it leaves: a follow-up, an Opportunity. */
export default defineConnector({
  type: 'salesforce',
  options,
  draft: (options, delivery) =>
    [
      personDraft(options, delivery) ?? [],
      taskDraft(options, delivery),
      followUpDraft(options, delivery) ?? [],
      saleDraft(options, delivery) ?? [],
    ].flat(),
  open: async (options, tools) =>
    new SalesforceConnection(await SalesforceApi.open(options, tools), options, tools),
  async openRehearsal(options, tools, rehearsal) {
    const salesforce = new PretendedSalesforce(options);
    const fetch = rehearsedFetch(salesforce, rehearsal, tools.fetch);
    const rehearsing = { ...tools, fetch, memory: keepingRotated(tools.memory, rehearsal) };
    const api = await SalesforceApi.open(options, rehearsing);
    salesforce.userId = () => api.user?.id;
    const draft: Draft = (delivery) => this.draft(options, delivery);
    return new RehearsingConnection(api, options, rehearsing, { salesforce, draft });
  },
});

class SalesforceConnection implements Connection {
  readonly limits = { batch: largestBatch, parallel: mostAtOnce };
  readonly probe: SalesforceProbe;
  readonly #api: SalesforceApi;
  readonly #means: Means;
  readonly #clock: Clock;
  readonly #descriptions: Descriptions;

  constructor(api: SalesforceApi, options: SalesforceOptions, tools: Tools) {
    this.#api = api;
    this.#clock = tools.clock;
    this.probe = new SalesforceProbe(api, options, tools);
    const descriptions = new Descriptions(api, tools.clock);
    this.#descriptions = descriptions;
    const owners = new Owners(api, tools.clock);
    const { onUpdate, properties } = options.person;
    const openFollowUps = new OpenFollowUps(options.followUp, tools.memory);
    const people = new PeopleToUpdate(api, options, descriptions);
    const unowned = new UnownedPeople(ownerField(api), people, tools.memory);
    const newPeople = new NewPeople(api, options, descriptions, owners, unowned);
    this.#means = {
      options,
      people: new People(api, options, newPeople, tools),
      updates: new PersonUpdates(
        people,
        { onUpdate, properties, touches: options.attribution ? attributionFields : undefined },
        tools.clock,
      ),
      unowned,
      owners,
      tasks: new Tasks(api, options, descriptions),
      afterCall: new AfterCall(api, options, descriptions, owners, openFollowUps),
    };
  }

  get quota() {
    return this.#api.quota;
  }

  deliver(batch: readonly Delivery[], signal: AbortSignal) {
    return this.#api.unanswered.in(() => deliver(batch, this.#means, signal));
  }

  check(signal: AbortSignal) {
    return check(this.#api, this.#means.options, this.#clock, signal);
  }

  plan(signal: AbortSignal) {
    return plan(this.#api, this.#means.options, signal);
  }

  apply(signal: AbortSignal, done: (step: PlanStep) => void) {
    return apply(this.#api, this.#means.options, signal, done);
  }

  read(record: RecordRef, signal: AbortSignal) {
    return holds(this.#api, this.#means.options, this.#descriptions, record, signal);
  }

  link({ type, id }: RecordRef) {
    const object = objects[type];
    return object && `${this.#api.instanceUrl}/lightning/r/${object}/${id}/view`;
  }

  async close(): Promise<void> {}
}

/** What a delivery would leave. */
type Draft = (delivery: Delivery) => RecordDraft[];

/** One whose requests are told, and only sent where they read. */
class RehearsingConnection extends SalesforceConnection {
  readonly #draft: Draft;
  readonly #salesforce: PretendedSalesforce;

  constructor(
    api: SalesforceApi,
    options: SalesforceOptions,
    tools: Tools,
    stage: { draft: Draft; salesforce: PretendedSalesforce },
  ) {
    super(api, options, tools);
    this.#draft = stage.draft;
    this.#salesforce = stage.salesforce;
  }

  override deliver(batch: readonly Delivery[], signal: AbortSignal) {
    this.#salesforce.learn(batch.flatMap(this.#draft));
    return super.deliver(batch, signal);
  }
}
