import { isCalendarDay } from '../calendar.ts';
import { addressPrefixes, type Field, listFields, personAccountFields, standardObjects } from './fields.ts';
import { longId, makeId, objectOf } from './ids.ts';
import {
  lockedRow,
  notWritable,
  Refusal,
  RowRefusal,
  readOnlyRow,
  refused,
  unknownColumn,
} from './refusals.ts';

export interface Entry {
  id: string;
  object: string;
  values: Record<string, unknown>;
  deleted: boolean;
  /** What searching knows of the phone fields; the newest that is old enough. */
  indexed: { at: number; numbers: string[][] }[];
}

export interface Behaviour {
  now(): Date;
  indexDelayMs: number;
  /** Of Leads, by phone. `alert`: passed by allowSave; `block`: by nothing. */
  duplicateRule: 'none' | 'alert' | 'block';
  /** What an org may do against the documents: the other answers to what a probe asks. */
  oddities: Oddities;
  /** What queues hold. */
  queueObjects: readonly string[];
  /** Whom the Lead assignment rule gives Leads to; none: there is no rule. */
  assignTo: string | undefined;
  /** Whether persons may be accounts: an Account and a Contact that are one. */
  personAccounts: boolean;
  /** The org-wide default of activities: `Private` in a new org. */
  activities: 'Private' | 'ControlledByParent';
}

export interface Oddities {
  /** Words and a code of its own, for a Task that is there and for records that are gone. */
  words: string | undefined;
  /** TaskSubtype may be changed. */
  takesSubtypes: boolean;
  /** Searching takes what stands between separators for words. */
  searchesWords: boolean;
  /** A composite request cannot refer into the answer of a collection, or to nothing at all. */
  refusesReferences: 'none' | 'into collections' | 'all';
  /** Two Tasks may have one key. */
  ignoresUnique: boolean;
}

export const noOddities: Oddities = {
  words: undefined,
  takesSubtypes: false,
  searchesWords: false,
  refusesReferences: 'none',
  ignoresUnique: false,
};

export interface WriteHeaders {
  allowSave: boolean;
  autoAssign: boolean;
}

type Values = Record<string, unknown>;

const closedStatuses = ['Completed'];
const wholeNumber = /^[+-]?\d+$/;

/** The records of an org, and the rules by which they may be written. */
export class Org {
  readonly behaviour: Behaviour;
  readonly objects: Map<string, Field[]> = standardObjects();
  readonly entries = new Map<string, Entry>();
  readonly #byObject = new Map<string, Set<Entry>>();
  /** `Task.Delacon_Call_Id__c 1122334` → who has it: for fields by which an upsert may go. */
  readonly #keys = new Map<string, Set<Entry>>();
  #undo: (() => void)[] = [];
  /** `Lead.Phone`: kept from the user by field-level security. */
  readonly hidden = new Set<string>();
  /** `Lead.LeadSource`: shown to the user, and not to be changed. */
  readonly readOnly = new Set<string>();
  readonly userId: string;
  /** Validation rules: values of `Task.Subject` that are refused. */
  readonly refusedValues = new Map<string, RegExp>();
  /** Rows that another transaction holds. */
  readonly locked = new Set<string>();
  /** Of the next records to be written: how many another transaction holds, after how many that are free. */
  rowsToLock = { free: 0, locked: 0 };
  /** Keys, as `Task 1122334`, that another transaction is about to commit. */
  readonly races = new Set<string>();
  /** The most rows of an object that its triggers manage in one transaction. */
  readonly triggerLimits = new Map<string, number>();
  /** Objects that the user may not create. */
  readonly notCreateable = new Set<string>();
  /** Objects whose records the user may not delete. */
  readonly notDeletable = new Set<string>();
  /** Objects that the user may not even see. */
  readonly hiddenObjects = new Set<string>();
  /** Record types of Opportunities: name and developer name. */
  readonly recordTypes: { recordTypeId: string; name: string; developerName: string; available: boolean }[] =
    [];
  storageFull = false;
  /** "State and Country/Territory Picklists": the states of each country, by their codes. */
  #states: Readonly<Record<string, readonly string[]>> | undefined;
  #serial = 1;

  constructor(behaviour: Behaviour) {
    this.behaviour = behaviour;
    if (behaviour.personAccounts) {
      for (const object of ['Account', 'Contact'] as const)
        this.objects.get(object)?.push(...personAccountFields[object]);
    }
    const user = { Username: 'bridge@acme.example', Email: 'bridge@acme.example', IsActive: true };
    this.userId = this.insert('User', user).id;
    for (const [QualifiedApiName, InternalSharingModel] of [
      ['Activity', behaviour.activities],
      ['Task', behaviour.activities],
      ['Lead', 'ReadWriteTransfer'],
      ['Contact', 'ControlledByParent'],
      ['Account', 'ReadWrite'],
    ])
      this.insert('EntityDefinition', { QualifiedApiName, InternalSharingModel });
    this.addRecordType('Master', 'Master');
  }

  addRecordType(name: string, developerName: string): string {
    const recordTypeId = makeId('RecordType', this.#serial++);
    this.recordTypes.push({ recordTypeId, name, developerName, available: true });
    return recordTypeId;
  }

  // What the user sees

  knows(object: string): boolean {
    return this.objects.has(object) && !this.hiddenObjects.has(object);
  }

  /** Fields that the user may see: one without permission is not there. */
  visibleFields(object: string): Field[] {
    return (this.objects.get(object) ?? []).flatMap((field) => this.#seen(object, field) ?? []);
  }

  visibleField(object: string, name: string): Field | undefined {
    const known = this.objects.get(object)?.find((field) => field.name.toLowerCase() === name.toLowerCase());
    return known && this.#seen(object, known);
  }

  #seen(object: string, field: Field): Field | undefined {
    const { read, edit } = this.#grant(object, field);
    if (!read) return undefined;
    return { ...field, createable: field.createable && edit, updateable: field.updateable && edit };
  }

  /** A custom field is seen by nobody until a permission set says so. */
  #grant(object: string, { name, custom }: Field): { read: boolean; edit: boolean } {
    // On an account, the field of a contact has the contact's permissions.
    const path = name.endsWith('__pc') ? `Contact.${name.replace(/__pc$/, '__c')}` : `${object}.${name}`;
    if (this.hidden.has(path)) return { read: false, edit: false };
    if (!custom) return { read: true, edit: !this.readOnly.has(path) };
    const sets = this.#assigned();
    const grants = this.live('FieldPermissions').filter(
      ({ values }) => values['Field'] === path && sets.includes(values['ParentId']),
    );
    return {
      read: grants.some(({ values }) => values['PermissionsRead'] === true),
      edit: grants.some(({ values }) => values['PermissionsEdit'] === true) && !this.readOnly.has(path),
    };
  }

  /**
   * Whether the user may change a Task. Under `Private` that is for its owner, those above them in the role hierarchy,
   * and who may modify all data or all records of what it is of; else for all who may change what it is of.
   * https://help.salesforce.com/s/articleView?id=000325945
   */
  mayChange({ object, values: { OwnerId, WhoId, WhatId } }: Entry): boolean {
    if (object !== 'Task' || OwnerId === this.userId) return true;
    if (this.#isAbove(OwnerId) || this.#permits('PermissionSet', 'PermissionsModifyAllData')) return true;
    const parents = [WhoId, WhatId].flatMap((id) => this.entries.get(String(id)) ?? []);
    if (this.behaviour.activities === 'ControlledByParent') return parents.length > 0;
    return parents.some((parent) =>
      this.#permits('ObjectPermissions', 'PermissionsModifyAllRecords', parent.object),
    );
  }

  /** Who may read what a Task is of may read the Task. */
  mayRead(entry: Entry): boolean {
    const { WhoId, WhatId } = entry.values;
    return entry.object !== 'Task' || Boolean(WhoId ?? WhatId) || this.mayChange(entry);
  }

  #permits(object: string, permission: string, of?: string): boolean {
    const sets = this.#assigned();
    return this.live(object).some(
      ({ id, values }) =>
        values[permission] === true &&
        sets.includes(object === 'PermissionSet' ? id : values['ParentId']) &&
        (of === undefined || values['SobjectType'] === of),
    );
  }

  #isAbove(ownerId: unknown): boolean {
    const roleOf = (userId: unknown) => this.entries.get(String(userId))?.values['UserRoleId'];
    const mine = roleOf(this.userId);
    let role = this.entries.get(String(roleOf(ownerId)));
    while (role) {
      const above = role.values['ParentRoleId'];
      if (mine && above === mine) return true;
      role = this.entries.get(String(above));
    }
    return false;
  }

  #assigned(): unknown[] {
    return this.live('PermissionSetAssignment')
      .filter(({ values }) => values['AssigneeId'] === this.userId)
      .map(({ values }) => values['PermissionSetId']);
  }

  live(object: string): Entry[] {
    return this.all(object).filter((entry) => !entry.deleted);
  }

  all(object: string): Entry[] {
    return [...(this.#byObject.get(object) ?? [])];
  }

  // Writing, as the user

  create(object: string, values: Values, headers: WriteHeaders): Entry {
    if (this.storageFull) throw new RowRefusal('STORAGE_LIMIT_EXCEEDED', 'storage limit exceeded');
    if (this.notCreateable.has(object)) {
      throw new RowRefusal(
        'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
        `entity type cannot be inserted: ${object}`,
      );
    }
    const clean = this.#readValues(object, values, 'create');
    const missing = (this.objects.get(object) ?? []).filter(
      ({ name, nillable, defaultedOnCreate, createable }) =>
        createable && !nillable && !defaultedOnCreate && (clean[name] ?? null) === null,
    );
    if (missing.length > 0) {
      const names = missing.map(({ name }) => name);
      throw new RowRefusal(
        'REQUIRED_FIELD_MISSING',
        `Required fields are missing: [${names.join(', ')}]`,
        names,
      );
    }
    this.#checkOwner(object, clean);
    this.#checkRecordType(clean);
    if (object === 'Task') this.#checkTask(clean, {});
    if (object === 'Opportunity') this.#checkOpportunity(clean);
    this.#checkStates(object, clean);
    this.#checkRules(object, clean, undefined);
    if (object === 'Lead') this.#checkDuplicates(clean, headers);
    if (object === 'Lead' && headers.autoAssign && this.behaviour.assignTo) {
      clean['OwnerId'] = this.behaviour.assignTo;
      if (this.entries.has(this.behaviour.assignTo)) this.#checkOwner(object, clean);
    }
    this.#race(object, clean);
    const entry = this.insert(object, clean);
    this.#assignThroughTask(entry, headers);
    return entry;
  }

  /** The org changes the Lead of a Task that is written, as triggers and flows do: so its assignment rules run, too. */
  #assignThroughTask({ object, values }: Entry, { autoAssign }: WriteHeaders): void {
    const { assignTo } = this.behaviour;
    const lead = this.entries.get(String(values['WhoId']));
    if (object === 'Task' && lead?.object === 'Lead' && autoAssign && assignTo)
      this.#set(lead, { OwnerId: assignTo });
  }

  /** Another transaction has just made a record with the same key. */
  #race(object: string, values: Values): void {
    for (const { name, unique } of this.objects.get(object) ?? []) {
      if (!unique || !this.races.delete(`${object} ${values[name]}`)) continue;
      throw duplicate(name, this.insert(object, values).id);
    }
  }

  /** Lets one more record be written, or does not. */
  passRow(): void {
    if (this.rowsToLock.free-- > 0) return;
    if (this.rowsToLock.locked-- > 0) throw lockedRow();
  }

  update(object: string, id: string, values: Values, headers: WriteHeaders): Entry {
    const entry = this.#writable(object, id);
    if (this.locked.has(entry.id)) throw lockedRow();
    if (!this.mayChange(entry)) throw readOnlyRow();
    const clean = this.#readValues(object, values, 'update');
    if (object === 'Lead' && entry.values['IsConverted'] === true) {
      throw new RowRefusal('CANNOT_UPDATE_CONVERTED_LEAD', 'cannot update converted lead');
    }
    if (object === 'Contact' && entry.values['IsPersonAccount'] === true) {
      throw new RowRefusal(
        'INVALID_PERSON_ACCOUNT_OPERATION',
        'the contact of a person account is changed through its account',
      );
    }
    this.#checkOwner(object, clean);
    this.#checkRecordType(clean);
    if (object === 'Task') this.#checkTask(clean, entry.values);
    if (object === 'Opportunity') this.#checkOpportunity(clean);
    this.#checkRules(object, clean, entry);
    if (object === 'Lead' && headers.autoAssign && this.behaviour.assignTo) {
      clean['OwnerId'] = this.behaviour.assignTo;
    }
    this.#set(entry, clean);
    this.#assignThroughTask(entry, headers);
    if (object === 'Account') this.#mirror(entry);
    return entry;
  }

  upsert(
    object: string,
    keyName: string,
    values: Values,
    headers: WriteHeaders,
  ): { entry: Entry; created: boolean } {
    const key = this.keyField(object, keyName);
    const value = String(values[key.name] ?? '').trim();
    if (value === '') {
      throw new RowRefusal('MISSING_ARGUMENT', `${key.name} not specified`, [key.name]);
    }
    const holders = this.holders(object, key, value);
    if (holders.length > 1) {
      throw new RowRefusal(
        'DUPLICATE_EXTERNAL_ID',
        `${key.name}: more than one record found for external id field`,
      );
    }
    const [holder] = holders;
    if (!holder) return { entry: this.create(object, values, headers), created: true };
    const { [key.name]: _, ...rest } = values;
    return { entry: this.update(object, holder.id, rest, headers), created: false };
  }

  /** The field that an upsert goes by. */
  keyField(object: string, name: string): Field {
    const key = this.visibleField(object, name);
    if (key && (key.externalId || key.idLookup)) return key;
    const words = `Provided external ID field does not exist or is not accessible: ${name}`;
    throw refused(404, 'NOT_FOUND', words);
  }

  holders(object: string, field: Field, value: string): Entry[] {
    const known = this.#keys.get(keyOf(object, field, value)) ?? [];
    return [...known].filter((entry) => !entry.deleted);
  }

  /** Into the recycle bin, with what hangs on it. */
  delete(id: string): void {
    const entry = this.entries.get(longId(id));
    if (!entry) return;
    entry.deleted = true;
    if (!['Lead', 'Contact', 'Account'].includes(entry.object)) return;
    const hanging = entry.object === 'Account' ? ['Task', 'Contact', 'Opportunity'] : ['Task'];
    for (const one of hanging.flatMap((object) => this.live(object))) {
      const { WhoId, WhatId, AccountId } = one.values;
      if ([WhoId, WhatId, ...(one.object === 'Task' ? [] : [AccountId])].includes(entry.id))
        this.delete(one.id);
    }
  }

  /** A Lead becomes a Contact with an Account; its Tasks go along. */
  convert(leadId: string, into?: string): string {
    const lead = this.entries.get(longId(leadId)) as Entry;
    const { FirstName, LastName, Phone, MobilePhone, Company } = lead.values;
    const account = this.insert('Account', { Name: Company });
    const contactId =
      into ?? this.insert('Contact', { FirstName, LastName, Phone, MobilePhone, AccountId: account.id }).id;
    Object.assign(lead.values, {
      IsConverted: true,
      ConvertedContactId: contactId,
      ConvertedAccountId: account.id,
      Status: 'Closed - Converted',
    });
    for (const task of this.live('Task')) {
      if (task.values['WhoId'] !== lead.id) continue;
      task.values['WhoId'] = contactId;
      task.values['AccountId'] = this.#accountOf(task.values);
    }
    return contactId;
  }

  /** Two records become one: what hung on the one hangs on the other. */
  merge(id: string, into: string): void {
    const loser = this.entries.get(longId(id)) as Entry;
    loser.values['MasterRecordId'] = longId(into);
    loser.deleted = true;
    for (const task of this.live('Task')) {
      for (const name of ['WhoId', 'WhatId'])
        if (task.values[name] === loser.id) task.values[name] = longId(into);
    }
  }

  /** A person who is an Account and a Contact in one. Answers the ids of both. */
  addPersonAccount(values: Values): { account: string; contact: string } {
    const account = this.insert('Account', { IsPersonAccount: true, ...values });
    const contact = this.insert('Contact', {
      IsPersonAccount: true,
      AccountId: account.id,
      LastName: values['Name'],
    });
    account.values['PersonContactId'] = contact.id;
    contact.values['CreatedDate'] = account.values['CreatedDate']; // one record in two forms
    this.#mirror(account);
    return { account: account.id, contact: contact.id };
  }

  /** What is written on a person account shows on its contact. */
  #mirror(account: Entry): void {
    const contact = this.entries.get(String(account.values['PersonContactId']));
    if (account.values['IsPersonAccount'] !== true || !contact) return;
    const pairs = Object.entries(account.values).flatMap(([name, value]): [string, unknown][] => {
      if (name === 'Phone') return [['Phone', value]];
      if (/^Person(Mobile|Home|Other)Phone$/.test(name)) return [[name.slice('Person'.length), value]];
      return name.endsWith('__pc') ? [[name.replace(/__pc$/, '__c'), value]] : [];
    });
    this.#set(contact, Object.fromEntries(pairs));
  }

  /** Without any check, as the system itself. */
  insert(object: string, values: Values): Entry {
    const id = makeId(object, this.#serial++);
    const at = this.behaviour.now().toISOString();
    const defaults = Object.fromEntries(
      (this.objects.get(object) ?? []).map((field) => [field.name, defaultOf(field)]),
    );
    const owner =
      object in { Task: 1, Lead: 1, Contact: 1, Account: 1, Opportunity: 1 } ? { OwnerId: this.userId } : {};
    const entry: Entry = {
      id,
      object,
      values: { ...defaults, ...owner, Id: id, CreatedDate: at },
      deleted: false,
      indexed: [],
    };
    this.entries.set(id, entry);
    const siblings = this.#byObject.get(object) ?? new Set();
    this.#byObject.set(object, siblings.add(entry));
    this.#undo.push(() => {
      this.entries.delete(id);
      siblings.delete(entry);
    });
    this.#set(entry, values);
    return entry;
  }

  settleIndex(): void {
    for (const entry of this.entries.values()) {
      for (const index of entry.indexed) index.at = Number.NEGATIVE_INFINITY;
    }
  }

  /** The phone fields of a record, by the digits between separators, as far as searching knows them by now. */
  indexedNumbers(entry: Entry): string[][] {
    const latest = this.behaviour.now().getTime() - this.behaviour.indexDelayMs;
    return entry.indexed.findLast(({ at }) => at <= latest)?.numbers ?? [];
  }

  /** What is written after this can be undone to here. */
  savepoint(): number {
    return this.#undo.length;
  }

  rollBackTo(savepoint: number): void {
    for (const undo of this.#undo.splice(savepoint).reverse()) undo();
  }

  commit(): void {
    this.#undo = [];
  }

  /** As somebody who edits a record by hand. */
  overwrite(id: string, values: Values): void {
    this.#set(this.entries.get(id) as Entry, values);
  }

  #set(entry: Entry, values: Values): void {
    const { values: before, indexed } = entry;
    this.#index(entry, false);
    entry.values = { ...before, ...values };
    entry.indexed = [...indexed];
    this.#index(entry, true);
    this.#undo.push(() => {
      this.#index(entry, false);
      entry.values = before;
      entry.indexed = indexed;
      if (this.entries.has(entry.id)) this.#index(entry, true);
    });
    const now = this.behaviour.now();
    entry.values['LastModifiedDate'] = now.toISOString();
    if (entry.object === 'Task') {
      closeOrOpen(entry.values, values, now);
      entry.values['AccountId'] = this.#accountOf(entry.values);
    }
    if (entry.object === 'Lead' || entry.object === 'Contact') {
      const { FirstName, LastName } = entry.values;
      entry.values['Name'] = [FirstName, LastName].filter(Boolean).join(' ');
    }
    const numbers = (this.objects.get(entry.object) ?? [])
      .filter(({ type }) => type === 'phone')
      .flatMap(({ name }) => (entry.values[name] ? [wordsOf(entry.values[name])] : []));
    entry.indexed.push({ at: now.getTime(), numbers });
  }

  /** Of a Task: what it is related to, else where its contact is. */
  #accountOf({ WhatId, WhoId }: Values): unknown {
    const related = this.entries.get(String(WhatId));
    if (related) return related.object === 'Account' ? related.id : (related.values['AccountId'] ?? null);
    return this.entries.get(String(WhoId))?.values['AccountId'] ?? null;
  }

  #index(entry: Entry, isThere: boolean): void {
    for (const field of this.objects.get(entry.object) ?? []) {
      if (!field.unique && !field.idLookup) continue;
      const value = entry.values[field.name];
      if (value === null || value === undefined) continue;
      const key = keyOf(entry.object, field, String(value));
      const holders = this.#keys.get(key) ?? new Set();
      if (isThere) this.#keys.set(key, holders.add(entry));
      else holders.delete(entry);
    }
  }

  #writable(object: string, id: string): Entry {
    const entry = this.entries.get(longId(id));
    const { words } = this.behaviour.oddities;
    if (words && (!entry || entry.deleted)) throw new RowRefusal('ODD_REFUSAL', words);
    if (!entry || entry.object !== object) {
      throw new RowRefusal('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id');
    }
    if (entry.deleted) throw new RowRefusal('ENTITY_IS_DELETED', 'entity is deleted');
    return entry;
  }

  #readValues(object: string, values: Values, mode: 'create' | 'update'): Values {
    const clean: Values = {};
    const readOnly: string[] = [];
    for (const [given, value] of Object.entries(values)) {
      if (given === 'attributes') continue;
      const field = this.visibleField(object, given);
      if (!field) throw unknownColumn(object, given);
      if (!(mode === 'create' ? field.createable : field.updateable)) readOnly.push(field.name);
      else clean[field.name] = readValue(field, value);
    }
    const { words, takesSubtypes } = this.behaviour.oddities;
    if (mode === 'update' && takesSubtypes && readOnly[0] === 'TaskSubtype') readOnly.shift();
    if (readOnly.length > 0 && words && mode === 'update') throw new RowRefusal('ODD_REFUSAL', words);
    if (readOnly.length > 0) throw notWritable(readOnly);
    return clean;
  }

  #checkTask(values: Values, before: Values): void {
    const after = { ...before, ...values };
    const isNew = before['Id'] === undefined;
    if (values['WhoId']) values['WhoId'] = this.#person(values['WhoId']).id;
    if (values['WhatId'])
      values['WhatId'] = this.#target('WhatId', values['WhatId'], ['Account', 'Opportunity']).id;
    if (after['WhatId'] && objectOf(String(after['WhoId'])) === 'Lead') {
      throw new RowRefusal(
        'FIELD_INTEGRITY_EXCEPTION',
        'Related To ID: a lead cannot be associated with a task that is related to another object.',
        ['WhoId', 'WhatId'],
      );
    }
    // A new task locks its parents only when it is open and has a date; changing one always does.
    const locks = !isNew || (!closedStatuses.includes(String(after['Status'])) && after['ActivityDate']);
    const parents = [after['WhoId'], after['WhatId']].map(String);
    if (locks && parents.some((id) => this.locked.has(id))) throw lockedRow();
  }

  #checkOpportunity(values: Values): void {
    if (values['AccountId'])
      values['AccountId'] = this.#target('AccountId', values['AccountId'], ['Account']).id;
    if (values['ContactId'])
      values['ContactId'] = this.#target('ContactId', values['ContactId'], ['Contact']).id;
  }

  #checkRecordType(values: Values): void {
    const type = values['RecordTypeId'];
    if (type && !this.recordTypes.some(({ recordTypeId }) => recordTypeId === type)) {
      throw new RowRefusal(
        'INVALID_CROSS_REFERENCE_KEY',
        "Record Type ID: this ID value isn't valid for the user",
        ['RecordTypeId'],
      );
    }
  }

  /** Records belong to active users, or to queues. */
  #checkOwner(object: string, values: Values): void {
    if (!values['OwnerId']) return;
    const id = longId(values['OwnerId']);
    if (objectOf(id) === 'Group') {
      if (this.behaviour.queueObjects.includes(object)) return;
      throw new RowRefusal('INVALID_OPERATION', 'Queue not associated with this SObject type');
    }
    const user = this.entries.get(id);
    if (user?.object !== 'User') {
      throw new RowRefusal('INVALID_CROSS_REFERENCE_KEY', 'Owner ID: owner cannot be blank', ['OwnerId']);
    }
    if (user.values['IsActive'] === true) return;
    const words = `operation performed with inactive user [${id}] as owner of ${object.toLowerCase()}`;
    throw new RowRefusal('INACTIVE_OWNER_OR_USER', words);
  }

  /** What a reference names, if it is of a kind that it may name. */
  #target(name: string, given: unknown, kinds: readonly string[]): Entry {
    const id = longId(given);
    if (!kinds.includes(objectOf(id) ?? '')) {
      throw new RowRefusal('FIELD_INTEGRITY_EXCEPTION', `${name}: id value of incorrect type: ${id}`, [name]);
    }
    const entry = this.entries.get(id);
    const { words } = this.behaviour.oddities;
    if (words && (!entry || entry.deleted)) throw new RowRefusal('ODD_REFUSAL', words);
    if (!entry) throw new RowRefusal('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id');
    if (entry.deleted) throw new RowRefusal('ENTITY_IS_DELETED', 'entity is deleted');
    return entry;
  }

  #person(given: unknown): Entry {
    const id = longId(given);
    const object = objectOf(id);
    if (object !== 'Lead' && object !== 'Contact') {
      throw new RowRefusal('FIELD_INTEGRITY_EXCEPTION', `Name ID: id value of incorrect type: ${id}`, [
        'WhoId',
      ]);
    }
    const person = this.entries.get(id);
    const { words } = this.behaviour.oddities;
    if (words && (!person || person.deleted)) throw new RowRefusal('ODD_REFUSAL', words);
    if (!person) throw new RowRefusal('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id');
    if (person.deleted) throw new RowRefusal('ENTITY_IS_DELETED', 'entity is deleted');
    if (person.values['IsConverted'] === true) {
      throw new RowRefusal('CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead');
    }
    return person;
  }

  /** As an administrator turns on "State and Country/Territory Picklists". */
  listStates(states: Readonly<Record<string, readonly string[]>>): void {
    this.#states = states;
    for (const [object, prefix] of Object.entries(addressPrefixes))
      this.objects.get(object)?.push(...listFields(prefix, states));
  }

  #checkStates(object: string, values: Values): void {
    const prefix = addressPrefixes[object];
    if (!this.#states || prefix === undefined) return;
    const [state, country] = [values[`${prefix}StateCode`], values[`${prefix}CountryCode`]];
    if (values[`${prefix}State`] && !values[`${prefix}Country`])
      throw new RowRefusal(
        'FIELD_INTEGRITY_EXCEPTION',
        'A country/territory must be specified before specifying a state value for field: State/Province',
        [`${prefix}State`],
      );
    if (state && !this.#states[String(country)]?.includes(String(state)))
      throw new RowRefusal(
        'FIELD_INTEGRITY_EXCEPTION',
        "The existing country/territory doesn't recognize the state value for field: State/Province Code",
        [`${prefix}StateCode`],
      );
  }

  #checkRules(object: string, values: Values, existing: Entry | undefined): void {
    for (const [name, value] of Object.entries(values)) {
      const rule = this.refusedValues.get(`${object}.${name}`);
      if (rule && value !== null && rule.test(String(value))) {
        throw new RowRefusal('FIELD_CUSTOM_VALIDATION_EXCEPTION', `${name} must not be "${value}".`, [name]);
      }
      const field = this.objects.get(object)?.find((known) => known.name === name);
      if (!field?.unique || value === null) continue;
      if (object === 'Task' && this.behaviour.oddities.ignoresUnique) continue;
      const other = this.holders(object, field, String(value)).find(({ id }) => id !== existing?.id);
      if (other) throw duplicate(name, other.id);
    }
    if (object === 'FieldPermissions' && !existing) {
      const twin = this.live(object).find(
        (entry) =>
          entry.values['ParentId'] === values['ParentId'] && entry.values['Field'] === values['Field'],
      );
      if (twin) throw duplicate('ParentId, Field', twin.id);
      const [parent, name] = String(values['Field']).split('.') as [string, string];
      if (!this.objects.get(parent)?.some((field) => field.name === name)) {
        throw new RowRefusal(
          'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
          `Field Name: bad value for restricted picklist field: ${values['Field']}`,
          ['Field'],
        );
      }
    }
  }

  #checkDuplicates(values: Values, headers: WriteHeaders): void {
    const { duplicateRule } = this.behaviour;
    const digits = digitsOf(values['Phone']);
    if (duplicateRule === 'none' || digits === '') return;
    const twins = this.live('Lead').filter((lead) => digitsOf(lead.values['Phone']) === digits);
    if (twins.length > 0 && (duplicateRule === 'block' || !headers.allowSave)) {
      const matchRecords = twins.map(({ id }) => ({ matchConfidence: 100, record: { Id: id } }));
      const duplicateResult = { allowSave: false, matchResults: [{ entityType: 'Lead', matchRecords }] };
      throw new RowRefusal('DUPLICATES_DETECTED', 'Use one of these records?', [], { duplicateResult });
    }
  }
}

function keyOf(object: string, field: Field, value: string): string {
  return `${object}.${field.name} ${field.caseSensitive || field.type === 'id' ? value : value.toLowerCase()}`;
}

/** The digits between separators. */
export function wordsOf(text: unknown): string[] {
  return String(text).split(/\D+/).filter(Boolean);
}

export function digitsOf(text: unknown): string {
  return String(text ?? '').replace(/\D/g, '');
}

function duplicate(field: string, id: string): RowRefusal {
  const words = `duplicate value found: ${field} duplicates value on record with id: ${id.slice(0, 15)}`;
  return new RowRefusal('DUPLICATE_VALUE', words);
}

function defaultOf(field: Field): unknown {
  if (field.type === 'boolean') return false;
  return field.type === 'picklist' && field.defaultedOnCreate
    ? (field.picklistValues.find((option) => option.defaultValue)?.value ?? null)
    : null;
}

function closeOrOpen(task: Values, change: Values, now: Date): void {
  if (!('Status' in change)) return;
  const isClosed = closedStatuses.includes(String(task['Status']));
  if (isClosed !== task['IsClosed']) task['CompletedDateTime'] = isClosed ? now.toISOString() : null;
  task['IsClosed'] = isClosed;
}

/** A value as it is kept. What JSON cannot mean refuses the whole request; what the field cannot hold, its row. */
function readValue(field: Field, value: unknown): unknown {
  if (value === null || value === '') return field.type === 'boolean' ? false : null;
  if (field.type === 'boolean') return typeof value === 'boolean' ? value : cannotRead(field, value);
  if (field.type === 'int' || field.type === 'double' || field.type === 'currency')
    return readNumber(field, value);
  if (typeof value === 'object' || typeof value === 'boolean') return cannotRead(field, value);
  const text = String(value).trim();
  if (field.type === 'date' && !isCalendarDay(text)) return cannotRead(field, value);
  if (field.type === 'datetime' && Number.isNaN(Date.parse(text))) return cannotRead(field, value);
  if (field.type === 'email' && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(text)) {
    throw new RowRefusal('INVALID_EMAIL_ADDRESS', `${field.name}: invalid email address: ${text}`, [
      field.name,
    ]);
  }
  if (field.restrictedPicklist && !field.picklistValues.some((option) => option.value === text)) {
    const words = `${field.name}: bad value for restricted picklist field: ${text}`;
    throw new RowRefusal('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', words, [field.name]);
  }
  if (field.type === 'reference') return longId(text);
  if (field.length > 0 && text.length > field.length) {
    const words = `${field.name}: data value too large: ${text} (max length=${field.length})`;
    throw new RowRefusal('STRING_TOO_LONG', words, [field.name]);
  }
  return text;
}

function readNumber(field: Field, value: unknown): number {
  const text = String(value);
  const isNumber =
    field.type === 'int' ? wholeNumber.test(text) : text.trim() !== '' && Number.isFinite(Number(text));
  if (typeof value === 'boolean' || !isNumber) return cannotRead(field, value);
  if (field.digits > 0 && text.replace(/\D/g, '').length > field.digits) {
    const words = `${field.name}: value outside of valid range on numeric field: ${text}`;
    throw new RowRefusal('NUMBER_OUTSIDE_VALID_RANGE', words, [field.name]);
  }
  return Number(text);
}

function cannotRead(field: Field, value: unknown): never {
  const token = typeof value === 'string' ? 'VALUE_STRING' : `VALUE_${String(typeof value).toUpperCase()}`;
  throw new Refusal(400, [
    {
      message: `Cannot deserialize instance of ${field.type} from ${token} value ${String(value)} or request may be missing a required field at [line:1, column:1]`,
      errorCode: 'JSON_PARSER_ERROR',
    },
  ]);
}
