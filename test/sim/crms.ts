import type { Handle } from '../support/emulator-server.ts';
import { emulateHubSpot } from '../support/hubspot-emulator.ts';
import { emulateSalesforce } from '../support/salesforce-emulator.ts';
import { type Crm, hubspotCrm, type Person, salesforceCrm } from '../torture/crms.ts';

export const crmNames = ['hubspot', 'salesforce'] as const;
export type CrmName = (typeof crmNames)[number];

/** A CRM on the simulated network. */
export interface SimulatedCrm extends Omit<Crm, 'close'> {
  host: string;
  handle: Handle;
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
        host,
        handle: hubspot.handle,
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
        host,
        handle: salesforce.handle,
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
  }
}

function someOf(people: Person[], numbers: readonly string[], random: () => number): Person | undefined {
  const known = people.filter(({ number }) => number !== null && numbers.includes(number));
  return known[Math.floor(random() * known.length)];
}
