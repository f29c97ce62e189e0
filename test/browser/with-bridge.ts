import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../src/log.ts';
import { startBridge } from '../../src/main.ts';
import type { Store } from '../../src/store/store.ts';
import { type HubSpotEmulator, withHubSpotEmulator } from '../support/hubspot-emulator.ts';

export const operatorToken = 'the-operator-token';
export const readOnlyToken = 'the-read-only-token';
const pushToken = 'a-push-token-for-tests';

export interface Watched {
  bridge: {
    url: string;
    push(body: string | Record<string, string>): Promise<void>;
    signInLink(): Promise<string>;
    stop(): Promise<void>;
  };
  hubspot: HubSpotEmulator;
  store: Store;
}

/** Of a push whose call HubSpot refuses. */
export const refused = { PLA_CallStartTime: '00000001000000000000' };

/**
 * A real bridge that writes to an emulated HubSpot, which refuses the time of calls of 2001 (`refused`). In this process:
 * a bridge of its own for each test would take longer to start than to look at.
 */
export function withBridge<T>(
  use: (watched: Watched) => Promise<T>,
  operatorYaml = '',
  publicUrl = '',
): Promise<T> {
  return withHubSpotEmulator(async (hubspot) => {
    hubspot.addProperty('calls', { name: 'topic' });
    hubspot.refuseValues('calls', 'hs_timestamp', /^2001/);
    const folder = mkdtempSync(join(tmpdir(), 'page-'));
    const configPath = join(folder, 'bridge.yaml');
    writeFileSync(
      configPath,
      `listen: { port: 0, publicUrl: ${publicUrl} }
store: { url: "sqlite:${folder}/bridge.db" }
operator: { token: ${operatorToken}, readOnlyToken: ${readOnlyToken}${operatorYaml} }
sources: { acme: { tokens: [${pushToken}] } }
delivery: { retry: [20ms], giveUpAfter: 1m, probe: [200ms] }
connectors:
  acme-hubspot:
    type: hubspot
    accessToken: ${hubspot.token}
    baseUrl: "${hubspot.url}"
    activity: { properties: { topic: "{{ call.marketing.keywords }}" } }
`,
    );
    const bridge = await startBridge({ configPath, env: {}, log: createLog('silent') });
    let stopping: Promise<void> | undefined;
    const stop = () => {
      stopping ??= bridge.stop();
      return stopping;
    };
    const push = async (body: string | Record<string, string>) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      await fetch(`${bridge.url}/push/${pushToken}`, { method: 'POST', body: text });
    };
    try {
      return await use({
        bridge: { url: bridge.url, push, stop, signInLink: () => bridge.signInLink() },
        hubspot,
        store: bridge.store,
      });
    } finally {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

export function mend(hubspot: HubSpotEmulator): void {
  hubspot.refuseValues('calls', 'hs_timestamp', /(?!)/);
}
