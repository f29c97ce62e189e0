import { labelled, type RecordRef } from '../../src/connector/index.ts';
import { unaskedFields } from '../../src/crm/index.ts';
import type { SalesforceApi } from './api.ts';
import { RequestFailed } from './failures.ts';
import type { Descriptions } from './fields.ts';
import { modelOf } from './model.ts';
import type { ObjectName, SalesforceOptions } from './options.ts';
import { ownFieldsFor } from './own-fields.ts';
import { quote } from './soql.ts';

/** The object of a record; a person account is known by its contact. */
export const objects: Readonly<Record<string, ObjectName>> = {
  task: 'Task',
  lead: 'Lead',
  contact: 'Contact',
  account: 'Account',
  personaccount: 'Contact',
  opportunity: 'Opportunity',
};

/** What the bridge writes without being asked to, and who a record is of. */
function writtenIn(object: ObjectName, options: SalesforceOptions): string[] {
  const { person, activity, followUp, sale } = unaskedFields(modelOf(options));
  const ofPeople = [...person, 'FirstName', 'MobilePhone'];
  const written: Record<ObjectName, string[]> = {
    Task: [...activity, ...followUp, 'WhoId', 'WhatId'],
    Lead: ofPeople,
    Contact: ofPeople,
    Account: ['Name', 'Phone'],
    Opportunity: [...sale, 'AccountId', 'ContactId'],
  };
  return [...written[object], 'OwnerId'];
}

/** What Salesforce holds of a record, of all that the bridge may have written and may see. Null: it is gone. */
export async function holds(
  api: SalesforceApi,
  options: SalesforceOptions,
  descriptions: Descriptions,
  { type, id }: RecordRef,
  signal: AbortSignal,
): Promise<Record<string, unknown> | null> {
  const object = objects[type];
  if (!object) return null;
  const parts = { Task: [options.activity, options.followUp], Opportunity: [options.sale] };
  const mapped = object in parts ? parts[object as keyof typeof parts] : [options.person];
  const own = ownFieldsFor(options).flatMap((field) => (field.object === object ? [field.name] : []));
  const described = await descriptions.of(object, signal);
  const names = [
    ...new Set([
      ...writtenIn(object, options),
      ...mapped.flatMap((part) => Object.keys(part?.properties ?? {})),
      ...own,
    ]),
  ].filter((name) => described.has(name));
  const statement = `SELECT ${['Id', ...names].join(',')} FROM ${object} WHERE IsDeleted = false AND Id = ${quote(id)}`;
  const [found] = await api.query([statement], signal, 'queryAll');
  if (found?.failure) throw new RequestFailed(found.failure);
  const row = found?.rows[0];
  if (!row) return null;
  const held = Object.fromEntries(names.map((name) => [name, row[name]]));
  return labelled(held, new Map([...described].map(([name, { label }]) => [name, label])));
}
