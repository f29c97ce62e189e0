import salesforceConnector from '../../../connectors/salesforce/index.ts';
import type { Connection, Delivery, Outcome } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { type TestTools, testTools } from '../../support/connector-tools.ts';
import type { SalesforceEmulator } from '../../support/salesforce-emulator.ts';

/** A connection to the emulator, with settings as YAML gives them. */
export async function open(
  salesforce: SalesforceEmulator,
  settings: Record<string, unknown> = {},
  tools: TestTools = testTools(),
): Promise<Connection> {
  return salesforceConnector.open(optionsFor(salesforce, settings), tools);
}

export function optionsFor(salesforce: SalesforceEmulator, settings: Record<string, unknown> = {}) {
  const { url: loginUrl, clientId, clientSecret } = salesforce;
  return salesforceConnector.options.parse({
    auth: { flow: 'clientCredentials', loginUrl, clientId, clientSecret },
    ...settings,
  });
}

/** Calls that are over, each of another caller whom nobody has yet. */
export function newCallers(count: number): Delivery[] {
  return Array.from({ length: count }, (_, i) => {
    const caller = { PLA_Caller_Phone_Number: `+614${String(10_000_000 + i * 37)}` };
    return deliveryOf([startPush(`c${i}`, caller), endPush(`c${i}`)]);
  });
}

export function soon(): AbortSignal {
  return AbortSignal.timeout(20_000);
}

/** Delivers one, and answers its outcome. */
export async function deliverOne(connection: Connection, delivery: Delivery): Promise<Outcome> {
  const [outcome] = await connection.deliver([delivery], soon());
  if (!outcome) throw new Error('no outcome');
  return outcome;
}
