/*
 * Starts a CRM emulator by itself: `npm run emulator -- hubspot --port 9101 [--fresh]`. It prints what to put into
 * config/bridge.yaml, and shows what it holds at its address. --fresh: without what `setup` makes, to try that too.
 */
import { parseArgs } from 'node:util';
import { startHubSpotEmulator } from './hubspot-emulator.ts';
import { startSalesforceEmulator } from './salesforce-emulator.ts';

const { crm, ...options } = given();

switch (crm) {
  case 'hubspot': {
    const hubspot = await startHubSpotEmulator(options);
    show(hubspot.url, ['type: hubspot', `accessToken: ${hubspot.token}`, `baseUrl: ${hubspot.url}`]);
    break;
  }
  case 'salesforce': {
    const { url, clientId, clientSecret } = await startSalesforceEmulator(options);
    show(url, [
      'type: salesforce',
      `auth: { flow: clientCredentials, loginUrl: "${url}", clientId: ${clientId}, clientSecret: ${clientSecret} }`,
    ]);
    break;
  }
  default:
    console.error('Which CRM? npm run emulator -- hubspot | salesforce [--port 9101] [--fresh]');
    process.exitCode = 2;
}

/** Without a CRM where what was given cannot be read. */
function given(): { crm?: string | undefined; port: number; provisioned: boolean } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { port: { type: 'string', default: '0' }, fresh: { type: 'boolean', default: false } },
    });
    return { crm: positionals[0], port: Number(values.port), provisioned: !values.fresh };
  } catch (reason) {
    console.error((reason as Error).message);
    return { port: 0, provisioned: true };
  }
}

function show(url: string, lines: string[]): void {
  console.log(
    `What it holds: ${url}\n\nconnectors:\n  emulated:\n${lines.map((line) => `    ${line}`).join('\n')}`,
  );
}
