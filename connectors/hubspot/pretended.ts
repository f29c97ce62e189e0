import {
  type Asked,
  type MadeUp,
  MadeUpRecords,
  mappedNames,
  type PretendedAnswer,
  type PretendedCrm,
  partsOf,
} from '../../src/crm/index.ts';
import type { HubSpotOptions } from './options.ts';
import { wantedProperties } from './setup.ts';
import type { ObjectType } from './setup-names.ts';

type Json = Record<string, unknown>;

interface Input {
  id?: string;
  idProperty?: string;
  objectWriteTraceId?: string;
  properties?: Record<string, string>;
}

/** What only reads. Everything else counts as writing. https://developers.hubspot.com/docs/api-reference/overview */
const reads = [
  /^GET \/(crm|account-info|calling|integrations|settings)\//,
  /^POST \/crm\/.*\/(search|batch\/read)$/,
];

const objects = /^\/crm\/objects\/[\d-]+\/(\w+)(?:\/(.+))?$/;

/**
 * HubSpot as it answers when it does what it is asked. It goes by the form of a request and knows no kind of object, so
 * what is written to another kind can be part of a dry run, too.
 */
export class PretendedHubSpot implements PretendedCrm {
  readonly #options: HubSpotOptions;
  readonly #records = new MadeUpRecords((objectType, nth) => `${madeUp}${objectType}-${nth}`);
  /** Properties that records are drafted with: HubSpot's own, and those that the configuration maps. */
  readonly #drafted: Set<string>;

  constructor(options: HubSpotOptions) {
    this.#options = options;
    this.#drafted = new Set([...filledLater, ...mappedNames(options)]);
  }

  learn(property: string): void {
    this.#drafted.add(property);
  }

  reads({ method, path }: Asked): boolean {
    return reads.some((pattern) => pattern.test(`${method} ${partsOf({ path }).path}`));
  }

  answer(asked: Asked): PretendedAnswer {
    const { method, body } = asked;
    if (body instanceof URLSearchParams)
      return { status: 200, body: { access_token: 'made-up', token_type: 'bearer', expires_in: 1800 } };
    const { path, query } = partsOf(asked);
    const [, objectType, rest = ''] = objects.exec(path) ?? [];
    if (objectType !== undefined) return this.#ofObjects(objectType, rest, asked);
    if (method === 'GET') return { status: 200, body: this.#metadata(path, query) };
    // Links, and whatever else is to be read or written.
    return batch(200, this.reads(asked) ? [] : inputsOf(asked));
  }

  forReal(asked: Asked): Asked | undefined {
    const inputs = inputsOf(asked);
    const real = inputs.filter(({ id }) => !isMadeUp(id));
    if (real.length === inputs.length)
      return isMadeUp(partsOf(asked).path.split('/').at(-1)) ? undefined : asked;
    return real.length === 0 ? undefined : { ...asked, body: { ...(asked.body as Json), inputs: real } };
  }

  complete(asked: Asked, body: unknown): unknown {
    const [, objectType, rest] = objects.exec(asked.path) ?? [];
    if (objectType === undefined || rest !== 'batch/read') return body;
    const { results, ...more } = body as Json & { results: unknown[] };
    return { ...more, results: [...results, ...this.#read(objectType, asked)] };
  }

  #ofObjects(objectType: string, rest: string, asked: Asked): PretendedAnswer {
    const each = (write: (input: Input) => Json) => inputsOf(asked).map(write);
    switch (`${asked.method} ${rest}`) {
      case 'POST batch/create':
        return batch(
          201,
          each((input) => rowOf(this.#records.create(objectType, input.properties ?? {}), input)),
        );
      case 'POST batch/update':
        return batch(
          200,
          each((input) => this.#update(objectType, input)),
        );
      case 'POST batch/upsert':
        return batch(
          200,
          each((input) => this.#upsert(objectType, input)),
        );
      case 'POST batch/read':
        return batch(200, this.#read(objectType, asked));
      case 'POST search':
        return { status: 200, body: { total: 0, results: [] } };
    }
    if (asked.method !== 'GET') return { status: 204 };
    const found = this.#records.find(objectType, undefined, decodeURIComponent(rest));
    return found ? { status: 200, body: rowOf(found, {}) } : notFound;
  }

  #update(objectType: string, input: Input): Json {
    const { id = '', properties = {} } = input;
    return rowOf(this.#records.update(objectType, id, properties) ?? { id, fields: properties }, input);
  }

  #upsert(objectType: string, input: Input): Json {
    const { id = '', idProperty, properties } = input;
    const known = this.#records.find(objectType, idProperty, id);
    if (known) return { ...this.#update(objectType, { ...input, id: known.id }), new: false };
    const fields = { ...(idProperty === undefined ? {} : { [idProperty]: id }), ...properties };
    return { ...rowOf(this.#records.create(objectType, fields), input), new: true };
  }

  #read(objectType: string, asked: Asked): Json[] {
    const { idProperty } = asked.body as { idProperty?: string };
    return inputsOf(asked).flatMap(({ id = '' }) => {
      const found = this.#records.find(objectType, idProperty, id);
      return found ? [rowOf(found, {})] : [];
    });
  }

  /** What an account says of itself in which everything exists that the configuration names. */
  #metadata(path: string, query: URLSearchParams): Json {
    const { owner, sale } = this.#options;
    const [, what = '', objectType = ''] = /^\/crm\/(\w+)\/[\d-]+(?:\/(\w+))?/.exec(path) ?? [];
    switch (what) {
      case 'properties':
        return { results: this.#properties(objectType as ObjectType) };
      case 'owners': {
        const named = [...Object.values(owner?.map ?? {}), owner?.otherwise ?? ''];
        const asked = query.get('email');
        const emails = [...new Set(named)].filter((email) => email !== '' && (!asked || email === asked));
        const results = emails.map((email) => ({ id: `${madeUp}owner-${email}`, email, archived: false }));
        return { results };
      }
      case 'pipelines': {
        const stages = sale ? [{ id: sale.stage, label: sale.stage, displayOrder: 0, archived: false }] : [];
        const id = sale?.pipeline ?? 'default';
        return { results: [{ id, label: id, displayOrder: 0, archived: false, stages }] };
      }
      default:
        return path.startsWith('/account-info/')
          ? { portalId: 0, timeZone: 'UTC', uiDomain: 'app.hubspot.com' }
          : { results: [] };
    }
  }

  #properties(objectType: ObjectType): Json[] {
    const own = wantedProperties(objectType, this.#options, {});
    const others = [...this.#drafted].filter((name) => !own.some((one) => one.name === name));
    return [...own, ...others.map((name) => ({ name, label: name, type: 'string' }))].map((property) => ({
      fieldType: 'text',
      options: [],
      ...property,
    }));
  }
}

/** What the first draft of a call does not hold yet: it is looked up in HubSpot, or known at the end of the call. */
const filledLater = [
  'hubspot_owner_id',
  'pipeline',
  'dealstage',
  'hs_call_disposition',
  'hs_call_duration',
  'hs_call_recording_url',
  'hs_call_has_voicemail',
];

const madeUp = 'new-';

function isMadeUp(id: string | undefined): boolean {
  return id?.startsWith(madeUp) ?? false;
}

function inputsOf({ body }: Asked): Input[] {
  const { inputs } = (typeof body === 'object' && body !== null ? body : {}) as { inputs?: Input[] };
  return Array.isArray(inputs) ? inputs : [];
}

function rowOf({ id, fields }: MadeUp, { objectWriteTraceId }: Input): Json {
  return {
    id,
    properties: { ...fields, hs_object_id: id },
    ...(objectWriteTraceId === undefined ? {} : { objectWriteTraceId }),
    createdAt: at,
    updatedAt: at,
    archived: false,
  };
}

/** When it happened means nothing here. */
const at = new Date(0).toISOString();

function batch(status: number, results: readonly object[]): PretendedAnswer {
  return { status, body: { status: 'COMPLETE', results, startedAt: at, completedAt: at } };
}

const notFound: PretendedAnswer = {
  status: 404,
  body: { status: 'error', category: 'OBJECT_NOT_FOUND', message: 'Object not found.' },
};
