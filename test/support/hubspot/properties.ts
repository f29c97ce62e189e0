import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { isCalendarDay } from '../calendar.ts';
import { invalid, invalidValue, notFound, Refusal, unknownProperty } from './refusals.ts';

type PropertyType = 'string' | 'number' | 'bool' | 'enumeration' | 'date' | 'datetime';

export interface Property {
  name: string;
  label: string;
  groupName: string;
  type: PropertyType;
  fieldType: string;
  description: string;
  options: { label: string; value: string; displayOrder: number; hidden: boolean }[];
  /** Its options are records of another kind, such as owners. */
  externalOptions: boolean;
  hasUniqueValue: boolean;
  calculated: boolean;
  archived: boolean;
  hubspotDefined: boolean;
  modificationMetadata: { readOnlyValue: boolean; readOnlyDefinition: boolean; archivable: boolean };
}

/** A property's type and its field must fit. */
const fieldTypes: Record<PropertyType, readonly string[]> = {
  string: ['text', 'textarea', 'html', 'file', 'phonenumber'],
  number: ['number'],
  bool: ['booleancheckbox'],
  enumeration: ['select', 'radio', 'checkbox', 'booleancheckbox'],
  date: ['date'],
  datetime: ['date'],
};

export const longestString = 65_536;
const mostUnique = 10;

/** The property definitions of one kind of object. */
export class Properties {
  readonly groups = new Map<
    string,
    { name: string; label: string; displayOrder: number; archived: boolean }
  >();
  readonly #properties = new Map<string, Property>();
  /** As an account that has phone validation switched on. */
  validatePhones = false;
  /** As an account in which no property of this kind can be unique. */
  refusesUnique = false;
  /** Whether a user of the account may own records. */
  isOwner = (_id: string) => false;
  /** Rules that an administrator has set: values of the property that match are refused. */
  readonly refusedValues = new Map<string, { values: RegExp; code: string }>();

  /** What an administrator demands of records: always when they are made, or where another property has a value. */
  readonly demands: { property: string; where?: { property: string; value: string } }[] = [];

  constructor(group: string, standard: readonly Property[]) {
    this.addGroup({ name: group, label: group });
    for (const property of standard) this.#properties.set(property.name, property);
  }

  all(): Property[] {
    return [...this.#properties.values()].filter((property) => !property.archived);
  }

  find(name: string): Property | undefined {
    const property = this.#properties.get(name);
    return property?.archived ? undefined : property;
  }

  get(name: string): Property {
    const property = this.find(name);
    if (!property) throw notFound(`The property named "${name}" does not exist.`);
    return property;
  }

  unique(): Property[] {
    return this.all().filter((property) => property.hasUniqueValue);
  }

  addGroup(group: { name?: unknown; label?: unknown; displayOrder?: unknown }) {
    const missing = ['name', 'label'].filter((field) => !group[field as 'name']);
    if (missing.length > 0) throw missingFields(missing);
    const name = String(group.name);
    if (this.groups.has(name)) {
      throw new Refusal(409, {
        message: `A property group named '${name}' already exists.`,
        category: 'OBJECT_ALREADY_EXISTS',
      });
    }
    const added = {
      name,
      label: String(group.label),
      displayOrder: Number(group.displayOrder ?? -1),
      archived: false,
    };
    this.groups.set(name, added);
    return added;
  }

  add(input: Record<string, unknown>): Property {
    const missing = ['groupName', 'name', 'label', 'type', 'fieldType'].filter((field) => !input[field]);
    if (missing.length > 0) throw missingFields(missing);
    const name = String(input['name']);
    const type = String(input['type']) as PropertyType;
    if (!/^[a-z][a-z0-9_]*$/.test(name)) throw invalid(`Invalid property name: ${name}`);
    if (!fieldTypes[type]?.includes(String(input['fieldType']))) {
      throw invalid(`fieldType ${input['fieldType']} is not allowed for type ${type}`);
    }
    if (!this.groups.has(String(input['groupName']))) {
      throw invalid(`Property group ${input['groupName']} does not exist`);
    }
    const before = this.#properties.get(name);
    if (before?.archived) {
      before.archived = false; // creating an archived name brings the old definition back, its uniqueness too
      return before;
    }
    if (before) {
      throw new Refusal(409, {
        message: `A property named '${name}' already exists.`,
        category: 'OBJECT_ALREADY_EXISTS',
        subCategory: 'Properties.PROPERTY_WITH_NAME_EXISTS',
      });
    }
    const hasUniqueValue = input['hasUniqueValue'] === true;
    if (hasUniqueValue && this.refusesUnique) {
      throw invalid('Unique values are not supported for properties of this object type.');
    }
    if (hasUniqueValue && this.unique().filter((other) => !other.hubspotDefined).length >= mostUnique) {
      throw invalid(`You can only have ${mostUnique} unique properties per object`);
    }
    const property = define(name, type, {
      label: String(input['label']),
      groupName: String(input['groupName']),
      fieldType: String(input['fieldType']),
      description: String(input['description'] ?? ''),
      options: readOptions(input['options']),
      hasUniqueValue,
      hubspotDefined: false,
      modificationMetadata: { readOnlyValue: false, readOnlyDefinition: false, archivable: true },
    });
    this.#properties.set(name, property);
    return property;
  }

  archive(name: string): void {
    this.get(name).archived = true;
  }

  /** The values as HubSpot keeps them, or a refusal. */
  accept(values: Record<string, unknown>): Record<string, string> {
    const kept: Record<string, string> = {};
    for (const [name, value] of Object.entries(values)) {
      const property = this.find(name);
      if (!property) throw unknownProperty(name);
      if (property.modificationMetadata.readOnlyValue) {
        throw invalidValue(
          name,
          'READ_ONLY_VALUE',
          `"${name}" is a read only property; its value cannot be set.`,
        );
      }
      kept[name] = this.#acceptValue(property, value);
    }
    return kept;
  }

  /** As from 2026-09 on. https://developers.hubspot.com/changelog/crm-api-write-validation-enforcement */
  checkDemands(values: Record<string, string>, isNew: boolean): void {
    for (const { property, where } of this.demands) {
      if (values[property] || (where ? values[where.property] !== where.value : !isNew)) continue;
      const code = where ? 'MISSING_CONDITIONAL_REQUIRED_PROPERTY' : 'MISSING_REQUIRED_PROPERTY';
      const message = where
        ? `${property} is required because of a conditional property rule based on [${where.property}]`
        : `A value for ${property} must be provided`;
      throw invalid(message, { errors: [{ message, code, context: { propertyName: [property] } }] });
    }
  }

  #acceptValue(property: Property, value: unknown): string {
    const { name, type } = property;
    if (value === null || value === '') return '';
    if (typeof value === 'object') throw invalid(`Invalid input JSON: property ${name} must be a string`);
    const text = String(value);
    if (text.length > longestString) {
      throw invalidValue(name, 'INVALID_STRING', `${name} is longer than ${longestString} characters.`);
    }
    const rule = this.refusedValues.get(name);
    if (rule?.values.test(text)) {
      throw invalidValue(name, rule.code, `${name} does not meet the validation rule of this account.`);
    }
    if (name === 'hubspot_owner_id' && !this.isOwner(text)) {
      throw invalidValue(name, 'INVALID_OWNER_ID', `Owner ${text} does not exist or is not active.`);
    }
    if (type === 'enumeration' && !property.externalOptions) {
      const options = property.options.map((option) => option.value);
      for (const part of text.split(';').filter(Boolean)) {
        if (!options.includes(part)) {
          throw invalidValue(
            name,
            'INVALID_OPTION',
            `${part} was not one of the allowed options: [${options.join(', ')}]`,
          );
        }
      }
    }
    if (type === 'number' && !/^-?\d+(\.\d+)?$/.test(text)) {
      throw invalidValue(name, 'INVALID_LONG', `${text} was not a valid long.`);
    }
    if (type === 'bool' && !['true', 'false'].includes(text)) {
      throw invalidValue(name, 'INVALID_BOOLEAN', `${text} was not a valid boolean.`);
    }
    if (type === 'datetime') return acceptDateTime(name, text);
    if (type === 'date' && !isCalendarDay(text) && !(/^\d+$/.test(text) && Number(text) % 86_400_000 === 0)) {
      throw invalidValue(name, 'INVALID_DATE', `${text} is not midnight in UTC.`);
    }
    if (name === 'hs_call_recording_url' && !text.startsWith('https://')) {
      throw invalidValue(name, 'INVALID_URL', 'The recording URL must be https.');
    }
    if (this.validatePhones && property.fieldType === 'phonenumber' && !isE164(text)) {
      throw invalidValue(name, 'INVALID_PHONE_NUMBER', `${text} is not a valid phone number.`);
    }
    return name === 'email' ? text.toLowerCase() : text;
  }
}

function readOptions(input: unknown): Property['options'] {
  const asked = (input ?? []) as { label?: unknown; value?: unknown }[];
  return asked.map(({ label, value }, displayOrder) => {
    if (!label || !value) throw missingFields(['label', 'value']);
    return { label: String(label), value: String(value), displayOrder, hidden: false };
  });
}

function isE164(text: string): boolean {
  return text.startsWith('+') && parsePhoneNumberFromString(text)?.isValid() === true;
}

function acceptDateTime(name: string, text: string): string {
  const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text);
  const at = /^\d+$/.test(text) ? Number(text) : iso ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw invalidValue(name, 'INVALID_LONG', `${text} was not a valid long.`);
  return new Date(at).toISOString();
}

function missingFields(fields: string[]): Refusal {
  return invalid(
    `Invalid input JSON on line 1, column 2. Some required fields were not set: [${fields.join(', ')}]`,
  );
}

function define(name: string, type: PropertyType, more: Partial<Property> = {}): Property {
  return {
    name,
    label: name,
    groupName: 'standard',
    type,
    fieldType: fieldTypes[type][0] as string,
    description: '',
    options: [],
    externalOptions: false,
    hasUniqueValue: false,
    calculated: false,
    archived: false,
    hubspotDefined: true,
    modificationMetadata: { readOnlyValue: false, readOnlyDefinition: true, archivable: false },
    ...more,
  };
}

const options = (values: readonly string[]) =>
  labelled(Object.fromEntries(values.map((value) => [value, value])));

const labelled = (labels: Record<string, string>) =>
  Object.entries(labels).map(([value, label], displayOrder) => ({
    label,
    value,
    displayOrder,
    hidden: false,
  }));

const readOnly = {
  calculated: true,
  modificationMetadata: { readOnlyValue: true, readOnlyDefinition: true, archivable: false },
};

const onEveryObject = [
  define('hs_object_id', 'number', readOnly),
  define('hs_merged_object_ids', 'enumeration', { ...readOnly, fieldType: 'checkbox' }),
  define('hubspot_owner_id', 'enumeration', { externalOptions: true }),
];

export function contactProperties(): Properties {
  return new Properties('contactinformation', [
    ...onEveryObject.map((property) => ({ ...property })),
    define('createdate', 'datetime', readOnly),
    define('lastmodifieddate', 'datetime', readOnly),
    define('email', 'string', { hasUniqueValue: true }),
    ...['firstname', 'lastname', 'company', 'city', 'state', 'website', 'hs_google_click_id'].map((name) =>
      define(name, 'string'),
    ),
    define('phone', 'string', { fieldType: 'phonenumber' }),
    define('mobilephone', 'string', { fieldType: 'phonenumber' }),
    define('hs_analytics_source', 'enumeration', {
      options: options(['ORGANIC_SEARCH', 'PAID_SEARCH', 'REFERRALS', 'DIRECT_TRAFFIC', 'OFFLINE']),
    }),
    define('lifecyclestage', 'enumeration', {
      options: options(['subscriber', 'lead', 'opportunity', 'customer']),
    }),
    ...[
      'hs_searchable_calculated_phone_number',
      'hs_searchable_calculated_mobile_number',
      'hs_searchable_calculated_international_phone_number',
      'hs_searchable_calculated_international_mobile_number',
    ].map((name) => define(name, 'string', readOnly)),
  ]);
}

export function callProperties(): Properties {
  return new Properties('call', [
    ...onEveryObject.map((property) => ({ ...property })),
    define('hs_createdate', 'datetime', readOnly),
    define('hs_lastmodifieddate', 'datetime', readOnly),
    define('hs_body_preview', 'string', readOnly),
    define('hs_timestamp', 'datetime'),
    define('hs_call_title', 'string'),
    define('hs_call_body', 'string', { fieldType: 'html' }),
    define('hs_call_duration', 'number'),
    define('hs_call_from_number', 'string'),
    define('hs_call_to_number', 'string'),
    define('hs_call_direction', 'enumeration', { options: options(['INBOUND', 'OUTBOUND']) }),
    define('hs_call_status', 'enumeration', {
      options: options([
        'BUSY',
        'CALLING_CRM_USER',
        'CANCELED',
        'COMPLETED',
        'CONNECTING',
        'FAILED',
        'IN_PROGRESS',
        'NO_ANSWER',
        'QUEUED',
        'RINGING',
      ]),
    }),
    define('hs_call_disposition', 'enumeration', {
      options: labelled({
        '9d9162e7-6cf3-4944-bf63-4dff82258764': 'Busy',
        'f240bbac-87c9-4f6e-bf70-924b57d47db7': 'Connected',
        'a4c4c377-d246-4b32-a13b-75a56a4cd0ff': 'Left live message',
        'b2cf5968-551e-4856-9783-52b3da59a7d0': 'Left voicemail',
        '73a0d17f-1163-4015-bdd5-ec830791da20': 'No answer',
        '17b47fee-58de-441e-a44c-c6300d46f273': 'Wrong number',
      }),
    }),
    define('hs_call_recording_url', 'string'),
    define('hs_call_has_voicemail', 'bool', { options: options(['true', 'false']) }),
    define('hs_call_source', 'enumeration', { options: options(['INTEGRATIONS_PLATFORM']) }),
    define('hs_call_external_id', 'string'),
    define('hs_call_callee_object_id', 'number'),
    define('hs_activity_type', 'enumeration'),
  ]);
}

const onEveryActivity = [
  define('hs_createdate', 'datetime', readOnly),
  define('hs_lastmodifieddate', 'datetime', readOnly),
  define('hs_timestamp', 'datetime'),
];

export function taskProperties(): Properties {
  return new Properties('task', [
    ...[...onEveryObject, ...onEveryActivity].map((property) => ({ ...property })),
    define('hs_task_subject', 'string'),
    define('hs_task_body', 'string', { fieldType: 'html' }),
    define('hs_task_status', 'enumeration', {
      options: options(['NOT_STARTED', 'IN_PROGRESS', 'WAITING', 'DEFERRED', 'COMPLETED']),
    }),
    define('hs_task_priority', 'enumeration', { options: options(['NONE', 'LOW', 'MEDIUM', 'HIGH']) }),
    define('hs_task_type', 'enumeration', { options: options(['CALL', 'EMAIL', 'TODO']) }),
    define('hs_task_reminders', 'string'),
  ]);
}

export function dealProperties(): Properties {
  return new Properties('dealinformation', [
    ...onEveryObject.map((property) => ({ ...property })),
    define('hs_createdate', 'datetime', readOnly),
    define('hs_lastmodifieddate', 'datetime', readOnly),
    define('dealname', 'string'),
    define('pipeline', 'enumeration', { externalOptions: true }),
    define('dealstage', 'enumeration', { externalOptions: true }),
    define('amount', 'number'),
    define('closedate', 'datetime'),
    define('description', 'string', { fieldType: 'textarea' }),
    define('dealtype', 'enumeration', {
      options: labelled({ newbusiness: 'New Business', existingbusiness: 'Existing Business' }),
    }),
  ]);
}

export function companyProperties(): Properties {
  return new Properties('companyinformation', [
    ...onEveryObject.map((property) => ({ ...property })),
    define('hs_createdate', 'datetime', readOnly),
    define('hs_lastmodifieddate', 'datetime', readOnly),
    define('name', 'string'),
  ]);
}
