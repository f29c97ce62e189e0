import {
  type Asked,
  type MadeUp,
  MadeUpRecords,
  mappedNames,
  type PretendedAnswer,
  type PretendedCrm,
  partsOf,
} from '../../src/crm/index.ts';
import type { SalesforceOptions } from './options.ts';
import * as setupNames from './setup-names.ts';

type Json = Record<string, unknown>;

interface Subrequest {
  method: Asked['method'];
  url: string;
  referenceId: string;
  body?: unknown;
}

const resources = /^\/services\/data(?:\/v[\d.]+)?(\/.*)?$/;

/** What only reads, without the version. Everything else counts as writing. */
const reads = [
  /^GET \/?$/,
  /^GET \/(query|queryAll)(\/[\w-]+)?$/,
  /^GET \/(search|limits|parameterizedSearch)$/,
  /^GET \/sobjects(\/\w+(\/describe)?)?$/,
  /^GET \/sobjects\/\w+\/\w+(\/[^/]+)?$/,
  /^POST \/parameterizedSearch$/,
];

/** How ids of a kind of record begin. https://help.salesforce.com/s/articleView?id=000385203 */
const prefixes: Record<string, string> = {
  Account: '001',
  Contact: '003',
  Lead: '00Q',
  Opportunity: '006',
  RecordType: '012',
  Task: '00T',
  User: '005',
};

/**
 * Salesforce as it answers when it does what it is asked. It goes by the form of a request and knows no kind of object,
 * so what is written to another kind can be part of a dry run, too.
 */
export class PretendedSalesforce implements PretendedCrm {
  readonly #options: SalesforceOptions;
  /** What an org has that is set up. Asked of the real one, it says so itself. */
  readonly #there = new MadeUpRecords(idOf);
  readonly #made = new MadeUpRecords(idOf);
  /** Fields that records are drafted with: Salesforce's own, and those that the configuration maps. */
  readonly #drafted: Set<string>;

  constructor(options: SalesforceOptions) {
    this.#options = options;
    this.#drafted = new Set([...filledLater, ...namesIn(setupNames), ...mappedNames(options)]);
    const { owner } = options;
    const emails = new Set([...Object.values(owner?.map ?? {}), owner?.otherwise ?? '']);
    for (const email of emails) {
      const user = { Email: email, Username: email, Name: email, IsActive: true, UserType: 'Standard' };
      if (email !== '') this.#there.create('User', user);
    }
  }

  /** Who asks, once they are logged in: what they make is theirs unless they say otherwise. */
  userId: () => string | undefined = () => undefined;

  learn(field: string): void {
    this.#drafted.add(field);
  }

  reads({ method, body, ...asked }: Asked): boolean {
    const { path } = partsOf(asked);
    if (!resources.test(path)) return false;
    const line = `${method} ${resources.exec(path)?.[1] ?? ''}`;
    if (line !== 'POST /composite') return reads.some((pattern) => pattern.test(line));
    const parts = subrequestsOf(body);
    return parts.length > 0 && parts.every((part) => this.reads(part));
  }

  answer(asked: Asked): PretendedAnswer {
    const { method } = asked;
    const { path, query } = partsOf(asked);
    if (asked.body instanceof URLSearchParams) {
      const { loginUrl } = this.#options.auth;
      return { status: 200, body: { access_token: 'made-up', instance_url: loginUrl, id: loginUrl } };
    }
    const resource = resources.exec(path)?.[1] ?? '';
    if (`${method} ${resource}` === 'POST /composite') return this.#composite(asked);
    const [, what, first = '', second, third] =
      /^\/(.*?)(?:\/(\w+)(?:\/([^/]+)(?:\/([^/]+))?)?)?$/.exec(
        resource.replace(/^\/composite\/sobjects/, '/collection'),
      ) ?? [];
    switch (`${method} ${what}`) {
      case 'GET query':
      case 'GET queryAll':
        return page(this.#matching([this.#there, this.#made], query.get('q') ?? ''));
      case 'GET search':
        return { status: 200, body: { searchRecords: [] } };
      case 'GET sobjects':
        return second === 'describe'
          ? { status: 200, body: this.#described(first) }
          : { status: 200, body: this.#find(first, third && second, third ?? second ?? '') ?? {} };
      case 'POST collection':
        return this.#each(asked, (record) => this.#created(typeOf(record), withoutType(record)));
      case 'PATCH collection':
        return this.#each(asked, (record) =>
          second === undefined
            ? this.#updated(typeOf(record), record)
            : this.#upserted(typeOf(record), second, withoutType(record)),
        );
      case 'POST sobjects':
        return { status: 201, body: this.#created(first, asked.body as Json) };
      case 'PATCH sobjects': {
        if (third === undefined) {
          this.#updated(first, { ...(asked.body as Json), Id: second });
          return { status: 204 };
        }
        const key = second ?? '';
        const result = this.#upserted(first, key, {
          ...(asked.body as Json),
          [key]: decodeURIComponent(third),
        });
        return { status: result.created ? 201 : 200, body: result };
      }
      default:
        return method === 'DELETE' ? { status: 204 } : { status: 200, body: {} };
    }
  }

  forReal(asked: Asked): Asked {
    return asked;
  }

  complete(asked: Asked, body: unknown): unknown {
    const { path, query } = partsOf(asked);
    if (/\/query(All)?$/.test(path)) {
      const { totalSize, records, ...rest } = body as { totalSize: number; records: Json[] };
      const made = this.#matching([this.#made], query.get('q') ?? '');
      return { ...rest, totalSize: totalSize + made.length, records: [...records, ...made] };
    }
    if (!path.endsWith('/composite')) return body;
    const parts = subrequestsOf(asked.body);
    const { compositeResponse } = body as { compositeResponse: CompositeAnswer[] };
    const completed = compositeResponse.map((one) => {
      const part = parts.find(({ request }) => request === one.referenceId);
      return part && one.httpStatusCode === 200 ? { ...one, body: this.complete(part, one.body) } : one;
    });
    return { compositeResponse: completed };
  }

  /** One after the other, each with what those before it made. */
  #composite({ body }: Asked): PretendedAnswer {
    const results = new Map<string, unknown>();
    const compositeResponse = (body as { compositeRequest: Subrequest[] }).compositeRequest.map((one) => {
      const [part] = subrequestsOf({ compositeRequest: [resolved(one, results)] });
      const { status, body } = part ? this.answer(part) : { status: 400, body: [] };
      results.set(one.referenceId, body);
      return { body: body ?? null, httpHeaders: {}, httpStatusCode: status, referenceId: one.referenceId };
    });
    return { status: 200, body: { compositeResponse } };
  }

  #each({ body }: Asked, write: (record: Json) => Json): PretendedAnswer {
    return { status: 200, body: (body as { records: Json[] }).records.map(write) };
  }

  #created(object: string, fields: Json): Json {
    const { id } = this.#made.create(object, { OwnerId: this.userId(), ...fields });
    return { id, success: true, errors: [], created: true };
  }

  #updated(object: string, record: Json): Json {
    const { Id = record['id'], id: _, ...fields } = withoutType(record);
    this.#made.update(object, String(Id), fields);
    return { id: Id, success: true, errors: [], created: false };
  }

  #upserted(object: string, key: string, fields: Json): Json {
    const known = this.#made.find(object, key, String(fields[key]));
    return known ? this.#updated(object, { ...fields, Id: known.id }) : this.#created(object, fields);
  }

  /**
   * What a query finds of what was written here: those with a value that the query names for its field, or all of a
   * kind where it names none. Other conditions are taken to be met.
   */
  #matching(from: readonly MadeUpRecords[], statement: string): Json[] {
    const object = /\bFROM (\w+)/.exec(statement)?.[1] ?? '';
    const named = [
      ...statement.matchAll(/(\w+) (?:IN \(((?:'(?:\\.|[^'\\])*',?\s*)+)\)|= ('(?:\\.|[^'\\])*'))/g),
    ].map(([, field = '', list = '', single = '']) => ({
      field,
      values: [...(list + single).matchAll(/'((?:\\.|[^'\\])*)'/g)].map(([, text = '']) =>
        text.replace(/\\(.)/g, '$1'),
      ),
    }));
    return from
      .flatMap((records) => records.of(object).map((one) => rowOf(object, one)))
      .filter(
        (one) =>
          named.length === 0 ||
          named.some(({ field, values }) => one[field] !== undefined && values.includes(String(one[field]))),
      );
  }

  #find(object: string, field: string | undefined, value: string): Json | undefined {
    const found = this.#made.find(object, field, value);
    return found && rowOf(object, found);
  }

  /** With fields for values of any kind and length, and with the stage and the record type of sales. */
  #described(object: string): Json {
    const { stage, pipeline } = this.#options.sale ?? {};
    const options = (value: string | undefined) =>
      value === undefined ? [] : [{ value, label: value, active: true }];
    const fields = [...this.#drafted].map((name) => ({
      name,
      type: 'anyType',
      length: 0,
      digits: 0,
      createable: true,
      updateable: true,
      externalId: false,
      unique: false,
      restrictedPicklist: false,
      picklistValues: name === 'StageName' ? options(stage) : [],
    }));
    const recordTypeInfos = options(pipeline).map(({ value }) => ({
      recordTypeId: `${prefixes['RecordType']}00000NEW0001`,
      name: value,
      developerName: value,
      available: true,
    }));
    return { name: object, createable: true, fields, recordTypeInfos };
  }
}

/** What a draft leaves to be looked up in Salesforce. */
const filledLater = ['OwnerId', 'WhoId', 'WhatId', 'AccountId', 'ContactId', 'StageName'];

/** The fields that setup makes. */
function namesIn(value: unknown): string[] {
  if (typeof value === 'string') return /__p?c$/.test(value) ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(namesIn) : [];
}

interface CompositeAnswer {
  body: unknown;
  httpStatusCode: number;
  referenceId: string;
}

/** Each by the name that the others refer to it by. */
function subrequestsOf(body: unknown): Asked[] {
  const { compositeRequest = [] } = (body ?? {}) as { compositeRequest?: Subrequest[] };
  return compositeRequest.map(({ method, url, referenceId, body }) => ({
    request: referenceId,
    method,
    path: url,
    body,
  }));
}

/** 15 characters, as ids that Salesforce takes in a query, and finds nothing under. */
function idOf(object: string, nth: number): string {
  return `${prefixes[object] ?? 'a00'}00000NEW${String(nth).padStart(4, '0')}`;
}

function rowOf(type: string, { id, fields }: MadeUp): Json {
  return { ...fields, attributes: { type }, Id: id };
}

/** With what it refers to of earlier ones: `@{lead.id}`, `@{leads[0].id}`, `@{found.records[0].Id}`. */
function resolved(request: Subrequest, results: ReadonlyMap<string, unknown>): Subrequest {
  const text = JSON.stringify(request).replace(
    /@\{(\w+)([^}]*)\}/g,
    (reference, name: string, path: string) => {
      const steps = path.match(/\w+/g) ?? [];
      const value = steps.reduce<unknown>(
        (inner, step) => (inner as Json | undefined)?.[step],
        results.get(name),
      );
      return typeof value === 'string' ? value : reference;
    },
  );
  return JSON.parse(text) as Subrequest;
}

function typeOf({ attributes }: Json): string {
  return (attributes as { type?: string } | undefined)?.type ?? '';
}

function withoutType({ attributes: _, ...fields }: Json): Json {
  return fields;
}

function page(records: readonly Json[]): PretendedAnswer {
  return { status: 200, body: { totalSize: records.length, done: true, records } };
}
