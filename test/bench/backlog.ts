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
  /** Whether a call is there, by its id. */
  holds(callId: string): boolean;
  /** How many calls are there. */
  count(): number;
  /** Answers 503 until it comes back. */
  goDown(): void;
  comeBack(): void;
  close(): Promise<void>;
}

/** More requests than anybody sends to a CRM that is down. */
const manyRequests = 20_000;

export async function hubspotCrm(options: HubSpotOptions = { limits: unmetered }): Promise<Crm> {
  const hubspot = await startHubSpotEmulator(options);
  return {
    ...hubspot,
    holds: (id) => hubspot.calls().some(({ properties }) => properties['delacon_call_id'] === id),
    count: () => hubspot.calls().length,
    goDown() {
      for (let i = 0; i < manyRequests; i++) hubspot.strike(hubspotFaults.unavailable);
    },
    comeBack: () => hubspot.calm(),
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
    holds: (id) => salesforce.tasks().some((task) => task['Delacon_Call_Id__c'] === id),
    count: () => salesforce.tasks().length,
    goDown() {
      for (let i = 0; i < manyRequests; i++) salesforce.strike(salesforceFaults.unavailable);
    },
    comeBack: () => salesforce.calm(),
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
