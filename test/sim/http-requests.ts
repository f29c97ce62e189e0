import { EventEmitter } from 'node:events';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { Readable } from 'node:stream';
import type { Network } from './network.ts';
import type { Timeline } from './timeline.ts';

/*
 * The way onto the simulated network for what does not go by `fetch`: the webhook connector, which has names looked up by
 * itself. As much of a `ClientRequest` as it uses. On Node alone, as the disk.
 */

interface Surroundings {
  network: Network;
  timeline: Timeline;
}

let surroundings: Surroundings | undefined;
let isInstalled = false;

/** Until it is disposed of, requests by `node:http` and `node:https` go to `network`, which has no other hosts than its own. */
export function simulateHttp(given: Surroundings): Disposable {
  install();
  surroundings = given;
  return {
    [Symbol.dispose]() {
      surroundings = undefined;
    },
  };
}

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  for (const name of ['node:http', 'node:https'] as const) {
    const module = process.getBuiltinModule(name);
    const real = module.request as (...given: unknown[]) => ClientRequest;
    const either = (...given: unknown[]) =>
      surroundings ? new SimulatedRequest(surroundings, given as Given) : real(...given);
    Object.assign(module, { request: either });
  }
  syncBuiltinESMExports();
}

type Given = [url: string, options: RequestOptions, answered: (response: IncomingMessage) => void];

class SimulatedRequest extends EventEmitter {
  readonly #surroundings: Surroundings;
  readonly #given: Given;

  constructor(surroundings: Surroundings, given: Given) {
    super();
    this.#surroundings = surroundings;
    this.#given = given;
  }

  end(body = ''): this {
    const { network, timeline } = this.#surroundings;
    const [url, { method = 'GET', headers, signal }, answered] = this.#given;
    const { host, pathname, search } = new URL(url);
    const asked = {
      method,
      path: pathname + search,
      headers: Object.fromEntries(
        Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]),
      ),
      body,
    };
    network.send(host, asked, timeline.current, signal).then(
      (given) => {
        const response = Readable.from(given.body ? [Buffer.from(given.body)] : []);
        answered(
          Object.assign(response, {
            statusCode: given.status,
            headers: given.headers,
          }) as unknown as IncomingMessage,
        );
      },
      (problem: unknown) => this.emit('error', problem),
    );
    return this;
  }
}
