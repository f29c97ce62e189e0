import {
  type Connection,
  type Delivery,
  defineConnector,
  Findings,
  keepingRotated,
  type PlanStep,
  type RecordDraft,
  type RecordRef,
  type Rehearsal,
  type Tools,
} from '../../src/connector/index.ts';
import { ActivityOwners, PersonUpdates, UnownedPeople } from '../../src/crm/index.ts';
import { HubSpotApi } from './api.ts';
import { touchFields } from './attribution.ts';
import { largestBatch } from './batches.ts';
import { callDraft } from './call-draft.ts';
import { Calls } from './calls.ts';
import { check } from './check.ts';
import { Companies } from './companies.ts';
import { contactDraft } from './contact-draft.ts';
import { contactsToUpdate } from './contact-updates.ts';
import { Contacts } from './contacts.ts';
import { dealDraft } from './deal-draft.ts';
import { Deals } from './deals.ts';
import { deliver, type Means } from './deliver.ts';
import { Fields } from './fields.ts';
import type { Found, HubSpotFindings } from './found.ts';
import { holds } from './holds.ts';
import { KeyedRecords } from './keyed-records.ts';
import { RecordLinks } from './links.ts';
import { type HubSpotOptions, mappedProperties, options } from './options.ts';
import { Owners, ownerField } from './owners.ts';
import { Pipelines } from './pipelines.ts';
import { HubSpotProbe } from './probe.ts';
import { Records } from './records.ts';
import { openStage, PretendedHubSpot } from './rehearsal.ts';
import { apply, plan } from './setup.ts';
import { taskDraft } from './task-draft.ts';
import { Tasks } from './tasks.ts';

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
  readonly #means: Means;
  readonly #pipelines: Pipelines;
  readonly #links: RecordLinks;

  constructor(api: HubSpotApi, options: HubSpotOptions, tools: Tools) {
    const { clock, memory } = tools;
    this.#api = api;
    const findings: HubSpotFindings = new Findings<Found>(tools);
    const owners = new Owners(api, options.owner, clock);
    const records = new Records(api, new Fields(api, clock, mappedProperties(options)), owners.forget);
    const keyed = { api, records, findings, memory, clock };
    const people = contactsToUpdate(api, records);
    const field = ownerField(api);
    const unowned = new UnownedPeople(field, people, memory);
    const { onUpdate, properties } = options.person;
    const touches = options.attribution ? touchFields : undefined;
    const updates = new PersonUpdates(people, { onUpdate, properties, touches }, clock);
    this.#pipelines = new Pipelines(api, options.sale, clock);
    this.#means = {
      options,
      findings,
      owners,
      contacts: new Contacts(api, records, options, unowned, updates, findings, tools),
      updates,
      unowned,
      companies: options.activity.company ? new Companies(api, clock) : undefined,
      calls: new Calls(new KeyedRecords(keyed, 'calls', new ActivityOwners(field)), options, findings),
      tasks: new Tasks(new KeyedRecords(keyed, 'tasks'), records, options, memory),
      deals: new Deals(new KeyedRecords(keyed, 'deals'), options, this.#pipelines),
    };
    this.#links = new RecordLinks(api);
    this.probe = new HubSpotProbe(api, options, findings, tools);
  }

  get quota() {
    return this.#api.quota;
  }

  deliver(batch: readonly Delivery[], signal: AbortSignal) {
    return this.#api.unanswered.in(() => deliver(batch, this.#means, signal));
  }

  check(signal: AbortSignal) {
    return check(
      this.#api,
      this.#means.options,
      this.#means.findings,
      this.#means.owners,
      this.#pipelines,
      signal,
    );
  }

  plan(signal: AbortSignal) {
    return plan(this.#api, this.#means.options, this.#means.findings, signal);
  }

  apply(signal: AbortSignal, done: (step: PlanStep) => void) {
    return apply(this.#api, this.#means.options, this.#means.findings, signal, done);
  }

  read(record: RecordRef, signal: AbortSignal) {
    return holds(this.#api, this.#means.options, record, signal);
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
