import { parsePhone } from '../../src/call/phone.ts';
import {
  type HubSpotEmulator,
  faults as hubspotFaults,
  startHubSpotEmulator,
} from '../support/hubspot-emulator.ts';
import { pick } from '../support/random.ts';
import {
  type SalesforceEmulator,
  faults as salesforceFaults,
  startSalesforceEmulator,
} from '../support/salesforce-emulator.ts';
import { gatewayPages } from './gateway.ts';

/** How all requests of an outage end. */
export type Outage = 'cut' | 'unavailable' | 'silent';

/** A record of a call in a CRM, and who it is linked to. */
export interface Activity {
  id: string;
  key: string;
  people: string[];
  values: Record<string, unknown>;
}

export interface Person {
  id: string;
  /** E.164. */
  number: string | null;
}

/** A CRM that fails in every way that is known of it. */
export interface Crm {
  name: string;
  /** The YAML of the connector. */
  yaml: string;
  /** Lets one request fail, soon. Returns the fault's name. */
  fail(random: () => number): string;
  calm(): void;
  /** Null: it is over. */
  outage(how: Outage | null): void;
  /** Somebody types a person in. */
  typeIn(phone: string): void;
  requests(): number;
  activities(): Activity[];
  people(): Person[];
  settleIndex(): void;
  /**
   * Numbers of people whom somebody deleted or merged: Salesforce deletes their calls with them, and who was merged a moment
   * ago is found by no search.
   */
  meddled?: ReadonlySet<string>;
  close(): Promise<void>;
}

/*
 * Left out are faults that a connector answers by waiting for an hour or for the next day (the day's allowance used up, an
 * account on the move), and hanging requests, which cost half a minute each: tests of the connectors have them.
 */

/** Of the faults, how many are answers of a gateway. */
const gatewayShare = 0.4;

const silent = { commits: false, hangs: true };
const hubspotOutages = { cut: hubspotFaults.drop, unavailable: hubspotFaults.unavailable, silent };
const salesforceOutages = { cut: salesforceFaults.drop, unavailable: salesforceFaults.unavailable, silent };

export async function tortureHubSpot(): Promise<Crm> {
  const hubspot = await startHubSpotEmulator({
    indexDelayMs: 1_500,
    limits: { perTenSeconds: 100_000, searchesPerSecond: 10_000, perDay: 100_000_000 },
  });
  return { ...hubspotCrm(hubspot), close: () => hubspot.close() };
}

export function hubspotCrm(hubspot: Omit<HubSpotEmulator, 'close'>): Omit<Crm, 'close'> {
  const { hang, dailyLimit, moving, rollingLimit, expiredToken, ...kinds } = hubspotFaults;
  return {
    name: 'hubspot',
    yaml: `{ type: hubspot, accessToken: ${hubspot.token}, baseUrl: "${hubspot.url}" }`,
    fail(random) {
      if (random() < gatewayShare) {
        const page = pick(random, gatewayPages);
        hubspot.strike(page, '/', Math.floor(random() * 4));
        return `hubspot ${page.name}`;
      }
      const name = pick(random, Object.keys(kinds) as (keyof typeof kinds)[]);
      hubspot.strike(kinds[name], '/', Math.floor(random() * 4));
      return `hubspot ${name}`;
    },
    calm: () => hubspot.calm(),
    outage: (how) => hubspot.outage(how === null ? undefined : hubspotOutages[how]),
    typeIn: (phone) => void hubspot.addContact({ phone }),
    requests: () => hubspot.countRequests(),
    activities: () =>
      hubspot.calls().map(({ id, properties, contactIds }) => ({
        id,
        key: properties['delacon_call_id'] ?? '',
        people: contactIds,
        values: properties,
      })),
    people: () =>
      hubspot.contacts().map(({ id, properties }) => ({ id, number: numberOf(properties['phone'] ?? '') })),
    settleIndex: () => hubspot.settleIndex(),
  };
}

export async function tortureSalesforce(): Promise<Crm> {
  const salesforce = await startSalesforceEmulator({ indexDelayMs: 1_500, requestsPerDay: 100_000_000 });
  return { ...salesforceCrm(salesforce), close: () => salesforce.close() };
}

export function salesforceCrm(salesforce: Omit<SalesforceEmulator, 'close'>): Omit<Crm, 'close'> {
  const { hang, dayUsedUp, ...kinds } = salesforceFaults;
  const auth = `{ flow: clientCredentials, loginUrl: "${salesforce.url}", clientId: ${salesforce.clientId}, clientSecret: ${salesforce.clientSecret} }`;
  return {
    name: 'salesforce',
    yaml: `{ type: salesforce, auth: ${auth} }`,
    fail(random) {
      if (random() < 0.1) {
        salesforce.expireTokens();
        return 'salesforce expiredTokens';
      }
      if (random() < gatewayShare) {
        const page = pick(random, gatewayPages);
        const at = random() < 0.1 ? 'token' : '/';
        salesforce.strike(page, at, at === 'token' ? 0 : Math.floor(random() * 4));
        return `salesforce ${page.name}${at === 'token' ? ' at log-in' : ''}`;
      }
      const name = pick(random, Object.keys(kinds) as (keyof typeof kinds)[]);
      salesforce.strike(kinds[name], '/', Math.floor(random() * 4));
      return `salesforce ${name}`;
    },
    calm: () => salesforce.calm(),
    outage: (how) => salesforce.outage(how === null ? undefined : salesforceOutages[how]),
    typeIn: (phone) => void salesforce.addContact({ Phone: phone }),
    requests: () => salesforce.countRequests(),
    activities: () =>
      salesforce.tasks().map(({ id, ...values }) => ({
        id,
        key: String(values['Delacon_Call_Id__c'] ?? ''),
        people: values['WhoId'] ? [String(values['WhoId'])] : [],
        values,
      })),
    people: () =>
      [...salesforce.leads().filter((lead) => !lead['IsConverted']), ...salesforce.contacts()].map(
        ({ id, ...values }) => ({
          id,
          number: numberOf(String(values['Phone'] ?? '')),
        }),
      ),
    settleIndex: () => salesforce.settleIndex(),
  };
}

function numberOf(phone: string): string | null {
  return parsePhone(phone, 'AU').number;
}
