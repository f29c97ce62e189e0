import type { Tools, Trace } from '../../src/connector/index.ts';
import { ProbeRun } from '../../src/crm/index.ts';
import type { SalesforceApi } from './api.ts';
import type { Facts } from './facts.ts';
import {
  type Circumstances,
  type Failure,
  failureOfAnswer,
  failureOfRow,
  RequestFailed,
  type SalesforceError,
} from './failures.ts';
import { ownFields } from './setup-names.ts';
import { isIn, quote } from './soql.ts';
import type { Fields } from './written.ts';

type Kind = 'Task' | 'Lead' | 'Account';

/** What came of one record. */
export interface Result {
  id?: string;
  success?: boolean;
  created?: boolean;
  errors?: SalesforceError[];
}

/** An org that is probed: what trials ask of it, and the records that they share. */
export class ProbedOrg extends ProbeRun<Facts> {
  readonly api: SalesforceApi;
  #first: Promise<{ key: string; result: Result }> | undefined;

  constructor(api: SalesforceApi, tools: Tools, signal: AbortSignal) {
    super(tools, signal);
    this.api = api;
  }

  task() {
    this.#first ??= (async () => {
      const key = this.trials.key();
      const result = await this.upsert('Task', key, this.call());
      if (!result.success) throw new Error(`Salesforce did not make a Task to try with: ${words(result)}`);
      return { key, result };
    })();
    return this.#first;
  }

  /** One refusal in words that are not known is enough to look twice at all of them. */
  isKnown(known: boolean): boolean {
    if (!known) this.facts.refusals = 'unread';
    else if (!('refusals' in this.facts)) this.facts.refusals = undefined;
    return known;
  }

  async lead(): Promise<string> {
    const { id, ...rest } = await this.upsert('Lead', this.trials.key(), this.person());
    if (id === undefined) throw new Error(`Salesforce did not make a Lead: ${words(rest)}`);
    return id;
  }

  ask(method: 'GET' | 'POST' | 'PATCH', path: string, body: unknown) {
    return this.api.ask(method, path, body, this.signal);
  }

  async query(statement: string, resource: 'query' | 'queryAll' = 'query') {
    const [found] = await this.api.query([statement], this.signal, resource);
    if (!found) throw new Error('Salesforce did not answer the query.');
    return found;
  }

  async collection(kind: 'Task' | 'Lead', key: string, records: Fields[]): Promise<Result[]> {
    const path = `/composite/sobjects/${kind}/${ownFields[kind]}`;
    const send = async () => resultsIn((await this.ask('PATCH', path, { allOrNone: false, records })).body);
    return this.trials.write(kind, key, send, idsIn);
  }

  async upsert(kind: 'Task' | 'Lead', key: string, fields: Fields): Promise<Result> {
    const record = this.record(kind, { ...fields, [ownFields[kind]]: key });
    return (await this.collection(kind, key, [record]))[0] ?? {};
  }

  async create(kind: Kind, key: string, fields: Fields): Promise<Result> {
    const send = async () => resultsIn((await this.ask('POST', `/sobjects/${kind}`, fields)).body);
    return (await this.trials.write(kind, key, send, idsIn))[0] ?? {};
  }

  async update(kind: Kind, id: string, fields: Fields): Promise<Result[]> {
    const records = [{ ...this.record(kind, fields), id }];
    return resultsIn((await this.ask('PATCH', '/composite/sobjects', { allOrNone: false, records })).body);
  }

  async delete(kind: string, id: string, signal: AbortSignal): Promise<void> {
    const { status, body } = await this.api.ask('DELETE', `/sobjects/${kind}/${id}`, undefined, signal);
    const [result = {}] = resultsIn(body);
    const isGone = status === 404 || codeOf(result) === 'ENTITY_IS_DELETED';
    if (status >= 300 && !isGone) throw new Error(words(result));
  }

  protected async remove({ type, key, ids }: Trace, signal: AbortSignal): Promise<void> {
    const condition =
      type === 'Account'
        ? `Name = ${quote(`${subject} ${key}`)}`
        : isIn(type === 'Task' ? ownFields.Task : ownFields.Lead, [key]);
    const [found] = await this.api.query([`SELECT Id FROM ${type} WHERE ${condition}`], signal);
    if (!found?.rows) throw new RequestFailed((found as { failure: Failure }).failure);
    for (const id of new Set([...ids, ...found.rows.map(({ Id }) => Id)]))
      await this.delete(type, id, signal);
  }

  /** What the connector makes of a result; undefined if it was written. */
  failureOf(result: Result): Failure | undefined {
    if (result.success) return undefined;
    const where: Circumstances = {
      request: 'the probe',
      connector: this.api.connector,
      now: this.clock.now(),
      secrets: [],
      mapped: new Map(),
      usage: undefined,
    };
    const isOfRow = result.errors?.some(({ statusCode }) => statusCode !== undefined) ?? false;
    return isOfRow
      ? failureOfRow(result.errors ?? [], where)
      : failureOfAnswer({ status: 400, body: result.errors ?? [] }, where);
  }

  record(kind: Kind, fields: Fields): Fields {
    return { attributes: { type: kind }, ...fields };
  }

  call(): Fields {
    return { TaskSubtype: 'Call', CallType: 'Inbound', Subject: subject, Status: 'In Progress' };
  }

  person(): Fields {
    return { FirstName: 'delacon-bridge', LastName: 'probe', Company: subject };
  }
}

export const subject = 'delacon-bridge probe';

/** Of a collection, of one record, or of a refusal as a whole. */
export function resultsIn(body: unknown): Result[] {
  const all = (Array.isArray(body) ? body : [body]) as (Result & SalesforceError)[];
  return all.flatMap((one) => {
    if (typeof one !== 'object' || one === null) return [];
    return one.errorCode === undefined ? [one] : [{ success: false, errors: [one] }];
  });
}

export function idsIn(results: readonly Result[]): string[] {
  return results.flatMap(({ id }) => id ?? []);
}

function codeOf({ errors }: Result): string | undefined {
  const code = errors?.[0]?.statusCode ?? errors?.[0]?.errorCode;
  return code === undefined ? undefined : String(code);
}

/** Salesforce's own, short. */
export function words(result: Result): string {
  if (result.success)
    return `id ${result.id}${result.created === undefined ? '' : `, "created": ${result.created}`}`;
  const [error] = result.errors ?? [];
  const fields =
    Array.isArray(error?.fields) && error.fields.length > 0 ? ` [${error.fields.join(', ')}]` : '';
  return `${codeOf(result) ?? 'no answer'}: "${String(error?.message ?? '').slice(0, 400)}"${fields}`;
}
