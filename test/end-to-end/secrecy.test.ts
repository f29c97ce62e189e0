import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { answering, faults as hubspotFaults, withHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { faults as salesforceFaults, withSalesforceEmulator } from '../support/salesforce-emulator.ts';
import { assert, suite, until } from '../support/suite.ts';
import { testSecret, withWebhookReceiver } from '../support/webhook-receiver.ts';

const secrecy = suite('secrecy');

/*
 * A whole run with everything going wrong, and then all that anybody but the CRM got to read. What may be where:
 * secrets nowhere; whole numbers in the store, in the CRM, in what a person asks the commands for (`calls`, `explain`,
 * `preview`), and in the text of the page that the operator reads; but in no log, no other answer and no attribute.
 */

/** In each spelling that Delacon, a CRM or a person has for one. */
const callers = ['+61412345678', '0412 345 679', '(02) 9876 5432', '+64 21 987 654', '1300 123 456'];
/** As digits, which is how a leak would be found whatever stands between them. */
const numbers = ['412345678', '412345679', '298765432', '21987654', '1300123456', '298989898', '288889999'];

const env = {
  PUSH_TOKEN: pushToken,
  OPERATOR_TOKEN: 'operator-token-0123456789',
  REFRESH_TOKEN: 'refresh-token-of-the-app',
  WEBHOOK_AUTHORIZATION: 'Bearer of-the-receiver-0123456789',
};

secrecy(
  'a run in which everything fails shows no secret, and no whole number in logs, answers and attributes',
  () =>
    withHubSpotEmulator((hubspot) =>
      withSalesforceEmulator((salesforce) =>
        withWebhookReceiver((receiver) =>
          withBridgeFolder(async (folder) => {
            mkdirSync(join(folder.path, 'secrets'));
            writeFileSync(join(folder.path, 'secrets/client-secret'), `${salesforce.clientSecret}\n`);
            folder.configure(`log: { level: debug }
operator: { token: "\${OPERATOR_TOKEN}" }
delivery: { retry: [20ms], giveUpAfter: 1m, probe: [100ms] }
sources: { acme: { tokens: ["\${PUSH_TOKEN}"], rateLimit: 1000 } }
connectors:
  by-token: { type: hubspot, accessToken: ${hubspot.token}, baseUrl: "${hubspot.url}" }
  by-app:
    type: hubspot
    oauth: { clientId: app, clientSecret: ${hubspot.oauth.clientSecret}, refreshToken: "\${REFRESH_TOKEN}" }
    baseUrl: "${hubspot.url}"
  org:
    type: salesforce
    auth: { flow: clientCredentials, loginUrl: "${salesforce.url}", clientId: ${salesforce.clientId}, clientSecret: "\${file:secrets/client-secret}" }
  hook: { type: webhook, url: "${receiver.url}", secrets: [${testSecret}], allowPrivate: true, headers: { authorization: "\${WEBHOOK_AUTHORIZATION}" } }
`);
            const bridge = await folder.start(env);
            const answers: string[] = [];
            const pages: string[] = [];
            const ask = async (path: string, init: RequestInit = {}) => {
              const answer = await fetch(`${bridge.url}${path}`, init);
              const isPage = answer.headers.get('content-type')?.startsWith('text/html') ?? false;
              answers.push(JSON.stringify([...answer.headers]));
              (isPage ? pages : answers).push(await answer.text());
            };
            const push = (body: string, path = `/push/${pushToken}`) => ask(path, { method: 'POST', body });

            for (const fault of Object.values(hubspotFaults))
              if (!('hangs' in fault)) hubspot.strike(fault, '/', 1);
            for (const fault of Object.values(salesforceFaults))
              if (!('hangs' in fault)) salesforce.strike(fault, '/', 1);
            // A CRM quotes what it was sent: the number, and the token.
            const quoting = `${callers[0]} is no number. Authorization: Bearer ${hubspot.token}, ${env.REFRESH_TOKEN}`;
            hubspot.strike(answering(400, { status: 'error', category: 'X', message: quoting }), 'contacts');
            hubspot.strike(answering(500, { message: quoting }), 'calls');
            salesforce.strike(
              {
                commits: false,
                answer: {
                  status: 400,
                  body: JSON.stringify([
                    { errorCode: 'X', message: `${quoting} ${salesforce.clientSecret}` },
                  ]),
                },
              },
              '/',
            );
            receiver.strike({ commits: false, answer: { status: 500, body: quoting } });
            receiver.strike({ commits: false });
            for (const [n, number] of callers.entries()) {
              await push(JSON.stringify(startPush(`c${n}`, { PLA_Caller_Phone_Number: number })));
              await push(JSON.stringify(endPush(`c${n}`)));
            }
            await push(`{"PLA_Caller_Phone_Number":"${callers[0]}","PLA_Call_Id":`);
            await push(`["${callers[0]}"]`);
            await push('x'.repeat(300_000));
            await push(JSON.stringify(startPush('1')), `/push/${pushToken}X`);
            await ask(`/push/${pushToken}`);
            for (const path of ['/', '/healthz', '/readyz', '/nothing', `/${pushToken}`, '/push'])
              await ask(path, { headers: { authorization: `Bearer ${env.OPERATOR_TOKEN}` } });
            await ask('/', { headers: { authorization: 'Bearer guessed' } });

            const bySomebody: string[] = [];
            const run = async (...args: string[]) => {
              const { stdout, stderr } = await folder.run(...args);
              bySomebody.push(stdout, stderr);
              return stdout;
            };
            await until(
              'the calls are written, or are shown as failed',
              async () =>
                hubspot.calls().length > 0 && salesforce.tasks().length > 0 && receiver.filed.size > 0,
              30_000,
            );
            hubspot.refuseToken();
            salesforce.refuseClient('invalid_client', `client ${salesforce.clientSecret} of ${callers[0]}`);
            for (const [n, number] of callers.entries())
              await push(
                JSON.stringify(endPush(`c${n}`, { PLA_dtmf: '9', PLA_Caller_Phone_Number: number })),
              );
            await until('both are blocked', () => (bridge.output().match(/Blocked/g)?.length ?? 0) >= 2);
            await run('calls', '--json');
            await run('explain', 'c0');
            await run('check', '--online');
            await run('replay', '--state', 'failed', '--yes');
            await run('erase', callers[1] as string, '--yes');
            await bridge.kill('SIGTERM');

            const page = pages.join('\n');
            const read = { 'the log': bridge.output(), 'an answer': answers.join('\n') };
            const tags = { ...read, 'a tag of the page': (page.match(/<[^>]*>/g) ?? []).join('\n') };
            const secrets = [
              ...Object.values(env),
              hubspot.token,
              hubspot.oauth.clientSecret,
              salesforce.clientSecret,
              testSecret,
              'of-the-receiver-0123456789',
              /CJ-[0-9a-f]{8}-/, // an access token that the emulated HubSpot issued
              /00D5g![0-9a-f]{8}-/, // one of Salesforce
            ];
            for (const [where, text] of Object.entries({
              ...read,
              'the page': page,
              'a command': bySomebody.join('\n'),
            }))
              for (const secret of secrets)
                assert.not.ok(
                  text.match(secret instanceof RegExp ? secret : secret.replaceAll(/[.+!]/g, '\\$&')),
                  `${secret} in ${where}:\n${lineWith(text, secret)}`,
                );
            for (const [where, text] of Object.entries(tags))
              for (const number of numbers) {
                const spread = new RegExp([...number].join('[ ()-]{0,2}'));
                assert.not.ok(spread.test(text), `${number} in ${where}:\n${lineWith(text, spread)}`);
              }
          }),
        ),
      ),
    ),
);

/*
 * The log learned the secrets of the first configuration only: after a reload, a token that had replaced another one stood
 * in it, wherever a CRM quoted it.
 */
secrecy('a token that came with a changed configuration is in no log line either', () =>
  withHubSpotEmulator((hubspot) =>
    withBridgeFolder(async (folder) => {
      const fresh = 'the-push-token-after-a-change';
      const configure = (tokens: string) =>
        folder.configure(`delivery: { retry: [20ms], giveUpAfter: 1m }
sources: { acme: { tokens: [${tokens}] } }
connectors: { crm: { type: hubspot, accessToken: ${hubspot.token}, baseUrl: "${hubspot.url}" } }
`);
      configure(pushToken);
      const bridge = await folder.startHere();
      configure(`${pushToken}, ${fresh}`);
      await until('the change is in force', () => /in force/.test(bridge.output()), 30_000);
      const message = `Who is ${fresh}, or ${pushToken}?`;
      hubspot.strike(answering(403, { status: 'error', category: 'BANNED', message }), 'calls');
      await bridge.push(startPush('7'));
      await until('the refusal is logged', () => /Who is/.test(bridge.output()), 30_000);
      assert.match(bridge.output(), 'Who is [secret], or [secret]?');
      await bridge.stop();
    }),
  ),
);

function lineWith(text: string, what: string | RegExp): string | undefined {
  return text.split('\n').find((line) => (typeof what === 'string' ? line.includes(what) : what.test(line)));
}

secrecy.run();
