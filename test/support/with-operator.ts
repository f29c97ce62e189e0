import { join } from 'node:path';
import { openConnection } from '../../src/bridge/open-connection.ts';
import type { CallState } from '../../src/call/call.ts';
import { parsePush } from '../../src/call/push.ts';
import { systemClock } from '../../src/clock.ts';
import { connectorsFor } from '../../src/config/read-call.ts';
import type { Settings } from '../../src/config/settings.ts';
import { createLog } from '../../src/log.ts';
import { Changes } from '../../src/operator/changes.ts';
import { indexedCall, readingsOf } from '../../src/operator/indexed-call.ts';
import { Operator, type OperatorOptions } from '../../src/operator/operator.ts';
import type { Store } from '../../src/store/store.ts';
import { withConfig } from '../config/with-config.ts';
import { openNewStore } from './with-store.ts';

export interface OperatedStore {
  operator: Operator;
  store: Store;
  settings: Settings;
  /** Records a push as receiving does, routed as configured. */
  receive(fields: Record<string, string>, more?: { source?: string; receivedAt?: Date }): Promise<void>;
  /** Brings the index up to what was received. */
  index(): Promise<void>;
  /** Connectors that were woken. */
  woken: string[];
  /** Where it is told what changes. */
  changes: Changes;
}

/** An operator on a real store under a configuration, with no bridge running. */
export function withOperator<T>(
  yaml: string,
  use: (operated: OperatedStore) => Promise<T>,
  more: Partial<OperatorOptions> = {},
): Promise<T> {
  return withConfig(yaml, async (folder) => {
    const { settings } = await folder.load();
    const store = await openNewStore(join(folder.path, 'bridge.db'));
    const woken: string[] = [];
    const changes = new Changes(systemClock);
    const operator = new Operator({
      store,
      settings: () => settings,
      clock: systemClock,
      async withConnection(name, look) {
        const connection = await openConnection(name, settings.connectors[name]!, {
          store,
          clock: systemClock,
          log: createLog('silent'),
          dataDir: folder.path,
        });
        try {
          return await look(connection);
        } finally {
          await connection.close();
        }
      },
      running: () => undefined,
      changes,
      pushUrls: () => ({ create: '', update: '', single: '' }),
      taken: (_, { due }) => woken.push(...due),
      wake: (connectors) => woken.push(...connectors),
      ...more,
    });
    try {
      return await use({
        operator,
        store,
        settings,
        woken,
        changes,
        async index() {
          const read = (state: CallState) => indexedCall(settings, state);
          while (!(await store.indexCalls(readingsOf(settings), read, 100)).isDone);
        },
        async receive(fields, { source = Object.keys(settings.sources)[0]!, receivedAt = new Date() } = {}) {
          const body = JSON.stringify(fields);
          await store.record({
            source,
            ...parsePush(body),
            body,
            receivedAt,
            lapseAfterMs: settings.sources[source]!.lapseAfterMs,
            route: (state) => connectorsFor(settings, state),
          });
        },
      });
    } finally {
      await store.close();
    }
  });
}
