import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Answered,
  type Asked,
  mappedNames,
  type OwnerOptions,
  type PretendedCrm,
  type RecordDraft,
  type Rehearsal,
  rehearsedFetch,
  type SaleOptions,
} from '../../src/connector/index.ts';
import type { HubSpotOptions } from './options.ts';

type Json = Record<string, unknown>;

interface MadeUp {
  id: string;
  properties: Record<string, string>;
}

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

const login = /^POST \/oauth\/[\w-]+\/token$/;

const objects = /^\/crm\/objects\/[\d-]+\/(\w+)(?:\/(.+))?$/;

/**
 * HubSpot as it answers when it does what it is asked. It goes by the form of a request and knows no kind of object, so
 * what is written to another kind can be rehearsed as well.
 */
export class PretendedHubSpot implements PretendedCrm {
  readonly #options: HubSpotOptions & { owner?: OwnerOptions | undefined; sale?: SaleOptions | undefined };
  /** What was written, by kind of object. */
  readonly #made = new Map<string, MadeUp[]>();
  /** What setup defined, by path. */
  readonly #defined = new Map<string, Json[]>();
  /** Properties that records are drafted with: HubSpot's own, and those that the configuration maps. */
  readonly #drafted: Set<string>;

  constructor(options: HubSpotOptions) {
    this.#options = options;
    this.#drafted = new Set([...filledLater, ...mappedNames(options)]);
  }

  /** A property that a record is drafted with is there. */
  learn(drafts: readonly RecordDraft[]): void {
    for (const { properties } of drafts) for (const name of Object.keys(properties)) this.#drafted.add(name);
  }

  kindOf({ method, path }: Asked): 'login' | 'read' | 'write' {
    const line = `${method} ${path}`;
    if (login.test(line)) return 'login';
    return reads.some((pattern) => pattern.test(line)) ? 'read' : 'write';
  }

  answer(asked: Asked): Answered {
    const { method, path } = asked;
    if (login.test(`${method} ${path}`)) {
      return { status: 200, body: { access_token: 'made-up', token_type: 'bearer', expires_in: 1800 } };
    }
    const [, objectType, rest = ''] = objects.exec(path) ?? [];
    if (objectType !== undefined) return this.#ofObjects(objectType, rest, asked);
    return method === 'GET' ? { status: 200, body: this.#metadata(asked) } : this.#ofOthers(asked);
  }

  forReal(asked: Asked): Asked | null {
    const inputs = inputsOf(asked);
    const real = inputs.filter(({ id }) => !isMadeUp(id));
    if (real.length === inputs.length) return isMadeUp(asked.path.split('/').at(-1)) ? null : asked;
    return real.length === 0 ? null : { ...asked, body: { ...(asked.body as Json), inputs: real } };
  }

  complete(asked: Asked, answered: Answered): Answered {
    const [, objectType, rest] = objects.exec(asked.path) ?? [];
    if (objectType === undefined || rest !== 'batch/read') return answered;
    const body = answered.body as Json & { results: unknown[] };
    return { ...answered, body: { ...body, results: [...body.results, ...this.#read(objectType, asked)] } };
  }

  #ofObjects(objectType: string, rest: string, asked: Asked): Answered {
    switch (`${asked.method} ${rest}`) {
      case 'POST batch/create':
        return batch(
          201,
          inputsOf(asked).map((input) => this.#create(objectType, input)),
        );
      case 'POST batch/update':
        return batch(
          200,
          inputsOf(asked).map((input) => this.#update(objectType, input)),
        );
      case 'POST batch/upsert':
        return batch(
          200,
          inputsOf(asked).map((input) => this.#upsert(objectType, input)),
        );
      case 'POST batch/read':
        return batch(200, this.#read(objectType, asked));
      case 'POST batch/archive':
        return { status: 204 };
      case 'POST search':
        return { status: 200, body: { total: 0, results: [] } };
      case 'POST ':
        return { status: 201, body: this.#create(objectType, asked.body as Input) };
    }
    if (asked.method === 'DELETE') return { status: 204 };
    const id = decodeURIComponent(rest);
    if (asked.method === 'PATCH') {
      return { status: 200, body: this.#update(objectType, { ...(asked.body as Input), id }) };
    }
    const found = this.#find(objectType, 'id', id);
    return found ? { status: 200, body: rowOf(found, {}) } : notFound;
  }

  /** Definitions, links, and whatever else is to be read or written. */
  #ofOthers(asked: Asked): Answered {
    if (this.kindOf(asked) === 'read') return batch(200, []);
    if (asked.path.includes('/properties/')) {
      const made = { options: [], ...(asked.body as Json) };
      this.#defined.set(asked.path, [...(this.#defined.get(asked.path) ?? []), made]);
      return { status: 201, body: made };
    }
    const results = inputsOf(asked).map((input) => ({ ...input, associationSpec: {} }));
    return batch(200, results);
  }

  #create(objectType: string, input: Input): Json {
    const made = this.#madeOf(objectType);
    const one = { id: `${madeUp}${objectType}-${made.length + 1}`, properties: { ...input.properties } };
    made.push(one);
    return rowOf(one, input);
  }

  #update(objectType: string, input: Input): Json {
    const id = input.id ?? '';
    const known = this.#find(objectType, input.idProperty ?? 'id', id);
    if (known) Object.assign(known.properties, input.properties);
    return rowOf(known ?? { id, properties: input.properties ?? {} }, input);
  }

  #upsert(objectType: string, input: Input): Json {
    const { id = '', idProperty = 'id' } = input;
    if (this.#find(objectType, idProperty, id)) return { ...this.#update(objectType, input), new: false };
    const properties = { [idProperty]: id, ...input.properties };
    return { ...this.#create(objectType, { ...input, properties }), new: true };
  }

  #read(objectType: string, asked: Asked): Json[] {
    const { idProperty = 'id' } = asked.body as { idProperty?: string };
    return inputsOf(asked).flatMap((input) => {
      const found = this.#find(objectType, idProperty, input.id ?? '');
      return found ? [rowOf(found, {})] : [];
    });
  }

  #find(objectType: string, property: string, value: string): MadeUp | undefined {
    return this.#madeOf(objectType).find(
      (one) => (property === 'id' ? one.id : one.properties[property]) === value,
    );
  }

  #madeOf(objectType: string): MadeUp[] {
    const made = this.#made.get(objectType) ?? [];
    this.#made.set(objectType, made);
    return made;
  }

  /** What an account says of itself in which everything exists that the configuration names. */
  #metadata({ path, query }: Asked): Json {
    const { owner, sale } = this.#options;
    const [, what = '', objectType = '', more = ''] =
      /^\/crm\/(\w+)\/[\d-]+(?:\/(\w+))?(?:\/(.+))?$/.exec(path) ?? [];
    switch (what) {
      case 'properties':
        return more === 'groups'
          ? { results: this.#defined.get(path) ?? [] }
          : { results: [...(this.#defined.get(path) ?? []), ...this.#properties(objectType)] };
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

  #properties(objectType: string): Json[] {
    return [...this.#drafted].map((name) => ({
      name,
      label: name,
      description: '',
      groupName: '',
      type: 'string',
      fieldType: 'text',
      options: [],
      objectType,
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

function rowOf({ id, properties }: MadeUp, { objectWriteTraceId }: Input): Json {
  return {
    id,
    properties: { ...properties, hs_object_id: id },
    ...(objectWriteTraceId === undefined ? {} : { objectWriteTraceId }),
    createdAt: at,
    updatedAt: at,
    archived: false,
  };
}

/** When it happened means nothing here. */
const at = new Date(0).toISOString();

function batch(status: number, results: readonly Json[]): Answered {
  return { status, body: { status: 'COMPLETE', results, startedAt: at, completedAt: at } };
}

const notFound: Answered = {
  status: 404,
  body: { status: 'error', category: 'OBJECT_NOT_FOUND', message: 'Object not found.' },
};

/**
 * Where a rehearsal's requests go. The client sends by itself, to whatever host it is told: so it is told one on this
 * machine, which passes on what may be sent.
 */
export async function openStage(
  hubspot: PretendedHubSpot,
  baseUrl: string,
  rehearsal: Rehearsal,
  send: typeof fetch,
): Promise<{ url: string; close(): Promise<void> }> {
  const fetched = rehearsedFetch(hubspot, rehearsal, send);

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request);
    const method = request.method ?? 'GET';
    const answer = await fetched(`${baseUrl}${request.url}`, {
      method,
      headers: headersOf(request),
      ...(body === '' ? {} : { body }),
    });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(await answer.text());
  }

  // Cut without an answer, so that the connector says that there was none.
  const server = createServer((request, response) => {
    pass(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const ofConnection = ['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding'];
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      ofConnection.includes(name) || value === undefined ? [] : [[name, String(value)]],
    ),
  );
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
