import type { KindName } from './kinds.ts';
import type { Oddities } from './oddities.ts';
import type { Properties } from './properties.ts';
import {
  conflictingValue,
  invalid,
  invalidAssociation,
  nonUniqueIdProperty,
  notFound,
  Refusal,
} from './refusals.ts';
import { calculatedPhones, compileFilters, readSearch } from './search.ts';

export interface HubSpotRecord {
  id: string;
  values: Record<string, string>;
  createdAt: Date;
  updatedAt: Date;
  archived: boolean;
  /** Merged into another: reads and updates pass it over in silence. */
  mergedInto: string | undefined;
  /** Ids of those that were merged into it. */
  mergedFrom: readonly string[];
}

/** One kind of object in one account. */
export interface ObjectKind {
  name: KindName;
  objectTypeId: string;
  properties: Properties;
  /** What a new record must have; the refusal says what is missing. */
  checkNew(values: Record<string, string>): void;
  firstId: number;
}

interface Behaviour {
  now(): Date;
  indexDelayMs: number;
  trunkZero: 'dropped' | 'kept';
  conflictForm: 'code' | 'text';
  /** Whether a batch of which some inputs are bad is answered with 207, or refused as a whole. */
  partialSuccess: boolean;
  /** Whether rows of an answer repeat the trace id of their input. */
  echoTraceIds: boolean;
  /** Whether errors of a batch say which input they are about. */
  namesErrors: boolean;
  oddities: Oddities;
}

interface Input {
  id?: string;
  idProperty?: string;
  properties?: Record<string, unknown>;
  objectWriteTraceId?: string;
  associations?: unknown;
}

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** The records of one kind, the search index that lags behind them, and the batch endpoints. */
export class Records {
  readonly kind: ObjectKind;
  readonly #behaviour: Behaviour;
  #records = new Map<string, HubSpotRecord>();
  /** Who holds a unique value: `delacon_caller=+61444444444` → id. */
  #holders = new Map<string, string>();
  #nextId: number;
  /** What searching sees: a copy of the values, from the time on at which the index had them. */
  readonly #index = new Map<string, Record<string, string>>();
  #unindexed: { record: HubSpotRecord; at: number }[] = [];

  constructor(kind: ObjectKind, behaviour: Behaviour) {
    this.kind = kind;
    this.#behaviour = behaviour;
    this.#nextId = kind.firstId;
  }

  all(): HubSpotRecord[] {
    return [...this.#records.values()].filter((record) => !record.archived);
  }

  /** By id; records that are archived or merged away are not there. */
  find(id: string): HubSpotRecord | undefined {
    const record = this.#records.get(id);
    return record && !record.archived ? record : undefined;
  }

  /** Every write so far is in the index. */
  settleIndex(): void {
    for (const waiting of this.#unindexed) waiting.at = 0;
  }

  archive(id: string): void {
    this.#save({ ...this.#known(id), archived: true });
  }

  /** As merging in HubSpot's page does: the record that stays keeps its values and fills its blanks. */
  merge(kept: string, gone: string): void {
    const [stays, goes] = [this.#known(kept), this.#known(gone)];
    const left = this.#behaviour.oddities.keepsDeletedKeys ? goes.values : {};
    this.#save({ ...goes, archived: true, mergedInto: kept, values: left });
    const filled = Object.fromEntries(Object.entries(goes.values).filter(([name]) => !stays.values[name]));
    const mergedFrom = [...stays.mergedFrom, ...goes.mergedFrom, gone];
    this.#save({ ...stays, values: { ...stays.values, ...filled }, mergedFrom });
  }

  // One record

  create(properties: Record<string, unknown>): HubSpotRecord {
    const values = this.kind.properties.accept(properties);
    this.kind.checkNew(values);
    this.kind.properties.checkDemands(values, true);
    const id = String(this.#nextId);
    this.#checkUnique(values, id);
    this.#nextId += 7;
    const now = this.#behaviour.now();
    return this.#save({
      id,
      values,
      createdAt: now,
      updatedAt: now,
      archived: false,
      mergedInto: undefined,
      mergedFrom: [],
    });
  }

  update(record: HubSpotRecord, properties: Record<string, unknown>): HubSpotRecord {
    const values = this.kind.properties.accept(properties);
    this.kind.properties.checkDemands({ ...record.values, ...values }, false);
    this.#checkUnique(values, record.id);
    return this.#save({
      ...record,
      values: { ...record.values, ...values },
      updatedAt: this.#behaviour.now(),
    });
  }

  /** By id, or by a unique property. */
  resolve(id: string, idProperty: string | undefined): HubSpotRecord | undefined {
    if (idProperty === undefined) return this.find(id);
    this.#checkIdProperty(idProperty);
    return this.find(this.#holders.get(`${idProperty}=${id}`) ?? '');
  }

  /** As an answer shows it. `wanted` properties that are unset are null. */
  show(record: HubSpotRecord, wanted: readonly string[] = Object.keys(record.values)) {
    const all: Record<string, string> = { ...record.values, ...this.#calculated(record) };
    const names = [...new Set([...wanted, ...this.#alwaysShown()])];
    return {
      id: record.id,
      properties: Object.fromEntries(names.map((name) => [name, all[name] || null])),
      createdAt: record.createdAt.toISOString(),
      updatedAt: record.updatedAt.toISOString(),
      archived: record.archived,
    };
  }

  // Batches

  batchCreate(
    body: Record<string, unknown>,
    associate: (record: HubSpotRecord, asked: unknown) => void,
  ): Answer {
    const inputs = readInputs(body);
    return this.#each(inputs, 201, (input) => {
      const record = this.create(input.properties ?? {});
      try {
        associate(record, input.associations);
      } catch (refusal) {
        this.#release(record.id);
        this.#records.delete(record.id);
        throw refusal;
      }
      return this.show(record);
    });
  }

  batchUpsert(body: Record<string, unknown>): Answer {
    const inputs = readInputs(body);
    for (const input of inputs) {
      if (!input.idProperty || input.id === undefined) {
        throw invalid('Invalid input JSON. Some required fields were not set: [id, idProperty]');
      }
      if (input.associations !== undefined) throw invalid('Unrecognized field "associations"');
      this.#checkIdProperty(input.idProperty);
    }
    refuseDuplicates(inputs);
    return this.#each(inputs, 200, (input) => {
      const idProperty = input.idProperty as string;
      const found = this.resolve(String(input.id), idProperty);
      const properties = { [idProperty]: input.id, ...input.properties };
      const record = found ? this.update(found, properties) : this.create(properties);
      return { ...this.show(record), new: !found };
    });
  }

  batchUpdate(body: Record<string, unknown>): Answer {
    const inputs = readInputs(body);
    for (const input of inputs) if (input.idProperty) this.#checkIdProperty(input.idProperty);
    refuseDuplicates(inputs);
    return this.#each(inputs, 200, (input) => {
      const id = String(input.id);
      const record = this.resolve(id, input.idProperty);
      if (record) return this.show(this.update(record, input.properties ?? {}));
      if (!this.#isMerged(id)) return { missing: id };
      return this.#behaviour.oddities.answersMergedIds ? { id, properties: {} } : undefined;
    });
  }

  batchRead(body: Record<string, unknown>): Answer {
    const inputs = readInputs(body);
    const idProperty = body['idProperty'] as string | undefined;
    if (idProperty) this.#checkIdProperty(idProperty);
    return this.#each(inputs, 200, (input) => {
      const id = String(input.id);
      const record = this.resolve(id, idProperty);
      if (record) return this.show(record, (body['properties'] as string[] | undefined) ?? []);
      return this.#isMerged(id) ? undefined : { missing: id };
    });
  }

  search(body: Record<string, unknown>, length: number): Answer {
    const request = readSearch(body, length, this.kind.properties);
    const { longestList } = this.#behaviour.oddities;
    if (request.filterGroups.flat().some(({ values = [] }) => values.length > longestList)) {
      throw invalid(`The number of values of a filter exceeds the limit of ${longestList}`);
    }
    this.#refreshIndex();
    const holds = compileFilters(request.filterGroups, this.kind.properties);
    const found = [...this.#index]
      .filter(([id, values]) => this.find(id) && holds(values))
      .sort(([, a], [, b]) => {
        const order = (a[request.sort.property] ?? '').localeCompare(b[request.sort.property] ?? '');
        return request.sort.descending ? -order : order;
      });
    const end = request.after + request.limit;
    const page = found.slice(request.after, end);
    return {
      status: 200,
      body: {
        total: found.length,
        results: page.map(([id]) => this.show(this.find(id) as HubSpotRecord, request.properties)),
        ...(end < found.length ? { paging: { next: { after: String(end) } } } : {}),
      },
    };
  }

  /**
   * Without a trace id on every input one refusal refuses all and nothing is written; with them each has its own
   * fate, and the answer is a 207.
   */
  #each(
    inputs: readonly Input[],
    status: number,
    apply: (input: Input) => Record<string, unknown> | { missing: string } | undefined,
  ): Answer {
    const traced = new Set(inputs.map((input) => input.objectWriteTraceId)).size === inputs.length;
    const ownFate =
      this.#behaviour.partialSuccess && traced && inputs.every((input) => !!input.objectWriteTraceId);
    const before = ownFate ? undefined : { records: new Map(this.#records), holders: new Map(this.#holders) };
    const results: Record<string, unknown>[] = [];
    const errors: Record<string, unknown>[] = [];
    const missing: string[] = [];
    const startedAt = this.#behaviour.now().toISOString();
    for (const input of inputs) {
      const trace = input.objectWriteTraceId;
      try {
        const result = apply(input);
        if (result === undefined) continue;
        if ('missing' in result) {
          if (ownFate) errors.push(this.#missing([input.id as string], trace));
          else missing.push(String(result['missing']));
        } else
          results.push(
            this.#behaviour.echoTraceIds && trace ? { ...result, objectWriteTraceId: trace } : result,
          );
      } catch (refusal) {
        if (!(refusal instanceof Refusal) || before) {
          this.#records = before?.records ?? this.#records;
          this.#holders = before?.holders ?? this.#holders;
          throw refusal;
        }
        const context = (refusal.body['context'] ?? {}) as Record<string, unknown>;
        errors.push({ ...refusal.body, context: { ...context, objectWriteTraceId: [trace] } });
      }
    }
    if (missing.length > 0) errors.push(this.#missing(missing, undefined));
    const body = {
      status: 'COMPLETE',
      results: results.reverse(), // never in the order of the inputs
      startedAt,
      completedAt: this.#behaviour.now().toISOString(),
    };
    if (errors.length === 0) return { status, body };
    const told = this.#behaviour.namesErrors ? errors : errors.map(({ context: _, ...error }) => error);
    return { status: 207, body: { ...body, numErrors: errors.length, errors: told } };
  }

  #missing(ids: string[], trace: string | undefined) {
    const what = this.kind.name.replace(/s$/, '').toUpperCase();
    const { words } = this.#behaviour.oddities;
    if (words)
      return {
        status: 'error',
        category: 'VALIDATION_ERROR',
        message: words,
        context: { ids, ...(trace === undefined ? {} : { objectWriteTraceId: [trace] }) },
      };
    return {
      status: 'error',
      category: 'OBJECT_NOT_FOUND',
      message: `Could not get some ${what} objects, they may be deleted or not exist. Check that ids are valid.`,
      context: { ids, ...(trace === undefined ? {} : { objectWriteTraceId: [trace] }) },
    };
  }

  #known(id: string): HubSpotRecord {
    const record = this.find(id);
    if (!record) throw notFound();
    return record;
  }

  #isMerged(id: string): boolean {
    return this.#records.get(id)?.mergedInto !== undefined;
  }

  /** What is odd about the keys of this kind. */
  get #odd() {
    return this.#behaviour.oddities.keys[this.kind.name];
  }

  #checkIdProperty(name: string): void {
    if (this.#odd !== undefined || this.kind.properties.find(name)?.hasUniqueValue !== true) {
      throw nonUniqueIdProperty(this.kind.objectTypeId, name);
    }
  }

  #checkUnique(values: Record<string, string>, writer: string): void {
    for (const { name } of this.kind.properties.unique()) {
      const value = values[name];
      if (!value) continue;
      const id = this.#holders.get(`${name}=${value}`) ?? '';
      const { keepsDeletedKeys, words } = this.#behaviour.oddities;
      const holder = keepsDeletedKeys ? this.#records.get(id) : this.find(id);
      if (!holder || holder.id === writer) continue;
      if (this.#odd === 'ignored') continue;
      if (words) throw invalid(words);
      if (name === 'email') {
        throw new Refusal(409, {
          message: `Contact already exists. Existing ID: ${holder.id}`,
          category: 'CONFLICT',
        });
      }
      throw conflictingValue(this.#behaviour.conflictForm, name, value, holder.id, writer);
    }
  }

  #save(record: HubSpotRecord): HubSpotRecord {
    this.#release(record.id);
    this.#records.set(record.id, record);
    const isFree = record.archived && !this.#behaviour.oddities.keepsDeletedKeys;
    for (const { name } of isFree ? [] : this.kind.properties.unique()) {
      if (record.values[name]) this.#holders.set(`${name}=${record.values[name]}`, record.id);
    }
    this.#unindexed.push({ record, at: this.#behaviour.now().getTime() + this.#behaviour.indexDelayMs });
    return record;
  }

  /** Takes back the unique values that a record holds. */
  #release(id: string): void {
    const values = this.#records.get(id)?.values ?? {};
    for (const [name, value] of Object.entries(values)) {
      if (this.#holders.get(`${name}=${value}`) === id) this.#holders.delete(`${name}=${value}`);
    }
  }

  #refreshIndex(): void {
    const now = this.#behaviour.now().getTime();
    for (const { record, at } of this.#unindexed) {
      if (at <= now) this.#index.set(record.id, { ...record.values, ...this.#calculated(record) });
    }
    this.#unindexed = this.#unindexed.filter(({ at }) => at > now);
  }

  #alwaysShown(): string[] {
    return this.kind.name === 'contacts'
      ? ['hs_object_id', 'createdate', 'lastmodifieddate']
      : ['hs_object_id', 'hs_createdate', 'hs_lastmodifieddate'];
  }

  #phones(values: Record<string, string>): Record<string, string> {
    const { oddities, trunkZero } = this.#behaviour;
    if (!oddities.indexesAsTyped) return calculatedPhones(values, trunkZero);
    return {
      hs_searchable_calculated_phone_number: values['phone'] ?? '',
      hs_searchable_calculated_mobile_number: values['mobilephone'] ?? '',
    };
  }

  #calculated(record: HubSpotRecord): Record<string, string> {
    const [id, created, modified] = this.#alwaysShown() as [string, string, string];
    return {
      [id]: record.id,
      [created]: record.createdAt.toISOString(),
      [modified]: record.updatedAt.toISOString(),
      ...(this.kind.name === 'contacts' ? this.#phones(record.values) : {}),
      ...(record.mergedFrom.length > 0 && !this.#behaviour.oddities.hidesMerged
        ? { hs_merged_object_ids: record.mergedFrom.join(';') }
        : {}),
    };
  }
}

function readInputs(body: Record<string, unknown>): Input[] {
  const inputs = body['inputs'];
  if (!Array.isArray(inputs)) {
    throw invalid('Invalid input JSON on line 1, column 2. Some required fields were not set: [inputs]');
  }
  if (inputs.length > 100) {
    throw invalid(
      'The maximum number of inputs supported in a batch is 100. Please reduce the number of items and try again',
    );
  }
  return inputs as Input[];
}

function refuseDuplicates(inputs: readonly Input[]): void {
  const seen = new Set<string>();
  for (const input of inputs) {
    const id = String(input.id);
    if (seen.has(id)) {
      throw invalid(`Duplicate IDs found in batch input: [${id}]. IDs must be unique`, {
        context: { ids: [id] },
      });
    }
    seen.add(id);
  }
}

/** Which object an association type leads to, by the kind it comes from. HUBSPOT_DEFINED ones only. */
const associationTypes: Record<string, Record<number, string>> = {
  calls: { 194: 'contacts', 182: 'companies', 206: 'deals', 220: 'tickets' },
  tasks: { 204: 'contacts', 192: 'companies', 216: 'deals' },
  deals: { 3: 'contacts', 341: 'companies', 5: 'companies', 205: 'calls' },
};

export const defaultAssociationTypes: Record<string, number> = {
  'calls>contacts': 194,
  'calls>companies': 182,
  'tasks>contacts': 204,
  'tasks>companies': 192,
  'deals>contacts': 3,
  'deals>companies': 341,
  'deals>calls': 205,
};

/** Links between records, as `calls 39 > contacts 501`. */
export class Associations {
  readonly #links = new Map<string, Set<string>>();
  readonly #kinds: ReadonlyMap<string, Records>;

  constructor(kinds: ReadonlyMap<string, Records>) {
    this.#kinds = kinds;
  }

  /** Only to records that are still there. */
  of(from: string, fromId: string, to: string): string[] {
    const linked = this.#links.get(`${from} ${fromId} > ${to}`) ?? [];
    return [...linked].filter((id) => this.#kinds.get(to)?.find(id));
  }

  /** Those that are linked to a record. */
  from(from: string, to: string, toId: string): string[] {
    return [...this.#links].flatMap(([key, linked]) => {
      const [kind, id = '', , target] = key.split(' ');
      return kind === from && target === to && linked.has(toId) ? [id] : [];
    });
  }

  /** What was linked to one that was merged away belongs to the one that stays. */
  move(to: string, gone: string, kept: string): void {
    for (const [key, linked] of this.#links) {
      if (key.endsWith(` > ${to}`) && linked.delete(gone)) linked.add(kept);
    }
  }

  link(from: string, fromId: string, to: string, toId: string): void {
    if (!this.#kinds.get(from)?.find(fromId) || !this.#kinds.get(to)?.find(toId)) throw invalidAssociation();
    const key = `${from} ${fromId} > ${to}`;
    this.#links.set(key, new Set(this.#links.get(key)).add(toId));
  }

  /** The `associations` of a create. All are checked before the first is made. */
  linkNew(from: string, record: HubSpotRecord, asked: unknown): void {
    const wanted = (asked ?? []) as { to?: { id?: unknown }; types?: Record<string, unknown>[] }[];
    const links = wanted.map(({ to, types }) => {
      const type = types?.[0];
      const target = associationTypes[from]?.[Number(type?.['associationTypeId'])];
      if (type?.['associationCategory'] !== 'HUBSPOT_DEFINED' || target === undefined)
        throw invalidAssociation();
      const id = String(to?.id);
      if (!this.#kinds.get(target)?.find(id)) throw invalidAssociation();
      return { target, id };
    });
    for (const { target, id } of links) this.link(from, record.id, target, id);
  }
}
