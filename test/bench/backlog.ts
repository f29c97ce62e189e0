import type { Fields } from '../../src/call/push.ts';
import type { Connection, RecordRef, Tools } from '../../src/connector/index.ts';
import { open as openHubSpot, unmetered } from '../connectors/hubspot/rig.ts';
import { open as openSalesforce } from '../connectors/salesforce/rig.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { testTools } from '../support/connector-tools.ts';
import {
  type EmulatorOptions as HubSpotOptions,
  faults as hubspotFaults,
  startHubSpotEmulator,
} from '../support/hubspot-emulator.ts';
import {
  type EmulatorOptions as SalesforceOptions,
  faults as salesforceFaults,
  startSalesforceEmulator,
} from '../support/salesforce-emulator.ts';

/** What the benches of delivering need of an emulator. */
export interface Crm {
  open(tools: Tools): Promise<Connection>;
  countRequests(part?: string): number;
  forgetRequests(): void;
  limitsReached(): number;
  /** People with these numbers, as a connector's own map would know them. */
  addPeople(numbers: readonly string[]): Map<string, RecordRef>;
  /** Of the calls that are there. */
  callKeys(): unknown[];
  /** Answers 503 until it comes back. */
  goDown(): void;
  comeBack(): void;
  close(): Promise<void>;
}

export async function hubspotCrm(options: HubSpotOptions = { limits: unmetered }): Promise<Crm> {
  const hubspot = await startHubSpotEmulator(options);
  return {
    ...hubspot,
    goDown: () => hubspot.outage(hubspotFaults.unavailable),
    comeBack: () => hubspot.outage(),
    open: (tools) => openHubSpot(hubspot, {}, { ...testTools(), ...tools }),
    addPeople(numbers) {
      const add = (number: string) => hubspot.addContact({ phone: number, delacon_caller: number });
      return new Map(numbers.map((number) => [number, { type: 'contact', id: add(number) }]));
    },
  };
}

export async function salesforceCrm(options: SalesforceOptions = {}): Promise<Crm> {
  const salesforce = await startSalesforceEmulator(options);
  return {
    ...salesforce,
    goDown: () => salesforce.outage(salesforceFaults.unavailable),
    comeBack: () => salesforce.outage(),
    open: (tools) => openSalesforce(salesforce, {}, { ...testTools(), ...tools }),
    addPeople(numbers) {
      const add = (number: string) => salesforce.addContact({ Phone: number, Delacon_Caller__c: number });
      return new Map(numbers.map((number) => [number, { type: 'contact', id: add(number) }]));
    },
  };
}

export function callers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `+614${String(10_000_000 + i * 37)}`);
}

/** Start and end of a call of each caller. `name` tells these calls from others. */
export function backlog(name: string, callers: readonly string[]): Fields[] {
  return callers.flatMap((number, i) => [
    startPush(`${name}${i}`, { PLA_Caller_Phone_Number: number }),
    endPush(`${name}${i}`),
  ]);
}
