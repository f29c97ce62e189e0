import hubspotConnector from '../../../connectors/hubspot/index.ts';
import type { Connection, Delivery, Outcome } from '../../../src/connector/index.ts';
import { type TestTools, testTools } from '../../support/connector-tools.ts';
import type { Fault, HubSpotEmulator } from '../../support/hubspot-emulator.ts';

/** A connection to the emulator, with settings as YAML gives them. */
export async function open(
  hubspot: HubSpotEmulator,
  settings: Record<string, unknown> = {},
  tools: TestTools = testTools(),
): Promise<Connection> {
  return hubspotConnector.open(optionsFor(hubspot, settings), tools);
}

export function optionsFor(hubspot: HubSpotEmulator, settings: Record<string, unknown> = {}) {
  return hubspotConnector.options.parse({ accessToken: hubspot.token, baseUrl: hubspot.url, ...settings });
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

/** Limits that no test reaches by accident: metering is tested by itself. */
export const unmetered = { perTenSeconds: 1_000_000, searchesPerSecond: 1_000_000 };

/** At each request so named, until `calm`. */
export function strikeForGood(hubspot: HubSpotEmulator, fault: Fault, at: string): void {
  for (let strike = 0; strike < 20; strike++) hubspot.strike(fault, at);
}

/** A call that cannot be written at all: `refuseUnwritable` refuses when it was, which a call must say. */
export const unwritable = { PLA_CallStartTime: '00000001000000000000' };

export function refuseUnwritable(hubspot: HubSpotEmulator): void {
  hubspot.refuseValues('calls', 'hs_timestamp', /^2001/);
}
