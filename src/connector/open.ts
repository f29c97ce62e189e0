import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { ConnectorSettings } from '../config/settings.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { Connection } from './contract.ts';
import { cachedPeople } from './people-cache.ts';
import { rateLimit } from './rate-limit.ts';
import { countRequest } from './request-count.ts';

/** Is told what a connection does. */
export interface Onlooker {
  requested(kind: string, status: number | 'failed'): void;
  /** Callers were looked up in the connector's own map of people. */
  lookedUp(found: 'cache' | 'store' | 'nowhere', numbers: number): void;
}

/** Opens a configured connector, with everything that `Tools` promises. */
export async function openConnection(
  name: string,
  { definition, options }: ConnectorSettings,
  bridge: { store: Store; clock: Clock; log: Log; dataDir: string; onlooker?: Onlooker },
): Promise<Connection> {
  const log = bridge.log.child({ connector: name });
  return definition.open(options, {
    name,
    fetch,
    clock: bridge.clock,
    log,
    people: cachedPeople(bridge.store, name, bridge.onlooker),
    memory: {
      recall: (names) => bridge.store.recall(name, names),
      remember: (texts) => bridge.store.remember(name, texts),
      forget: (names) => bridge.store.forget(name, names),
    },
    countRequest(kind, status) {
      countRequest();
      bridge.onlooker?.requested(kind, status);
      log.debug({ kind, status }, 'CRM request.');
    },
    rateLimit: (requests, perMs) => rateLimit(bridge.clock, requests, perMs),
    dataDir: join(bridge.dataDir, 'connectors', name),
  });
}
