import {
  type Assumption,
  type Clock,
  type Probe,
  parsePhone,
  sleep,
  type Tools,
  type Trace,
  type Trial,
  Trials,
} from '../../src/connector/index.ts';
import type { Row } from './answers.ts';
import type { Fields, SalesforceApi } from './api.ts';
import { candidateOf, numberIn } from './candidates.ts';
import {
  type Circumstances,
  type Failure,
  failureOfAnswer,
  failureOfRow,
  RequestFailed,
  type SalesforceError,
} from './failures.ts';
import type { Found } from './found.ts';
import type { SalesforceOptions } from './options.ts';
import { packSearches, phoneSearch } from './phone-search.ts';
import { plan } from './setup.ts';
import { ownFields } from './setup-names.ts';
import { isIn, quote } from './soql.ts';

/** Numbers that the Australian authority keeps for fiction: nobody has them. */
const numbers = [
  '+61491570006',
  '0491570156',
  '0491 570 157',
  '0491-570-158',
  '61 491 570 159',
  '(02) 5550 1234',
  '04 9157 0313',
  '1300 975 707',
];

/** Longer than this, searching is taken to find nothing: the index is said to be up to ten minutes behind. */
const patienceMs = 10 * 60_000;
const askEveryMs = 10_000;

type Kind = 'Task' | 'Lead' | 'Account';

/** What came of one record. */
interface Result {
  id?: string;
  success?: boolean;
  created?: boolean;
  errors?: SalesforceError[];
}

/** Puts the open points of what is known about Salesforce to the test. */
export class SalesforceProbe implements Probe {
  readonly api: string;
  readonly writes = [
    'make about a dozen Leads and Tasks called "delacon-bridge probe", and an Account if the user may, and delete them all (they stay in the recycle bin for a while),',
    'use numbers that nobody has: +61 491 570 006 and others that are kept for fiction,',
    'send some requests that Salesforce must refuse, and search for up to ten minutes, because its index lags.',
  ];
  readonly #api: SalesforceApi;
  readonly #options: SalesforceOptions;
  readonly #tools: Tools;

  constructor(api: SalesforceApi, options: SalesforceOptions, tools: Tools) {
    this.#api = api;
    this.#options = options;
    this.#tools = tools;
    this.api = `Salesforce REST API v${api.apiVersion}`;
  }

  async run(signal: AbortSignal, found: (result: Assumption) => void): Promise<void> {
    const lacking = (await plan(this.#api, this.#options, signal)).filter(({ action }) => action !== 'keep');
    if (lacking.length > 0)
      throw new Error(`Nothing was tried. Run \`delacon-bridge setup ${this.#api.connector}\` first.`);
    for (const object of ['Task', 'Lead']) {
      const { body } = await this.#api.ask('GET', `/sobjects/${object}/describe`, undefined, signal);
      if ((body as { deletable?: unknown }).deletable === false)
        throw new Error(
          `Nothing was tried. Let the bridge's user delete ${object}s for the time of the probe, so that nothing is left.`,
        );
    }
    const run = new ProbeRun(this.#api, this.#tools, signal);
    try {
      await run.trials.run(run.all(), signal, found);
    } finally {
      await this.#api.findings.keep(run.findings);
    }
  }
}

/** Trials share records, so they are made when first needed. */
class ProbeRun {
  readonly trials: Trials;
  /** What was found out; undefined: as expected. What could not be tried is not named, and stays as it was. */
  readonly findings: { [Name in keyof Found]?: Found[Name] | undefined } = {};
  readonly #api: SalesforceApi;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #first: Promise<{ key: string; result: Result }> | undefined;

  constructor(api: SalesforceApi, { clock, memory }: Tools, signal: AbortSignal) {
    this.#api = api;
    this.#clock = clock;
    this.#signal = signal;
    this.trials = new Trials(memory, (trace, cleaning) => this.#remove(trace, cleaning));
  }

  all(): Trial[] {
    return [
      ...this.#setUp(),
      ...this.#tasks(),
      ...this.#refusals(),
      ...this.#people(),
      ...this.#requests(),
      this.#search(),
    ];
  }

  // What setup relies on

  #setUp(): Trial[] {
    return [
      {
        assumption: 'The Metadata API shows the definitions of fields.',
        expected: 'readMetadata answers the field of the key.',
        otherwise: 'goes on: the permission is needed for setup only',
        see: async () => {
          const path = `Activity.${ownFields.Task}`;
          try {
            const [field] = await this.#api.readFields([path], this.#signal);
            const seen = field ? `${path}: ${field.type}, unique ${field.unique}.` : `${path} is not shown.`;
            return { holds: field !== undefined, seen };
          } catch (thrown) {
            if (!(thrown instanceof RequestFailed) || thrown.failure.kind === 'retry') throw thrown;
            return { holds: false, seen: thrown.failure.reason };
          }
        },
      },
      {
        assumption: 'Permissions of fields can be read as records.',
        expected: 'a query of FieldPermissions is answered',
        otherwise: 'needs the permission set to be given by hand; check says so',
        see: async () => {
          const path = `Task.${ownFields.Task}`;
          const { rows, failure } = await this.#query(
            `SELECT Id,PermissionsEdit FROM FieldPermissions WHERE Field = ${quote(path)}`,
          );
          return { holds: rows !== undefined, seen: rows ? `${rows.length} rows.` : (failure?.reason ?? '') };
        },
      },
    ];
  }

  // Tasks and their keys

  #tasks(): Trial[] {
    return [
      {
        assumption: 'An upsert under our field makes a Task that is a call.',
        expected: '"created": true, TaskSubtype Call',
        otherwise: '',
        see: async () => {
          const { key, result } = await this.#task();
          const { rows } = await this.#query(
            `SELECT Id,TaskSubtype FROM Task WHERE ${isIn(ownFields.Task, [key])}`,
          );
          const subtype = rows?.[0]?.['TaskSubtype'];
          const holds = result.created === true && subtype === 'Call';
          return { holds, seen: `${words(result)}; TaskSubtype ${String(subtype)}.` };
        },
      },
      {
        assumption:
          'That a Task is there is said by refusing its TaskSubtype, in words that the connector knows.',
        expected: 'INVALID_FIELD_FOR_INSERT_UPDATE with TaskSubtype',
        otherwise:
          'looks up what is there after every refusal that it does not know; where it is not refused, the Task is updated, which is as well',
        see: async () => {
          const { key } = await this.#task();
          const result = await this.#upsert('Task', key, this.#call());
          if (result.success) return { holds: false, seen: `It is taken: ${words(result)}.` };
          const cure = this.#failureOf(result)?.cure;
          const known =
            cure?.what === 'taken' || (cure?.what === 'fields' && cure.names.includes('TaskSubtype'));
          return { holds: this.#isKnown(known), seen: words(result) };
        },
      },
      {
        assumption: 'Salesforce keeps our key unique on Tasks.',
        expected: 'DUPLICATE_VALUE to a second Task with the key',
        otherwise: 'finds the Task by the key all the same; the field should be mended: run check',
        see: async () => {
          const { key } = await this.#task();
          const result = await this.#create('Task', key, { ...this.#call(), [ownFields.Task]: key });
          const holds = !result.success && this.#failureOf(result)?.cure?.what === 'taken';
          return { holds, seen: words(result) };
        },
      },
      {
        assumption: 'A key that comes twice in one request fails both, and neither is written.',
        expected: 'DUPLICATE_VALUE, "Duplicate external id specified"',
        otherwise: 'never sends a key twice in one request',
        see: async () => {
          const key = this.trials.key();
          const records = [1, 2].map(() => this.#record('Task', { ...this.#call(), [ownFields.Task]: key }));
          const results = await this.#collection('Task', key, records);
          return { holds: results.every(({ success }) => !success), seen: results.map(words).join('; ') };
        },
      },
      {
        assumption: 'A query sees at once what was written, by the key.',
        expected: 'the Task that was just made, with query and with queryAll',
        otherwise: '',
        see: async () => {
          const { key, result } = await this.#task();
          const condition = isIn(ownFields.Task, [key]);
          const plain = await this.#query(`SELECT Id FROM Task WHERE ${condition}`);
          const all = await this.#query(
            `SELECT Id FROM Task WHERE IsDeleted = false AND ${condition}`,
            'queryAll',
          );
          const sees = ({ rows }: { rows?: Row[] | undefined }) =>
            rows?.some(({ Id }) => Id === result.id) === true;
          const seen = [plain, all].map((found) => found.failure?.reason ?? `${found.rows?.length} rows`);
          return { holds: sees(plain) && sees(all), seen: seen.join('; ') };
        },
      },
    ];
  }

  #task() {
    this.#first ??= (async () => {
      const key = this.trials.key();
      const result = await this.#upsert('Task', key, this.#call());
      if (!result.success) throw new Error(`Salesforce did not make a Task to try with: ${words(result)}`);
      return { key, result };
    })();
    return this.#first;
  }

  // Refusals

  #refusals(): Trial[] {
    const unread = 'looks up what is there after every refusal that it does not know';
    return [
      {
        assumption: 'That the person of a new Task is deleted is said in words that the connector knows.',
        expected: 'ENTITY_IS_DELETED or INVALID_CROSS_REFERENCE_KEY',
        otherwise: unread,
        see: async () => {
          const lead = await this.#lead();
          await this.#delete('Lead', lead, this.#signal);
          const result = await this.#upsert('Task', this.trials.key(), { ...this.#call(), WhoId: lead });
          if (result.success) return { holds: null, seen: `Salesforce takes it: ${words(result)}` };
          return {
            holds: this.#isKnown(this.#failureOf(result)?.cure?.what === 'gone'),
            seen: words(result),
          };
        },
      },
      {
        assumption: 'That a Task to be updated is deleted is said in words that the connector knows.',
        expected: 'ENTITY_IS_DELETED',
        otherwise: unread,
        see: async () => {
          const { id = '' } = await this.#upsert('Task', this.trials.key(), this.#call());
          await this.#delete('Task', id, this.#signal);
          const [result = {}] = await this.#update('Task', id, { Description: 'probe' });
          if (result.success) return { holds: false, seen: `Salesforce takes it: ${words(result)}` };
          return {
            holds: this.#isKnown(this.#failureOf(result)?.cure?.what === 'gone'),
            seen: words(result),
          };
        },
      },
      {
        assumption:
          'That the person of a Task is a converted Lead is said in words that the connector knows.',
        expected: 'CANNOT_UPDATE_CONVERTED_LEAD',
        otherwise: unread,
        see: async () => ({
          holds: null,
          seen: 'Not tried: the REST API cannot convert a Lead, and what a conversion makes could not all be deleted.',
        }),
      },
      {
        assumption: 'A value that is too long is refused by its own code.',
        expected: 'STRING_TOO_LONG',
        otherwise: 'shows the call as failed, in the words of Salesforce',
        see: async () => {
          const result = await this.#upsert('Task', this.trials.key(), {
            ...this.#call(),
            Subject: 'x'.repeat(256),
          });
          return { holds: this.#failureOf(result)?.cure?.what === 'values', seen: words(result) };
        },
      },
      {
        assumption: 'A value that is not on a restricted list is refused by its own code.',
        expected: 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
        otherwise: 'shows the call as failed, in the words of Salesforce',
        see: async () => {
          const result = await this.#upsert('Task', this.trials.key(), {
            ...this.#call(),
            CallType: 'Probe',
          });
          return { holds: this.#failureOf(result)?.cure?.what === 'values', seen: words(result) };
        },
      },
      {
        assumption: 'A field that is not there is named.',
        expected: 'INVALID_FIELD, "No such column"',
        otherwise: 'shows the call as failed, in the words of Salesforce',
        see: async () => {
          const result = await this.#upsert('Task', this.trials.key(), {
            ...this.#call(),
            Delacon_Probe__c: 'x',
          });
          const cure = this.#failureOf(result)?.cure;
          return {
            holds: cure?.what === 'fields' && cure.names.includes('Delacon_Probe__c'),
            seen: words(result),
          };
        },
      },
      {
        assumption: 'A Task of a Lead cannot be related to an Account.',
        expected: 'FIELD_INTEGRITY_EXCEPTION on WhoId and WhatId',
        otherwise: 'does as always: it sets WhatId on no Task of a Lead',
        see: async () => {
          const name = this.trials.key();
          const account = await this.#create('Account', name, { Name: `${subject} ${name}` });
          if (!account.success) return { holds: null, seen: `No Account could be made: ${words(account)}` };
          const lead = await this.#lead();
          const linked = { ...this.#call(), WhoId: lead, WhatId: account.id };
          const result = await this.#upsert('Task', this.trials.key(), linked);
          return { holds: !result.success, seen: words(result) };
        },
      },
    ];
  }

  /** One refusal in words that are not known is enough to look twice at all of them. */
  #isKnown(known: boolean): boolean {
    if (!known) this.findings.refusals = 'unread';
    else if (!('refusals' in this.findings)) this.findings.refusals = undefined;
    return known;
  }

  // People

  #people(): Trial[] {
    return [
      {
        assumption:
          'Salesforce keeps our key unique on Leads, and says so in words that the connector knows.',
        expected: 'DUPLICATE_VALUE to a second Lead with the key',
        otherwise:
          'looks up what is there after every refusal that it does not know; where it is not refused, finds the Lead by the key all the same, and the field should be mended: run check',
        see: async () => {
          const key = this.trials.key();
          const person = { ...this.#person(), [ownFields.Lead]: key };
          const results = [await this.#create('Lead', key, person), await this.#create('Lead', key, person)];
          const seen = results.map(words).join('; ');
          const [first, second] = results as [Result, Result];
          if (!first.success || second.success) return { holds: false, seen };
          return { holds: this.#isKnown(this.#failureOf(second)?.cure?.what === 'taken'), seen };
        },
      },
      {
        assumption: 'A Lead who has the number of another is made all the same, with allowSave.',
        expected: 'both are made',
        otherwise: 'shows the call as failed; let the duplicate rule only warn',
        see: async () => {
          const person = { ...this.#person(), Phone: '+61491570110' };
          const results = [
            await this.#upsert('Lead', this.trials.key(), person),
            await this.#upsert('Lead', this.trials.key(), person),
          ];
          return { holds: results.every(({ success }) => success), seen: results.map(words).join('; ') };
        },
      },
    ];
  }

  async #lead(): Promise<string> {
    const { id, ...rest } = await this.#upsert('Lead', this.trials.key(), this.#person());
    if (id === undefined) throw new Error(`Salesforce did not make a Lead: ${words(rest)}`);
    return id;
  }

  // Requests

  #requests(): Trial[] {
    return [
      {
        assumption: 'A Lead and the call of them are made in one request.',
        expected: 'both are made, and the Task is of the Lead',
        otherwise: 'makes people first, and their calls in a request after it',
        see: async () => {
          const leadKey = this.trials.key();
          const taskKey = this.trials.key();
          const person = { ...this.#person(), [ownFields.Lead]: leadKey };
          const call = { ...this.#call(), [ownFields.Task]: taskKey };
          const send = () => this.#api.insertWithTasks('Lead', [{ person, tasks: [call] }], this.#signal);
          const made = await this.trials.write(
            'Task',
            taskKey,
            () => this.trials.write('Lead', leadKey, send, () => []),
            () => [],
          );
          const [both] = made ?? [];
          const { rows } = await this.#query(
            `SELECT Id,WhoId FROM Task WHERE ${isIn(ownFields.Task, [taskKey])}`,
          );
          const holds = both?.person.id !== undefined && rows?.[0]?.['WhoId'] === both.person.id;
          const refused = [both?.person.failure, both?.tasks[0]?.failure].flatMap((one) => one?.reason ?? []);
          const seen = both ? refused.join(' ') || 'Both are made.' : 'The request was refused as a whole.';
          return { holds, seen };
        },
      },
      {
        assumption: 'A composite request can refer to a record in the answer of a collection.',
        expected: 'A Task is made on the Lead that @{people[0].id} names.',
        otherwise: 'makes many people first, and their calls in a request after it',
        see: async () => {
          const leadKey = this.trials.key();
          const taskKey = this.trials.key();
          const lead = this.#record('Lead', { ...this.#person(), [ownFields.Lead]: leadKey });
          const task = this.#record('Task', {
            ...this.#call(),
            [ownFields.Task]: taskKey,
            WhoId: '@{people[0].id}',
          });
          const part = (referenceId: string, object: 'Lead' | 'Task', record: Fields) => ({
            method: 'PATCH',
            referenceId,
            url: `/services/data/v${this.#api.apiVersion}/composite/sobjects/${object}/${ownFields[object]}`,
            httpHeaders: { 'Sforce-Auto-Assign': 'FALSE', 'Sforce-Duplicate-Rule-Header': 'allowSave=true' },
            body: { allOrNone: false, records: [record] },
          });
          const body = {
            allOrNone: false,
            collateSubrequests: false,
            compositeRequest: [part('people', 'Lead', lead), part('calls', 'Task', task)],
          };
          const answer = await this.trials.write(
            'Task',
            taskKey,
            () =>
              this.trials.write(
                'Lead',
                leadKey,
                () => this.#ask('POST', '/composite', body),
                () => [],
              ),
            () => [],
          );
          const { compositeResponse } = (answer.body ?? {}) as { compositeResponse?: { body?: unknown }[] };
          const results = resultsIn(compositeResponse?.[1]?.body);
          const { rows } = await this.#query(
            `SELECT Id,WhoId FROM Task WHERE ${isIn(ownFields.Task, [taskKey])}`,
          );
          const holds = typeof rows?.[0]?.['WhoId'] === 'string';
          const seen = compositeResponse
            ? results.map(words).join('; ')
            : words(resultsIn(answer.body)[0] ?? {});
          return { holds, seen };
        },
      },
    ];
  }

  // Searching

  #search(): Trial {
    return {
      assumption: 'Searching finds Australian numbers by their digits, however they were typed.',
      expected: 'all of them within ten minutes; the lag is measured',
      otherwise: 'compares the digits in the phone fields by a query, which takes longer in large orgs',
      see: async () => {
        const open = new Map<string, string>(); // as typed → id
        for (const typed of numbers) {
          const { id } = await this.#upsert('Lead', this.trials.key(), { ...this.#person(), Phone: typed });
          if (id !== undefined) open.set(typed, id);
        }
        if (open.size === 0) return { holds: null, seen: 'No Lead with a number could be made.' };
        const since = this.#clock.now().getTime();
        const found: string[] = [];
        while (open.size > 0 && this.#clock.now().getTime() < since + patienceMs && !this.#signal.aborted) {
          const rows: Row[] = [];
          for (const { text } of packSearches([...open.keys()].map(wanted)))
            rows.push(...(await this.#api.search(phoneSearch([place], text), this.#signal)));
          const lag = Math.round((this.#clock.now().getTime() - since) / 1000);
          for (const [typed, id] of open) {
            const row = rows.find(({ Id }) => Id === id);
            if (!row || !numberIn(candidateOf('Lead', row, place.phones), wanted(typed))) continue;
            open.delete(typed);
            found.push(`${kindOf(typed)} after ${lag} s`);
          }
          if (open.size > 0) await sleep(this.#clock, askEveryMs, this.#signal);
        }
        if (this.#signal.aborted) throw new Error('It was interrupted.');
        const missing = [...open.keys()].map(kindOf);
        const seen = [
          ...(found.length > 0 ? [`Found: ${found.join(', ')}.`] : []),
          ...(missing.length > 0 ? [`Not found: ${missing.join(', ')}.`] : []),
        ].join(' ');
        // An index that shows nothing at all tells nothing of how it compares.
        if (found.length === 0) return { holds: null, seen };
        this.findings.search = missing.length > 0 ? 'separators' : undefined;
        return { holds: missing.length === 0, seen };
      },
    };
  }

  // Sending

  #ask(method: 'GET' | 'POST' | 'PATCH', path: string, body: unknown) {
    return this.#api.ask(method, path, body, this.#signal);
  }

  async #query(statement: string, resource: 'query' | 'queryAll' = 'query') {
    const [found] = await this.#api.query([statement], this.#signal, resource);
    if (!found) throw new Error('Salesforce did not answer the query.');
    return found;
  }

  async #collection(kind: 'Task' | 'Lead', key: string, records: Fields[]): Promise<Result[]> {
    const path = `/composite/sobjects/${kind}/${ownFields[kind]}`;
    const send = async () => resultsIn((await this.#ask('PATCH', path, { allOrNone: false, records })).body);
    return this.trials.write(kind, key, send, idsIn);
  }

  async #upsert(kind: 'Task' | 'Lead', key: string, fields: Fields): Promise<Result> {
    const record = this.#record(kind, { ...fields, [ownFields[kind]]: key });
    return (await this.#collection(kind, key, [record]))[0] ?? {};
  }

  async #create(kind: Kind, key: string, fields: Fields): Promise<Result> {
    const send = async () => resultsIn((await this.#ask('POST', `/sobjects/${kind}`, fields)).body);
    return (await this.trials.write(kind, key, send, idsIn))[0] ?? {};
  }

  async #update(kind: Kind, id: string, fields: Fields): Promise<Result[]> {
    const records = [{ ...this.#record(kind, fields), id }];
    return resultsIn((await this.#ask('PATCH', '/composite/sobjects', { allOrNone: false, records })).body);
  }

  async #delete(kind: string, id: string, signal: AbortSignal): Promise<void> {
    const { status, body } = await this.#api.ask('DELETE', `/sobjects/${kind}/${id}`, undefined, signal);
    const [result = {}] = resultsIn(body);
    const isGone = status === 404 || codeOf(result) === 'ENTITY_IS_DELETED';
    if (status >= 300 && !isGone) throw new Error(words(result));
  }

  /** By its ids, and those that have the key: an answer that was lost told no id. */
  async #remove({ type, key, ids }: Trace, signal: AbortSignal): Promise<void> {
    const condition =
      type === 'Account'
        ? `Name = ${quote(`${subject} ${key}`)}`
        : isIn(type === 'Task' ? ownFields.Task : ownFields.Lead, [key]);
    const [found] = await this.#api.query([`SELECT Id FROM ${type} WHERE ${condition}`], signal);
    if (!found?.rows) throw new RequestFailed((found as { failure: Failure }).failure);
    for (const id of new Set([...ids, ...found.rows.map(({ Id }) => Id)]))
      await this.#delete(type, id, signal);
  }

  /** What the connector makes of a result; undefined if it was written. */
  #failureOf(result: Result): Failure | undefined {
    if (result.success) return undefined;
    const where: Circumstances = {
      request: 'the probe',
      connector: this.#api.connector,
      now: this.#clock.now(),
      secrets: [],
      mapped: new Map(),
      usage: undefined,
    };
    const isOfRow = result.errors?.some(({ statusCode }) => statusCode !== undefined) ?? false;
    return isOfRow
      ? failureOfRow(result.errors ?? [], where)
      : failureOfAnswer({ status: 400, body: JSON.stringify(result.errors ?? []) }, where);
  }

  #record(kind: Kind, fields: Fields): Fields {
    return { attributes: { type: kind }, ...fields };
  }

  #call(): Fields {
    return { TaskSubtype: 'Call', CallType: 'Inbound', Subject: subject, Status: 'In Progress' };
  }

  #person(): Fields {
    return { FirstName: 'delacon-bridge', LastName: 'probe', Company: subject };
  }
}

const subject = 'delacon-bridge probe';

/** Where numbers are searched for. */
const place = { object: 'Lead', columns: ['Id', 'Phone'], phones: ['Phone'] };

/** Of a collection, of one record, or of a refusal as a whole. */
function resultsIn(body: unknown): Result[] {
  const all = (Array.isArray(body) ? body : [body]) as (Result & SalesforceError)[];
  return all.flatMap((one) => {
    if (typeof one !== 'object' || one === null) return [];
    return one.errorCode === undefined ? [one] : [{ success: false, errors: [one] }];
  });
}

function idsIn(results: readonly Result[]): string[] {
  return results.flatMap(({ id }) => id ?? []);
}

function codeOf({ errors }: Result): string | undefined {
  const code = errors?.[0]?.statusCode ?? errors?.[0]?.errorCode;
  return code === undefined ? undefined : String(code);
}

/** Salesforce's own, short. */
function words(result: Result): string {
  if (result.success)
    return `id ${result.id}${result.created === undefined ? '' : `, "created": ${result.created}`}`;
  const [error] = result.errors ?? [];
  const fields =
    Array.isArray(error?.fields) && error.fields.length > 0 ? ` [${error.fields.join(', ')}]` : '';
  return `${codeOf(result) ?? 'no answer'}: "${String(error?.message ?? '').slice(0, 400)}"${fields}`;
}

function wanted(typed: string) {
  const { number } = parsePhone(typed, 'AU');
  return { number: number ?? typed, region: 'AU' as const };
}

/** How a number was typed, in a report that must not show numbers. */
function kindOf(typed: string): string {
  return typed.replace(/\d/g, 'x').replace(/^x/, typed[0] ?? '');
}
