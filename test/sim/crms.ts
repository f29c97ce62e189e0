import { join } from 'node:path';
import { LocalCrm } from '../../connectors/sandbox/local-crm.ts';
import { parsePhone } from '../../src/call/phone.ts';
import type { Asked, Handle } from '../support/emulator-server.ts';
import { emulateHubSpot } from '../support/hubspot-emulator.ts';
import { emulateSalesforce } from '../support/salesforce-emulator.ts';
import { type Crm, hubspotCrm, type Person, salesforceCrm } from '../torture/crms.ts';
import { simulatedFolder } from './mount.ts';
import { simulatedReceiver } from './receiver.ts';

export const crmNames = ['hubspot', 'salesforce', 'sandbox', 'webhook'] as const;
/** By name only, so that seeds of before go on as they did. */
export const otherCrmNames = ['unkeyed'] as const;
export type CrmName = (typeof crmNames | typeof otherCrmNames)[number];

/** A CRM on the simulated network, or on the simulated disk. */
export interface SimulatedCrm extends Omit<Crm, 'close'> {
  /** Where it is asked. Undefined: the bridge has it in a file. */
  served?: { host: string; handle: Handle };
  /** The calls that a request makes, and those that it changes. Undefined: requests have an order there. */
  callsIn?(asked: Asked): { made: string[]; changed: string[] };
  /** Where it has to forget what the bridge has forgotten. */
  forget?(callIds: ReadonlySet<string>): void;
  /** What people do to somebody with this number: nothing, where nobody has it. Returns what it was. */
  meddle(random: () => number, numbers: readonly string[]): string | undefined;
}

/** @param indexDelayMs how long after a write searching finds it */
export function simulatedCrm(name: CrmName, now: () => Date, indexDelayMs: number): SimulatedCrm {
  switch (name) {
    case 'hubspot': {
      const host = 'hubspot.example';
      const hubspot = emulateHubSpot({ now, indexDelayMs });
      const crm = hubspotCrm({ ...hubspot, url: `https://${host}` });
      return {
        ...crm,
        served: { host, handle: hubspot.handle },
        callsIn: ({ path, body }) => ({
          made: path.endsWith('/calls/batch/create') ? valuesOf('delacon_call_id', body) : [],
          changed: path.endsWith('/calls/batch/update') ? keysOf(crm, valuesOf('id', body)) : [],
        }),
        meddle(random, numbers) {
          const one = someOf(crm.people(), numbers, random);
          if (!one) return undefined;
          if (random() < 0.5) {
            hubspot.archiveContact(one.id);
            return `deletes contact ${one.id}`;
          }
          const kept = hubspot.addContact({ firstname: 'Kept' });
          hubspot.mergeContacts(kept, one.id);
          return `merges contact ${one.id} into ${kept}`;
        },
      };
    }
    case 'salesforce': {
      const host = 'salesforce.example';
      const salesforce = emulateSalesforce({ now, indexDelayMs });
      salesforce.url = `https://${host}`;
      const crm = salesforceCrm(salesforce);
      return {
        ...crm,
        served: { host, handle: salesforce.handle },
        callsIn: ({ method, path, body }) => ({
          made: /\/composite(\/|$)/.test(path) ? valuesOf('Delacon_Call_Id__c', body) : [],
          changed:
            method === 'PATCH' && path.endsWith('/composite/sobjects')
              ? keysOf(crm, valuesOf('id', body))
              : [],
        }),
        meddle(random, numbers) {
          const one = someOf(crm.people(), numbers, random);
          if (!one) return undefined;
          if (random() < 0.5) {
            salesforce.delete(one.id);
            return `deletes ${one.id}`;
          }
          if (!salesforce.leads().some(({ id }) => id === one.id)) return undefined;
          return `converts lead ${one.id} into ${salesforce.convertLead(one.id)}`;
        },
      };
    }
    case 'sandbox':
      return simulatedSandbox(name, '{ type: sandbox }');
    case 'unkeyed':
      return simulatedSandbox(name, '{ type: sandbox, keys: none }');
    case 'webhook':
      return simulatedReceiver(now);
  }
}

/** Nothing befalls it but what befalls the disk; nobody writes there but the bridge. */
function simulatedSandbox(name: CrmName, yaml: string): SimulatedCrm {
  const records = (type: string) => {
    const crm = new LocalCrm(join(simulatedFolder, `connectors/${name}/sandbox.db`));
    try {
      return crm.all(type);
    } finally {
      crm.close();
    }
  };
  return {
    name,
    yaml,
    fail: () => 'nothing, as it is asked over no network',
    calm() {},
    outage() {},
    typeIn() {},
    requests: () => 0,
    activities: () =>
      records('call').map(({ id, fields }) => ({
        id,
        key: String(fields['delacon_call_id']),
        people: fields['contact'] === undefined ? [] : [String(fields['contact'])],
        values: fields,
      })),
    people: () =>
      records('contact').map(({ id, fields }) => ({
        id,
        number: parsePhone(String(fields['phone']), 'AU').number,
      })),
    settleIndex() {},
    meddle: () => undefined,
  };
}

/** All that is said under a name, at any depth. */
function valuesOf(name: string, body: string): string[] {
  const found: string[] = [];
  JSON.parse(body || 'null', (key, value) => {
    if (key === name) found.push(String(value));
    return value;
  });
  return found;
}

function keysOf({ activities }: Pick<Crm, 'activities'>, ids: readonly string[]): string[] {
  return activities().flatMap(({ id, key }) => (ids.includes(id) ? [key] : []));
}

function someOf(people: Person[], numbers: readonly string[], random: () => number): Person | undefined {
  const known = people.filter(({ number }) => number !== null && numbers.includes(number));
  return known[Math.floor(random() * known.length)];
}
