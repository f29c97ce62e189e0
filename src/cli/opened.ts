import { openConnection } from '../bridge/open-connection.ts';
import { systemClock } from '../clock.ts';
import { type Config, loadConfig } from '../config/load.ts';
import type { ConnectorSettings } from '../config/settings.ts';
import type { Connection } from '../connector/contract.ts';
import { createLog } from '../log.ts';
import { Operator } from '../operator/operator.ts';
import { OperatorProblem } from '../operator/problem.ts';
import { environment } from '../runtime/environment.ts';
import { dataDirOf, openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';

/** What commands work on: the configuration and, beside a bridge that may be running, its store. */
export async function withStore<T>(
  configPath: string,
  use: (config: Config, store: Store) => Promise<T>,
): Promise<T> {
  const config = await loadConfig(configPath, { env: environment(), asRead: true });
  const store = await openStore(config.settings.store.url, 'command');
  try {
    return await use(config, store);
  } finally {
    await store.close();
  }
}

/** What the page and the API ask, on the store itself: whether a bridge runs on it or not. */
export function withOperator<T>(
  configPath: string,
  use: (operator: Operator, config: Config, store: Store) => Promise<T>,
): Promise<T> {
  return withStore(configPath, (config, store) => {
    const { settings } = config;
    const operator = new Operator({
      store,
      settings: () => settings,
      clock: systemClock,
      withConnection: (name, look) =>
        withConnection(name, settings.connectors[name] as ConnectorSettings, config, store, look),
      running: () => undefined,
      pushUrls: (source) => {
        throw new OperatorProblem('conflict', `Only the bridge that runs knows the URLs of ${source}.`);
      },
      taken: () => {},
      wake: () => {}, // a bridge that runs on the store notices by itself
    });
    return use(operator, config, store);
  });
}

/** Opens a connector for the length of `use`. */
export async function withConnection<T>(
  name: string,
  settings: ConnectorSettings,
  config: Config,
  store: Store,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await openConnection(name, settings, {
    store,
    clock: systemClock,
    log: createLog('warn', config.secrets),
    dataDir: dataDirOf(config.settings.store.url),
  });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

/** Long enough for a slow CRM, short enough to be told of. */
export const patience = () => AbortSignal.timeout(120_000);
