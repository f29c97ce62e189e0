import type { Asked, Given, Handle } from '../support/emulator-server.ts';
import type { Life, Timeline } from './timeline.ts';

/** What becomes of a request. */
export interface Fate {
  /** In words, for the story; '' for what is usual. */
  told: string;
  /** How long it is on its way. */
  thereMs: number;
  backMs: number;
  /** Whether it comes there at all. */
  arrives: boolean;
  /** What its sender sees in place of the answer: a gateway's page, a cut connection, or nothing. Undefined: the answer. */
  instead?: Given;
  /** When its sender sees that, where it is not after the answer. */
  seenMs?: number;
}

export interface NetworkOptions {
  timeline: Timeline;
  /** By host. */
  hosts: ReadonlyMap<string, Handle>;
  fateOf(host: string, asked: Asked, life: Life | null): Fate;
  /** Told of what was sent, what arrived and what came back, for the story. */
  tell(line: string): void;
  failed(problem: unknown): void;
}

/** Brings requests of simulated processes to simulated hosts. What is on its way outlives its sender. */
export class Network {
  readonly #options: NetworkOptions;
  #sent = 0;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** How many requests were sent. */
  get sent(): number {
    return this.#sent;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const { timeline } = this.#options;
    const life = timeline.current;
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    if (life?.isDead) return new Promise(() => {});
    signal?.throwIfAborted();
    const { signal: _, ...rest } = init ?? {};
    const request = new Request(input, rest);
    const { host, pathname, search } = new URL(request.url);
    const asked: Asked = {
      method: request.method,
      path: pathname + search,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    };
    const given = await this.send(host, asked, life, signal ?? undefined);
    const { status, headers, body } = given;
    return new Response(status === 204 || status === 304 ? null : (body ?? ''), { status, headers });
  };

  /** @throws as a connection that was cut does, and when `signal` aborts */
  send(host: string, asked: Asked, life: Life | null, signal?: AbortSignal): Promise<Exclude<Given, string>> {
    const { timeline, hosts, fateOf, tell, failed } = this.#options;
    const handle = hosts.get(host);
    if (!handle) throw new TypeError(`fetch failed: there is no ${host}`);
    const fate = fateOf(host, asked, life);
    const nth = ++this.#sent;
    const name = `#${nth} ${asked.method} ${host}${asked.path.split('?')[0]}`;
    tell(`sends ${name}${fate.told === '' ? '' : ` (${fate.told})`}`);
    return new Promise((resolve, reject) => {
      signal?.addEventListener(
        'abort',
        () => {
          tell(`gives ${name} up`);
          reject(signal.reason);
        },
        { once: true },
      );
      const see = (given: Given, inMs: number) => {
        if (given === 'silence') return;
        timeline.after(
          inMs,
          () => {
            tell(`sees ${given === 'cut' ? 'the connection cut' : given.status} for ${name}`);
            if (given === 'cut') reject(new TypeError('fetch failed', { cause: cutConnection() }));
            else resolve(given);
          },
          life,
        );
      };
      const { instead, seenMs } = fate;
      if (instead !== undefined && (seenMs !== undefined || !fate.arrives))
        see(instead, seenMs ?? fate.thereMs + fate.backMs);
      if (!fate.arrives) return;
      timeline.after(
        fate.thereMs,
        () => {
          handle(asked).then((truth) => {
            const status = typeof truth === 'string' ? truth : truth.status;
            if (fate.told !== '') tell(`${name} arrives: ${status}`);
            if (instead === undefined) see(truth, fate.backMs);
            else if (seenMs === undefined) see(instead, fate.backMs);
          }, failed);
        },
        null,
      );
    });
  }
}

const cutConnection = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
