import { configSchema } from '../config/json-schema.ts';
import { printJson } from './tables.ts';

/** The shape of the configuration, for editors. */
export async function schema(): Promise<void> {
  printJson(await configSchema());
}
