import type { Tools, Trace } from '../../src/connector/index.ts';
import { ProbeRun, type RawAnswer } from '../../src/crm/index.ts';
import type { Pipeline } from './answers.ts';
import type { HubSpotApi } from './api.ts';
import { pathOf } from './api-version.ts';
import type { LinkFrom } from './associations.ts';
import type { Properties } from './batches.ts';
import type { Facts } from './facts.ts';
import {
  type Circumstances,
  type Failure,
  failureOfAnswer,
  failureOfOmission,
  failureOfRow,
} from './failures.ts';
import { type ObjectType, ownProperties } from './setup-names.ts';

interface Two {
  key: string;
  id: string;
  again: RawAnswer;
}

interface Row {
  id?: string;
  new?: boolean;
  properties?: Record<string, string | null>;
  objectWriteTraceId?: string;
}

/** An account that is probed: what trials ask of it, and the records that they share. */
export class ProbedAccount extends ProbeRun<Facts> {
  readonly api: HubSpotApi;
  #contact: Promise<string> | undefined;
  #mergedPair: Promise<{ key: string; kept: string; gone: string; merged: RawAnswer }> | undefined;
  readonly #twos = new Map<LinkFrom, Promise<Two | null>>();

  constructor(api: HubSpotApi, tools: Tools, signal: AbortSignal) {
    super(tools, signal);
    this.api = api;
  }

  /** A record, and what HubSpot says to another one with its key. Null where setup made no key for the kind. */
  two(kind: LinkFrom): Promise<Two | null> {
    const known = this.#twos.get(kind) ?? this.makeTwo(kind);
    this.#twos.set(kind, known);
    return known;
  }

  async twoCalls(): Promise<Two> {
    const two = await this.two('calls');
    if (!two) throw new Error('HubSpot has no key for calls.'); // the probe does not begin without
    return two;
  }

  async makeTwo(kind: LinkFrom): Promise<Two | null> {
    const properties = await this.list('properties', kind);
    if (!listedIn(properties).some(({ name }) => name === ownProperties[kind])) return null;
    const key = this.trials.key();
    const values = await this.valuesOf(kind, key);
    const made = await this.create(kind, key, values);
    const [id] = idsIn(made);
    if (id === undefined)
      throw new Error(`HubSpot did not make one of the ${kind} to try with: ${words(made)}`);
    return { key, id, again: await this.create(kind, key, values) };
  }

  async valuesOf(kind: LinkFrom, key: string): Promise<Properties> {
    if (kind === 'calls') return this.call(key);
    const own = { [ownProperties[kind]]: key };
    if (kind === 'tasks') return { ...own, hs_timestamp: this.now(), hs_task_subject: title };
    const [pipeline] = listedIn(await this.list('pipelines', 'deals')) as Partial<Pipeline>[];
    return {
      ...own,
      dealname: title,
      pipeline: pipeline?.id ?? '',
      dealstage: pipeline?.stages?.[0]?.id ?? '',
    };
  }

  async linkedCall(contactId: string, status: string): Promise<string> {
    const key = this.trials.key();
    const properties = { ...this.call(key), hs_call_status: status };
    const answer = await this.create('calls', key, properties, contactId);
    const [id] = idsIn(answer);
    if (id === undefined) throw new Error(`HubSpot did not make a call: ${words(answer)}`);
    return id;
  }

  upsertContact(key: string): Promise<RawAnswer> {
    return this.write('contacts', key, 'upsert', [
      { idProperty: ownProperties.contacts, id: key, properties: this.person(key) },
    ]);
  }

  /** A contact who was merged into another, with the key of theirs. */
  twoMerged() {
    this.#mergedPair ??= (async () => {
      const key = this.trials.key();
      const [kept = ''] = idsIn(await this.create('contacts', this.trials.key()));
      const [gone = ''] = idsIn(await this.create('contacts', key));
      const body = { primaryObjectId: kept, objectIdToMerge: gone };
      return { key, kept, gone, merged: await this.ask('contacts/merge', body) };
    })();
    return this.#mergedPair;
  }

  /** Of objects. */
  ask(what: string, body: unknown): Promise<RawAnswer> {
    return this.api.ask('POST', pathOf('crm/objects', what), body, this.signal);
  }

  list(api: 'properties' | 'pipelines', kind: string): Promise<RawAnswer> {
    return this.api.ask('GET', pathOf(`crm/${api}`, kind), undefined, this.signal);
  }

  write(kind: ObjectType, key: string, action: 'create' | 'upsert', inputs: object[]): Promise<RawAnswer> {
    const traced = inputs.map((input) => ({ objectWriteTraceId: key, ...input }));
    const send = () => this.ask(`${kind}/batch/${action}`, { inputs: traced });
    return this.trials.write(kind, key, send, idsIn);
  }

  create(kind: ObjectType, key: string, properties?: Properties, contactId?: string): Promise<RawAnswer> {
    const standard = kind === 'contacts' ? this.person(key) : this.call(key);
    const types = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 194 }];
    const associations = contactId === undefined ? [] : [{ to: { id: contactId }, types }];
    return this.write(kind, key, 'create', [{ properties: properties ?? standard, associations }]);
  }

  update(kind: ObjectType, id: string, properties: Properties): Promise<RawAnswer> {
    return this.ask(`${kind}/batch/update`, { inputs: [{ id, objectWriteTraceId: id, properties }] });
  }

  async someContact(): Promise<string> {
    this.#contact ??= this.create('contacts', this.trials.key()).then((answer) => {
      const [id] = idsIn(answer);
      if (id === undefined) throw new Error(`HubSpot did not make a contact: ${words(answer)}`);
      return id;
    });
    return this.#contact;
  }

  async delete(kind: string, id: string, signal: AbortSignal): Promise<void> {
    const answer = await this.api.ask('DELETE', pathOf('crm/objects', `${kind}/${id}`), undefined, signal);
    if (answer.status >= 300 && answer.status !== 404) throw new Error(words(answer));
  }

  protected async remove({ type, key, ids }: Trace, signal: AbortSignal): Promise<void> {
    const idProperty = ownProperties[type as ObjectType];
    const path = pathOf('crm/objects', `${type}/batch/read`);
    const body = { idProperty, properties: [idProperty], propertiesWithHistory: [], inputs: [{ id: key }] };
    let found = await this.api.ask('POST', path, body, signal);
    if (found.status >= 300) {
      const filters = [{ propertyName: idProperty, operator: 'EQ', value: key }];
      const search = path.replace('batch/read', 'search');
      found = await this.api.ask('POST', search, { filterGroups: [{ filters }] }, signal);
    }
    for (const id of new Set([...ids, ...idsIn(found)])) await this.delete(type, id, signal);
  }

  /** What the connector makes of an answer; undefined if it did as asked. */
  failureOf(answer: RawAnswer): Failure | undefined {
    const where: Circumstances = {
      request: 'the probe',
      connector: this.api.connector,
      now: this.clock.now(),
      secrets: [],
    };
    if (answer.status >= 300) return failureOfAnswer({ ...answer, headers: {} }, where);
    const [error] = errorsIn(answer);
    if (error) return failureOfRow(error, where);
    return idsIn(answer).length > 0 ? undefined : failureOfOmission(where);
  }

  now(): string {
    return this.clock.now().toISOString();
  }

  call(key: string): Properties {
    return { hs_timestamp: this.now(), hs_call_title: title, [ownProperties.calls]: key };
  }

  person(key: string): Properties {
    return { firstname: 'delacon-bridge', lastname: 'probe', [ownProperties.contacts]: key };
  }
}

export const title = 'delacon-bridge probe';

export function rowsIn(answer: RawAnswer): Row[] {
  return listedIn(answer) as Row[];
}

function listedIn({ body }: RawAnswer): Record<string, unknown>[] {
  const { results } = (body ?? {}) as { results?: Record<string, unknown>[] };
  return Array.isArray(results) ? results : [];
}

export function idsIn(answer: RawAnswer): string[] {
  return rowsIn(answer).flatMap(({ id }) => id ?? []);
}

export function errorsIn({ body }: RawAnswer): { message?: string; context?: Record<string, string[]> }[] {
  const { errors, results } = (body ?? {}) as { errors?: object[]; results?: unknown };
  return Array.isArray(errors) && Array.isArray(results) ? errors : [];
}

/** HubSpot's own, short. */
export function words(answer: RawAnswer): string {
  const { message } = (answer.body ?? {}) as { message?: unknown };
  const told = [message, ...errorsIn(answer).map((error) => error.message)].filter((text) => !!text);
  const [row] = rowsIn(answer);
  const made = row ? `id ${row.id}${row.new === undefined ? '' : `, "new": ${row.new}`}` : undefined;
  const all = [made, ...told.map((text) => `"${String(text).slice(0, 400)}"`)].filter(Boolean);
  return `${answer.status}${all.length > 0 ? `: ${all.join(' ')}` : ', and nothing else'}`;
}
