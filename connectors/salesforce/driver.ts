import type { Tools } from '../../src/connector/index.ts';
import { type CallRecord, type CrmDriver, draftsFrom, type RecordDriver } from '../../src/crm/index.ts';
import { AfterCall } from './after-call.ts';
import type { SalesforceApi } from './api.ts';
import { Descriptions } from './fields.ts';
import { modelOf } from './model.ts';
import { NewPeople } from './new-people.ts';
import type { SalesforceOptions } from './options.ts';
import { People } from './people.ts';
import { PeopleToUpdate } from './people-updates.ts';
import { Records } from './records.ts';
import { attributionFields } from './setup-names.ts';
import { Tasks } from './tasks.ts';
import { ownerField, usersOf } from './users.ts';

/** Salesforce as the engine drives it. */
export class SalesforceDriver implements CrmDriver {
  readonly name = 'Salesforce';
  readonly touches = attributionFields;
  readonly drafts: CrmDriver['drafts'];
  readonly owner: CrmDriver['owner'];
  readonly people: CrmDriver['people'];
  readonly personRecords: CrmDriver['personRecords'];
  readonly records: CrmDriver['records'];
  readonly descriptions: Descriptions;
  readonly #api: SalesforceApi;

  /** @param ownerRefused Salesforce does not take an owner any more */
  constructor(api: SalesforceApi, options: SalesforceOptions, { clock }: Tools, ownerRefused: () => void) {
    this.#api = api;
    this.descriptions = new Descriptions(api, options, clock);
    const records = new Records(this.descriptions, options, ownerRefused);
    const tasks = new Tasks(api, options, records);
    this.drafts = draftsFrom(modelOf(options), options);
    this.owner = ownerField(api);
    this.people = new People(api, options, new NewPeople(api, options, records, tasks));
    this.personRecords = new PeopleToUpdate(api, options, records);
    this.records = recordsOf(tasks, new AfterCall(api, records));
  }

  users(addresses: readonly string[], signal: AbortSignal) {
    return usersOf(this.#api, addresses, signal);
  }
}

/** Activities are upserted, what else a call leaves is inserted: the engine never writes both at once. */
function recordsOf(tasks: Tasks, afterCall: AfterCall): RecordDriver {
  const isActivity = (records: readonly CallRecord[]) => records[0]?.role === 'activity';
  return {
    create: (records, signal) => (isActivity(records) ? tasks : afterCall).create(records, signal),
    find: (records, signal) => (isActivity(records) ? tasks : afterCall).find(records, signal),
    unseen: (record, failure) =>
      record.role === 'activity' ? tasks.unseen(failure) : afterCall.unseen(record, failure),
    update: (changes, signal) => tasks.update(changes, signal),
    look: (records, signal) => tasks.look(records, signal),
    prepareSales: (sales, signal) => afterCall.prepareSales(sales, signal),
    complete: (ids, signal) => afterCall.complete(ids, signal),
  };
}
