import type { Hono } from 'hono';
import type { Config } from '../../src/config/load.ts';
import { type Bridge, startBridge } from '../../src/main.ts';
import { forgetDeadlines } from '../../src/runtime/deadlines.ts';
import type { DueDelivery, Settlement } from '../../src/store/deliveries.ts';
import type { Lease } from '../../src/store/leases.ts';
import { openSqliteStore, type Role } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import { storeFile } from './store-trial.ts';
import type { Life, Timeline } from './timeline.ts';

export interface ProcessSurroundings {
  timeline: Timeline;
  /** What the configuration says now. */
  load(): Config;
  logged(line: string, life: Life): void;
  taken(life: Life, connector: string, due: readonly DueDelivery[]): void;
  settled(life: Life, lease: Lease, settlements: readonly Settlement[]): void;
  lease: { leaseMs: number; renewMs: number };
}

/** A whole bridge as a process of its own: all of the product, but for the socket, the files of settings and the time. */
export class SimulatedProcess implements Life {
  readonly name: string;
  isDead = false;
  hangsUntil = 0;
  readonly #surroundings: ProcessSurroundings;
  #app: Hono | undefined;
  #bridge: Bridge | undefined;
  #reload: () => Promise<void> = async () => {};

  constructor(name: string, surroundings: ProcessSurroundings) {
    this.name = name;
    this.#surroundings = surroundings;
  }

  get bridge(): Bridge {
    if (!this.#bridge) throw new Error(`${this.name} does not run`);
    return this.#bridge;
  }

  get runs(): boolean {
    return this.#bridge !== undefined && !this.isDead;
  }

  /** @param role a second one on the same files runs as a command does, since SQLite's store has one bridge */
  async start(role: Role): Promise<void> {
    const { timeline, load, logged, taken, settled, lease } = this.#surroundings;
    const bridge = await timeline.still(this, () =>
      startBridge({
        configPath: undefined,
        env: {},
        lease,
        machine: {
          load: async () => load(),
          openStore: async () => {
            const store = await openSqliteStore(storeFile, role);
            return watched(store, {
              takeDue: (due, connector) => taken(this, connector, due),
              settle: (isTaken, held, settlements) => isTaken && settled(this, held, settlements),
            });
          },
          listen: async (app) => {
            this.#app = app;
            return { port: 8080, stop: async () => {} };
          },
          watchFiles: (_files, _readAt, changed) => {
            this.#reload = changed;
            return () => {};
          },
          logTo: { write: (line) => logged(line, this) },
        },
      }),
    );
    this.#bridge = bridge;
  }

  /** A push, as it comes off a socket. */
  async receive(token: string, body: string): Promise<number> {
    if (!this.#app) throw new Error(`${this.name} does not listen`);
    const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
    const request = new Request(`http://bridge/push/${token}`, { method: 'POST', headers, body });
    return (await this.#app.fetch(request, {})).status;
  }

  reload(): Promise<void> {
    return this.#reload();
  }

  /** Nothing of it goes on. */
  die(): void {
    this.isDead = true;
    forgetDeadlines();
  }

  async stop(): Promise<void> {
    await this.bridge.stop();
    this.isDead = true;
  }
}

type Watched = {
  [name in 'takeDue' | 'settle']: (
    result: Awaited<ReturnType<Store[name]>>,
    ...given: Parameters<Store[name]>
  ) => void;
};

/** The store, with somebody who sees what comes of some of what is asked of it. */
function watched(store: Store, seen: Watched): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const member = target[name];
      if (typeof member !== 'function') return member;
      if (name !== 'settle' && name !== 'takeDue') return member.bind(target);
      return async (...given: never[]) => {
        const result = await (member as (...given: never[]) => Promise<never>).apply(target, given);
        (seen[name] as (result: never, ...given: never[]) => void)(result, ...given);
        return result;
      };
    },
  });
}
