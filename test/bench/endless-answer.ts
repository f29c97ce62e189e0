import { type BadAnswer, withBadAnswers } from '../support/bad-answers.ts';
import { startPush } from '../support/build-push.ts';
import { pushToken, startBridge } from './processes.ts';
import type { Bench, Row } from './row.ts';

const mostMb = 300;
const callers = 200;

/** What a CRM that answers without end costs the bridge in memory, while calls keep coming. */
export const endlessAnswer: Bench = async ({ runtime, seconds }) => {
  const rows: Row[] = [];
  for (const answer of ['endless', 'endlessRefusal', 'gzipBomb'] as BadAnswer[]) {
    for (const crm of ['hubspot', 'salesforce', 'webhook'] as const) {
      const most = await withBadAnswers(async (server) => {
        server.answer = answer;
        const bridge = await startBridge(runtime, connectorOf[crm](server.url));
        try {
          const end = performance.now() + seconds * 1000;
          for (let i = 0; i < callers && performance.now() < end; i++) {
            await fetch(`${bridge.url}/push/${pushToken}`, {
              method: 'POST',
              body: JSON.stringify(startPush(`c${i}`, { PLA_Caller_Phone_Number: `+6144444${1_000 + i}` })),
            }).then((pushed) => pushed.text());
          }
          while (performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
          return bridge.memory().most;
        } finally {
          await bridge.stop();
        }
      });
      rows.push({
        runtime,
        what: `memory while ${crm} answers: ${answer}`,
        measured: `${most.toFixed(0)} MB at most`,
        bar: `≤ ${mostMb} MB`,
        met: most <= mostMb,
      });
    }
  }
  return rows;
};

const connectorOf = {
  hubspot: (url: string) => `{ crm: { type: hubspot, accessToken: pat-of-nobody, baseUrl: "${url}" } }`,
  salesforce: (url: string) =>
    `{ crm: { type: salesforce, auth: { flow: clientCredentials, loginUrl: "${url}", clientId: a, clientSecret: b } } }`,
  webhook: (url: string) =>
    `{ crm: { type: webhook, url: "${url}", allowPrivate: true, secrets: [whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA] } }`,
};
