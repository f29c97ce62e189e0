import { AccountFacts, type Tools } from '../../src/connector/index.ts';
import { type CrmDriver, draftsFrom } from '../../src/crm/index.ts';
import type { HubSpotApi } from './api.ts';
import { touchFields } from './attribution.ts';
import { CallRecords } from './call-records.ts';
import { Companies } from './companies.ts';
import { contactsToUpdate } from './contact-updates.ts';
import type { Facts, HubSpotFacts } from './facts.ts';
import { Fields } from './fields.ts';
import { modelOf } from './model.ts';
import { type HubSpotOptions, mappedProperties } from './options.ts';
import { Contacts } from './people.ts';
import { Pipelines } from './pipelines.ts';
import { Records } from './records.ts';
import { ownerField, usersOf } from './users.ts';

/** HubSpot as the engine drives it. */
export class HubSpotDriver implements CrmDriver {
  readonly name = 'HubSpot';
  readonly touches = touchFields;
  readonly drafts: CrmDriver['drafts'];
  readonly owner: CrmDriver['owner'];
  readonly people: CrmDriver['people'];
  readonly personRecords: CrmDriver['personRecords'];
  readonly records: CrmDriver['records'];
  readonly facts: HubSpotFacts;
  readonly pipelines: Pipelines;
  readonly #api: HubSpotApi;

  /** @param ownerRefused HubSpot does not take an owner any more */
  constructor(api: HubSpotApi, options: HubSpotOptions, tools: Tools, ownerRefused: () => void) {
    const { clock } = tools;
    this.#api = api;
    this.facts = new AccountFacts<Facts>(tools);
    this.pipelines = new Pipelines(api, options.sale, clock);
    const companies = options.activity.company ? new Companies(api, clock) : undefined;
    const records = new Records(api, new Fields(api, clock, mappedProperties(options)), ownerRefused);
    this.drafts = draftsFrom(modelOf(options), options);
    this.owner = ownerField(api);
    this.people = new Contacts(api, records, this.facts, companies, tools);
    this.personRecords = contactsToUpdate(api, records);
    this.records = new CallRecords(api, records, options, this.facts, this.pipelines, companies);
  }

  users(addresses: readonly string[], signal: AbortSignal) {
    return usersOf(this.#api, addresses, signal);
  }

  async showsOnlyEnded(): Promise<boolean> {
    return (await this.facts.all()).timeline === 'ended';
  }
}
