import hubspotConnector from '../../connectors/hubspot/index.ts';
import salesforceConnector from '../../connectors/salesforce/index.ts';
import type { Connection } from '../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { testTools } from '../support/connector-tools.ts';
import { startHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { withRecordingProxy } from '../support/recording-proxy.ts';
import { startSalesforceEmulator } from '../support/salesforce-emulator.ts';
import { mutatedJson } from './mutate.ts';
import type { Target } from './targets.ts';

/*
 * A CRM that answers everything as it should but one request: the connector delivers and checks as ever, and what it
 * makes of the odd answer is an outcome or a finding, in words of its own.
 */

const owner = { by: 'call.serviceId', map: { 123: 'jane@acme.example' }, otherwise: 'joe@acme.example' };
const sale = { when: "call.survey.outcome == 'Sale'", stage: 'closedwon' };

/** An emulator, and a connection to it by `url`: itself, or a proxy before it. */
interface Emulated {
  url: string;
  open(url: string): Connection | Promise<Connection>;
  nameOf(method: string, path: string): string;
  strike(answer: { status: number; headers: Record<string, string>; body: string }, at: string): void;
  calm(): void;
  close(): Promise<void>;
}

export function hubspotTarget(): Promise<Target> {
  return crmTarget('odd answers of HubSpot', async () => {
    const hubspot = await startHubSpotEmulator({ limits: { perTenSeconds: 1e9, searchesPerSecond: 1e9 } });
    hubspot.addOwner('jane@acme.example');
    hubspot.addOwner('joe@acme.example');
    for (const name of ['keywords', 'result']) hubspot.addProperty('calls', { name });
    hubspot.addCompany('Acme', [hubspot.addContact({ phone: '+61412000000' })]);
    return {
      url: hubspot.url,
      open: (url) =>
        hubspotConnector.open(
          hubspotConnector.options.parse({
            accessToken: hubspot.token,
            baseUrl: url,
            activity: {
              company: true,
              properties: { keywords: '{{ call.marketing.keywords }}', result: '7' },
            },
            owner,
            sale,
            followUp: { when: 'true', doneWhen: 'reached' },
          }),
          quickTools(),
        ),
      nameOf: (method, path) => `${method} ${path.split('?')[0]}`,
      strike: (answer, at) => hubspot.strike({ commits: false, answer }, at),
      calm: hubspot.calm,
      close: hubspot.close,
    };
  });
}

export function salesforceTarget(): Promise<Target> {
  return crmTarget('odd answers of Salesforce', async () => {
    const salesforce = await startSalesforceEmulator({ requestsPerDay: 1e9 });
    for (const name of ['jane', 'joe'])
      salesforce.addUser({ Username: `${name}@acme.example.crm`, Email: `${name}@acme.example` });
    salesforce.addLead({ Phone: '0412 000 000' });
    const { clientId, clientSecret } = salesforce;
    return {
      url: salesforce.url,
      open: (loginUrl) =>
        salesforceConnector.open(
          salesforceConnector.options.parse({
            auth: { flow: 'clientCredentials', loginUrl, clientId, clientSecret },
            person: { match: ['Contact', 'Lead', 'Account'], properties: { Company: 'Unknown', City: 'x' } },
            activity: { properties: { Subject: 'y'.repeat(300), Priority: 'High' } },
            owner,
            sale: { ...sale, stage: 'Closed Won', pipeline: 'Master' },
            followUp: { when: 'true', doneWhen: 'reached' },
          }),
          quickTools(),
        ),
      nameOf: (method, path) => `${method} ${path.split('?')[0]!.replace(/^\/services\/data\/v\d+\.0/, '')}`,
      strike: (answer, at) =>
        salesforce.strike({ commits: false, answer }, at.endsWith('/token') ? 'token' : at),
      calm: salesforce.calm,
      close: salesforce.close,
    };
  });
}

/** An emulator keeps all that is written to it, so it is another one after so many inputs. */
const inputsForOne = 200;
const statuses = [200, 200, 200, 201, 207, 400, 403, 404, 409, 500];

async function crmTarget(name: string, start: () => Promise<Emulated>): Promise<Target> {
  let crm = await start();
  let fed = 0;
  return {
    name,
    share: 2,
    corpus: await answersOf(crm),
    mutate: mutatedJson,
    async read(text) {
      if (++fed % inputsForOne === 0) {
        await crm.close();
        crm = await start();
      }
      const [at = '', ...rest] = text.split('\n');
      const status = statuses[text.length % statuses.length] as number;
      const answer = () =>
        crm.strike({ status, headers: { 'Content-Type': 'application/json' }, body: rest.join('\n') }, at);
      try {
        answer();
        await use(await crm.open(crm.url), fed);
        crm.calm();
        answer();
        await look(await crm.open(crm.url));
      } finally {
        crm.calm();
      }
    },
    close: () => crm.close(),
  };
}

/** What the CRM answers to a delivery and a check in good order, each below the name of its request. */
async function answersOf(crm: Emulated): Promise<string[]> {
  const answers = new Map<string, string>();
  await withRecordingProxy(crm.url, async ({ url, passed }) => {
    const connection = await crm.open(url);
    const [outcome] = await use(connection, 0);
    if (outcome?.kind !== 'delivered') throw new Error(`not even a good answer is taken: ${outcome?.reason}`);
    await look(connection);
    for (const { method, path, answer = '' } of passed) {
      if (!answer.startsWith('{') && !answer.startsWith('[')) continue;
      const request = crm.nameOf(method, path);
      answers.set(`${request} ${answer.length}`, `${request}\n${answer.replaceAll(url, crm.url)}`);
    }
  });
  return [...answers.values()];
}

const kinds = ['delivered', 'retry', 'rejected', 'blocked'];

async function use(connection: Connection, n: number) {
  const key = `f${n}`;
  const caller = `+6141${String(2_000_000 + n).slice(-7)}`;
  const delivery = deliveryOf([startPush(key, { PLA_Caller_Phone_Number: caller }), endPush(key)]);
  const outcomes = await connection.deliver([delivery], AbortSignal.timeout(20_000));
  if (outcomes.length !== 1 || !kinds.includes(outcomes[0]?.kind as string))
    throw new Error(`no outcome: ${JSON.stringify(outcomes)}`);
  return outcomes;
}

async function look(connection: Connection): Promise<void> {
  for (const { message } of await connection.check(AbortSignal.timeout(20_000)))
    if (typeof message !== 'string') throw new Error('a finding says nothing');
}

const unlimited = { take: async () => {}, allow() {} };

/** Nothing waits for its turn. */
function quickTools() {
  return testTools({ rateLimit: () => unlimited });
}
