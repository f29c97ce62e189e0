import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { ConnectorSettings } from '../config/settings.ts';
import { countRequest } from '../connector/batch-context.ts';
import { boundedFetch } from '../connector/bounded-answer.ts';
import type { Connection, DryConnection, DryRun, Tools } from '../connector/contract.ts';
import type { Memory } from '../connector/memory.ts';
import type { Observer } from '../connector/observer.ts';
import type { People } from '../connector/people.ts';
import { RateLimits } from '../connector/rate-limit.ts';
import type { Log } from '../log.ts';
import type { ConnectorMemory } from '../store/connector-memory.ts';
import { forgetfulMemory, forgetfulPeople } from './overlay.ts';
import { cachedPeople } from './people-cache.ts';

interface Surroundings {
  clock: Clock;
  log: Log;
  dataDir: string;
  observer?: Observer;
  /** Those of the connections before, where there were any. */
  limits?: RateLimits;
}

/** Opens a configured connector, with everything that `Tools` promises. */
export async function openConnection(
  name: string,
  { definition, options }: ConnectorSettings,
  bridge: Surroundings & { store: ConnectorMemory },
): Promise<Connection> {
  const people = cachedPeople(bridge.store, name, bridge.observer);
  return definition.open(options, toolsOf(name, bridge, people, memoryOf(name, bridge.store)));
}

/**
 * Opens a configured connector for a dry run. Online it sees what the store knows; what it learns is forgotten.
 * Undefined: it has none.
 */
export async function openDry(
  name: string,
  { definition, options }: ConnectorSettings,
  bridge: Surroundings & { store: ConnectorMemory | undefined },
  dryRun: Pick<DryRun, 'online' | 'plan'>,
): Promise<DryConnection | undefined> {
  const { store } = bridge;
  const memory = store && memoryOf(name, store);
  const tools = toolsOf(
    name,
    bridge,
    forgetfulPeople(store && cachedPeople(store, name)),
    forgetfulMemory(memory),
  );
  const limits = dryRun.online ? {} : { rateLimit: () => noLimit };
  const keep = memory ? { keep: memory.remember } : {};
  return definition.openDry?.(options, { ...tools, ...limits }, { ...dryRun, ...keep });
}

/** Where nothing is sent, nothing has to wait. */
const noLimit = { take: async () => {}, allow() {} };

function memoryOf(name: string, store: ConnectorMemory): Memory {
  return {
    recall: (names) => store.recall(name, names),
    remember: (texts) => store.remember(name, texts),
    forget: (names) => store.forget(name, names),
  };
}

function toolsOf(name: string, bridge: Surroundings, people: People, memory: Memory): Tools {
  const log = bridge.log.child({ connector: name });
  return {
    name,
    fetch: boundedFetch(fetch),
    clock: bridge.clock,
    log,
    people,
    memory,
    countRequest(kind, status) {
      countRequest();
      bridge.observer?.requested(kind, status);
      log.debug({ kind, status }, 'CRM request.');
    },
    rateLimit: (bridge.limits ?? new RateLimits(bridge.clock)).of(name),
    dataDir: join(bridge.dataDir, 'connectors', name),
  };
}
