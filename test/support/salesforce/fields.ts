/** The fields of the objects that a call bridge touches, as `describe` tells of them. */

export interface Field {
  name: string;
  label: string;
  type:
    | 'id'
    | 'string'
    | 'textarea'
    | 'phone'
    | 'email'
    | 'picklist'
    | 'combobox'
    | 'boolean'
    | 'int'
    | 'double'
    | 'currency'
    | 'date'
    | 'datetime'
    | 'reference';
  length: number;
  digits: number;
  createable: boolean;
  updateable: boolean;
  nillable: boolean;
  defaultedOnCreate: boolean;
  restrictedPicklist: boolean;
  picklistValues: { value: string; label: string; active: boolean; defaultValue: boolean }[];
  externalId: boolean;
  unique: boolean;
  caseSensitive: boolean;
  idLookup: boolean;
  /** false: as Shield's encryption leaves it. */
  filterable: boolean;
  custom: boolean;
  referenceTo: string[];
}

export function field(name: string, type: Field['type'], more: Partial<Field> = {}): Field {
  return {
    name,
    label: name,
    type,
    length: 0,
    digits: 0,
    createable: true,
    updateable: true,
    nillable: true,
    defaultedOnCreate: false,
    restrictedPicklist: false,
    picklistValues: [],
    externalId: false,
    unique: false,
    caseSensitive: false,
    idLookup: type === 'id',
    filterable: true,
    custom: /__p?c$/.test(name),
    referenceTo: [],
    ...more,
  };
}

export function options(...values: string[]): Pick<Field, 'picklistValues'> {
  return {
    picklistValues: values.map((value, place) => ({
      value,
      label: value,
      active: true,
      defaultValue: place === 0,
    })),
  };
}

const text = (name: string, length: number, more: Partial<Field> = {}) =>
  field(name, 'string', { length, ...more });
const phone = (name: string) => field(name, 'phone', { length: 40 });
const derived = (name: string, type: Field['type'], more: Partial<Field> = {}) =>
  field(name, type, { createable: false, updateable: false, ...more });

const system = () => [
  derived('Id', 'id', { length: 18, nillable: false, defaultedOnCreate: true }),
  derived('IsDeleted', 'boolean', { nillable: false, defaultedOnCreate: true }),
  derived('CreatedDate', 'datetime', { nillable: false, defaultedOnCreate: true }),
  derived('LastModifiedDate', 'datetime', { nillable: false, defaultedOnCreate: true }),
];

const owner = () =>
  field('OwnerId', 'reference', { length: 18, defaultedOnCreate: true, referenceTo: ['User', 'Group'] });

const recordType = () =>
  field('RecordTypeId', 'reference', { length: 18, defaultedOnCreate: true, referenceTo: ['RecordType'] });

const name = () => [
  text('FirstName', 40),
  text('LastName', 80, { nillable: false }),
  derived('Name', 'string', { length: 121, nillable: false }),
];

const address = (prefix: string) => [
  field(`${prefix}Street`, 'textarea', { length: 255 }),
  text(`${prefix}City`, 40),
  text(`${prefix}State`, 80),
];

/** Of the objects that people are. */
export const addressPrefixes: Readonly<Record<string, string>> = { Lead: '', Contact: 'Mailing' };

/** What "State and Country/Territory Picklists" adds to an address. */
export const listFields = (prefix: string, states: Readonly<Record<string, readonly string[]>>): Field[] => [
  field(`${prefix}CountryCode`, 'picklist', {
    length: 10,
    restrictedPicklist: true,
    ...options(...Object.keys(states)),
  }),
  field(`${prefix}StateCode`, 'picklist', {
    length: 10,
    restrictedPicklist: true,
    ...options(...new Set(Object.values(states).flat())),
  }),
];

const leadSource = () =>
  field('LeadSource', 'picklist', {
    length: 255,
    ...options('Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other'),
  });

export function standardObjects(): Map<string, Field[]> {
  return new Map([
    ['Task', task()],
    ['Event', [...system(), text('Subject', 255)]],
    ['Lead', lead()],
    ['Contact', contact()],
    ['Account', account()],
    ['Opportunity', opportunity()],
    [
      'User',
      [
        ...system(),
        text('Username', 80),
        field('Email', 'email', { length: 128 }),
        field('IsActive', 'boolean', { nillable: false, defaultedOnCreate: true }),
        field('UserType', 'picklist', { length: 40, ...options('Standard', 'CSNOnly', 'AutomatedProcess') }),
        field('UserRoleId', 'reference', { length: 18, referenceTo: ['UserRole'] }),
      ],
    ],
    [
      'UserRole',
      [
        ...system(),
        text('Name', 80),
        field('ParentRoleId', 'reference', { length: 18, referenceTo: ['UserRole'] }),
      ],
    ],
    ['EntityDefinition', [...system(), text('QualifiedApiName', 70), text('InternalSharingModel', 40)]],
    [
      'ObjectPermissions',
      [
        ...system(),
        field('ParentId', 'reference', { length: 18, referenceTo: ['PermissionSet'] }),
        text('SobjectType', 40),
        field('PermissionsModifyAllRecords', 'boolean', { nillable: false, defaultedOnCreate: true }),
      ],
    ],
    [
      'PermissionSet',
      [
        ...system(),
        text('Name', 80, { nillable: false }),
        text('Label', 80, { nillable: false }),
        text('Description', 255),
        field('PermissionsModifyAllData', 'boolean', { nillable: false, defaultedOnCreate: true }),
      ],
    ],
    [
      'PermissionSetAssignment',
      [
        ...system(),
        field('AssigneeId', 'reference', {
          length: 18,
          nillable: false,
          updateable: false,
          referenceTo: ['User'],
        }),
        field('PermissionSetId', 'reference', {
          length: 18,
          nillable: false,
          updateable: false,
          referenceTo: ['PermissionSet'],
        }),
      ],
    ],
    [
      'FieldPermissions',
      [
        ...system(),
        field('ParentId', 'reference', {
          length: 18,
          nillable: false,
          updateable: false,
          referenceTo: ['PermissionSet'],
        }),
        text('SobjectType', 40, { nillable: false, updateable: false }),
        text('Field', 80, { nillable: false, updateable: false }),
        field('PermissionsRead', 'boolean', { nillable: false, defaultedOnCreate: true }),
        field('PermissionsEdit', 'boolean', { nillable: false, defaultedOnCreate: true }),
      ],
    ],
  ]);
}

function task(): Field[] {
  return [
    ...system(),
    field('TaskSubtype', 'picklist', {
      length: 40,
      updateable: false,
      restrictedPicklist: true,
      ...options('Task', 'Email', 'ListEmail', 'LinkedIn', 'Call'),
    }),
    field('Type', 'picklist', { length: 40, ...options('Call', 'Meeting', 'Other') }),
    field('CallType', 'picklist', {
      length: 40,
      restrictedPicklist: true,
      ...options('Internal', 'Inbound', 'Outbound'),
    }),
    field('CallDurationInSeconds', 'int', { digits: 8 }),
    text('CallDisposition', 255),
    text('CallObject', 255),
    field('Status', 'picklist', {
      length: 255,
      nillable: false,
      defaultedOnCreate: true,
      ...options('Not Started', 'In Progress', 'Completed', 'Waiting on someone else', 'Deferred'),
    }),
    field('Priority', 'picklist', {
      length: 255,
      nillable: false,
      defaultedOnCreate: true,
      ...options('Normal', 'High', 'Low'),
    }),
    field('Subject', 'combobox', { length: 255 }),
    field('Description', 'textarea', { length: 32_000 }),
    field('ActivityDate', 'date'),
    derived('CompletedDateTime', 'datetime'),
    derived('IsClosed', 'boolean', { nillable: false, defaultedOnCreate: true }),
    derived('IsArchived', 'boolean', { nillable: false, defaultedOnCreate: true }),
    field('WhoId', 'reference', { length: 18, referenceTo: ['Contact', 'Lead'] }),
    field('WhatId', 'reference', { length: 18, referenceTo: ['Account', 'Opportunity'] }),
    field('IsReminderSet', 'boolean', { nillable: false, defaultedOnCreate: true }),
    field('ReminderDateTime', 'datetime'),
    derived('AccountId', 'reference', { length: 18, referenceTo: ['Account'] }),
    recordType(),
    owner(),
  ];
}

function account(): Field[] {
  return [
    ...system(),
    text('Name', 255, { nillable: false }),
    phone('Phone'),
    phone('Fax'),
    derived('MasterRecordId', 'reference', { length: 18, referenceTo: ['Account'] }),
    owner(),
  ];
}

/** What the objects have besides in an org with person accounts. */
export const personAccountFields: Record<'Account' | 'Contact', Field[]> = {
  Account: [
    derived('IsPersonAccount', 'boolean', { nillable: false, defaultedOnCreate: true }),
    derived('PersonContactId', 'reference', { length: 18, referenceTo: ['Contact'] }),
    ...['PersonMobilePhone', 'PersonHomePhone', 'PersonOtherPhone'].map(phone),
  ],
  Contact: [derived('IsPersonAccount', 'boolean', { nillable: false, defaultedOnCreate: true })],
};

function opportunity(): Field[] {
  return [
    ...system(),
    text('Name', 120, { nillable: false }),
    field('StageName', 'picklist', {
      length: 255,
      nillable: false,
      ...options('Prospecting', 'Negotiation/Review', 'Closed Won', 'Closed Lost'),
    }),
    field('CloseDate', 'date', { nillable: false }),
    { ...field('Amount', 'currency'), precision: 18, scale: 2 } as Field,
    field('AccountId', 'reference', { length: 18, referenceTo: ['Account'] }),
    field('ContactId', 'reference', { length: 18, updateable: false, referenceTo: ['Contact'] }),
    recordType(),
    field('Description', 'textarea', { length: 32_000 }),
    leadSource(),
    owner(),
  ];
}

function lead(): Field[] {
  return [
    ...system(),
    ...name(),
    text('Company', 255, { nillable: false }),
    text('Title', 128),
    phone('Phone'),
    phone('MobilePhone'),
    phone('Fax'),
    field('Email', 'email', { length: 80 }),
    ...address(''),
    field('Description', 'textarea', { length: 32_000 }),
    field('Status', 'picklist', {
      length: 255,
      nillable: false,
      defaultedOnCreate: true,
      ...options('Open - Not Contacted', 'Working - Contacted', 'Closed - Converted'),
    }),
    leadSource(),
    field('Rating', 'picklist', { length: 255, restrictedPicklist: true, ...options('Hot', 'Warm', 'Cold') }),
    field('NumberOfEmployees', 'int', { digits: 8 }),
    derived('MasterRecordId', 'reference', { length: 18, referenceTo: ['Lead'] }),
    derived('IsConverted', 'boolean', { nillable: false, defaultedOnCreate: true }),
    derived('ConvertedContactId', 'reference', { length: 18, referenceTo: ['Contact'] }),
    derived('ConvertedAccountId', 'reference', { length: 18, referenceTo: ['Account'] }),
    owner(),
  ];
}

function contact(): Field[] {
  return [
    ...system(),
    ...name(),
    derived('MasterRecordId', 'reference', { length: 18, referenceTo: ['Contact'] }),
    field('AccountId', 'reference', { length: 18, referenceTo: ['Account'] }),
    text('Title', 128),
    ...['Phone', 'MobilePhone', 'HomePhone', 'OtherPhone', 'AssistantPhone', 'Fax'].map(phone),
    field('Email', 'email', { length: 80 }),
    ...address('Mailing'),
    field('Description', 'textarea', { length: 32_000 }),
    field('Birthdate', 'date'),
    leadSource(),
    owner(),
  ];
}
