import type { Mapping } from '../../src/connector/index.ts';
import { type MappedField, mappedFields } from '../../src/crm/index.ts';
import type { FieldDescription } from './answers.ts';
import type { CustomFieldDefinition } from './field-definitions.ts';
import { longestText } from './fields.ts';
import { matchOf, type ObjectName, type PersonObject, type SalesforceOptions } from './options.ts';
import { attributionFields, followUpKey, isKey, isOwn, ownFields } from './setup-names.ts';

/** Our own fields: how they are to be, and whether they are. */

export interface OwnField {
  object: ObjectName;
  name: string;
  definition: CustomFieldDefinition;
  /** The mapping names it: of what is there, people know best how it should be. */
  isMapped?: boolean;
  /** What permissions are granted on. Task and Event share a field, and its permissions. */
  grants: string[];
}

/** Those that this configuration needs. */
export function ownFieldsFor(options: SalesforceOptions): OwnField[] {
  return [
    ...(options.activity.isWritten
      ? [onActivity(ownFields.Task, 'Delacon Call ID', 'It keeps a phone call from being recorded twice.')]
      : []),
    caller('Lead'),
    caller('Contact'),
    ...(options.followUp
      ? [onActivity(followUpKey, 'Delacon Follow-up Of', 'It keeps a call from being followed up twice.')]
      : []),
    ...(options.sale ? [sale] : []),
    ...(options.attribution ? peopleOf(options).flatMap(attributionOf) : []),
  ];
}

const customField = /^[A-Za-z]\w{0,39}__c$/;

const forms: Record<MappedField['holds'], Partial<CustomFieldDefinition> & { type: string }> = {
  text: { type: 'Text', length: longestText },
  number: { type: 'Number', precision: 18, scale: 2 },
  'yes or no': { type: 'Checkbox', defaultValue: 'false' },
  'date and time': { type: 'DateTime' },
};

/** Custom fields that the mapping names. */
export function mappedFieldsFor(options: SalesforceOptions): OwnField[] {
  const { person, activity, followUp, sale } = options;
  const mappings: [ObjectName, Mapping][] = [
    ...peopleOf(options).map((object): [ObjectName, Mapping] => [object, person.properties]),
    ['Task', { ...activity.properties, ...followUp?.properties }],
    ['Opportunity', sale?.properties ?? {}],
  ];
  return mappings.flatMap(([object, mapping]) =>
    mappedFields(mapping)
      .filter(({ name }) => customField.test(name) && !isOwn(name))
      .map(
        ({ name, label, holds }): OwnField => ({
          object,
          name,
          isMapped: true,
          definition: {
            fullName: `${object === 'Task' ? 'Activity' : object}.${name}`,
            label: label.slice(0, 40),
            ...forms[holds],
            description: 'Written by delacon-bridge, as its mapping says.',
          },
          grants: object === 'Task' ? [`Task.${name}`, `Event.${name}`] : [`${object}.${name}`],
        }),
      ),
  );
}

/** The objects whose records a caller may be. */
function peopleOf(options: SalesforceOptions): PersonObject[] {
  const match = matchOf(options);
  return (['Lead', 'Contact'] as const).filter(
    (object) => options.person.create === object || match.includes(object),
  );
}

function onActivity(name: string, label: string, purpose: string): OwnField {
  return {
    object: 'Task',
    name,
    definition: {
      fullName: `Activity.${name}`,
      label,
      type: 'Text',
      length: 64,
      externalId: true,
      unique: true,
      caseSensitive: true,
      description: `Written by delacon-bridge. Unique: ${purpose.charAt(0).toLowerCase()}${purpose.slice(1)}`,
    },
    grants: [`Task.${name}`, `Event.${name}`],
  };
}

function caller(object: PersonObject): OwnField {
  return {
    object,
    name: ownFields[object],
    definition: {
      fullName: `${object}.${ownFields[object]}`,
      label: 'Delacon Caller',
      type: 'Text',
      length: 40,
      externalId: true,
      unique: true,
      caseSensitive: false,
      description: 'Written by delacon-bridge: the number this person called from. Unique.',
    },
    grants: [`${object}.${ownFields[object]}`],
  };
}

const sale: OwnField = {
  object: 'Opportunity',
  name: ownFields.Opportunity,
  definition: {
    fullName: `Opportunity.${ownFields.Opportunity}`,
    label: 'Delacon Call ID',
    type: 'Text',
    length: 64,
    externalId: true,
    unique: true,
    caseSensitive: true,
    description: 'Written by delacon-bridge. Unique: it keeps a sale by phone from being recorded twice.',
  },
  grants: [`Opportunity.${ownFields.Opportunity}`],
};

const labels: Record<keyof (typeof attributionFields)['first'], string> = {
  at: 'Call',
  source: 'Source',
  keywords: 'Keywords',
  campaign: 'Campaign',
  landingPage: 'Landing Page',
  gclid: 'GCLID',
};

function attributionOf(object: PersonObject): OwnField[] {
  return (['first', 'last'] as const).flatMap((which) =>
    (Object.keys(labels) as (keyof typeof labels)[]).map((part): OwnField => {
      const name = attributionFields[which][part];
      return {
        object,
        name,
        definition: {
          fullName: `${object}.${name}`,
          label: `Delacon ${which === 'first' ? 'First' : 'Last'} ${labels[part]}`,
          ...(part === 'at' ? { type: 'DateTime' } : { type: 'Text', length: longestText }),
          description: `Written by delacon-bridge: how the ${which === 'first' ? 'first' : 'latest'} call of this person came about.`,
        },
        grants: [`${object}.${name}`],
      };
    }),
  );
}

/** Why a field cannot be used, if so. It takes what describe tells, or what its definition says. */
export function flaw(
  { name, definition, isMapped }: OwnField,
  field: Partial<FieldDescription | CustomFieldDefinition>,
): string | undefined {
  if (isMapped) return undefined;
  const isTime = definition.type === 'DateTime';
  const types = isTime ? ['datetime', 'DateTime'] : ['string', 'Text'];
  if (!types.includes(field.type ?? ''))
    return `exists as ${field.type}, not as ${isTime ? 'date and time' : 'text'}. ${makeRoom}`;
  if (!isKey(name)) return undefined;
  const { length = 0, caseSensitive } = definition;
  if (!field.externalId) return `exists, but is not an external ID. ${mendIt('tick "External ID"')}`;
  if (!field.unique)
    return `exists, but does not have to be unique. ${mendIt('tick "Unique", with "case sensitive"')}`;
  // Ids of calls may differ in nothing else, and the second of them could not be written.
  if (caseSensitive && field.caseSensitive === false)
    return `exists, but takes capital letters for small ones. ${mendIt('choose "Treat "ABC" and "abc" as different values (case sensitive)"')}`;
  if ((field.length ?? length) < length)
    return `exists, but is too short with ${field.length} characters. ${mendIt(`set its length to ${length} or more`)}`;
  return undefined;
}

const typeNames: Readonly<Record<string, string>> = {
  DateTime: 'date and time',
  Number: 'number',
  Checkbox: 'yes or no',
};

/** For people: `text of 64 characters, external ID, unique, case-sensitive`. */
export function formOf({ name, definition: { type, length, caseSensitive } }: OwnField): string {
  const form = type === 'Text' ? `text of ${length} characters` : (typeNames[type] ?? type);
  return isKey(name) ? `${form}, external ID, unique${caseSensitive ? ', case-sensitive' : ''}` : form;
}

const makeRoom =
  'Delete it in Salesforce (Setup, Object Manager), also from "Deleted Fields", then run setup again.';
const mendIt = (how: string) => `Edit it in Salesforce (Setup, Object Manager): ${how}.`;
