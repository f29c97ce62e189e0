import { type BridgeProcess, pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { type HubSpotEmulator, withHubSpotEmulator } from '../support/hubspot-emulator.ts';

export const operatorToken = 'the-operator-token';
export const readOnlyToken = 'the-read-only-token';

export interface Watched {
  bridge: BridgeProcess;
  hubspot: HubSpotEmulator;
}

/** A real bridge that writes to an emulated HubSpot, which refuses calls with the keywords `refused`. */
export function withBridge<T>(use: (watched: Watched) => Promise<T>, operatorYaml = ''): Promise<T> {
  return withHubSpotEmulator((hubspot) =>
    withBridgeFolder(async (folder) => {
      hubspot.addProperty('calls', { name: 'topic' });
      hubspot.refuseValues('calls', 'topic', /^refused$/);
      folder.configure(`operator: { token: ${operatorToken}, readOnlyToken: ${readOnlyToken}${operatorYaml} }
sources: { acme: { tokens: [${pushToken}] } }
delivery: { retry: [20ms], giveUpAfter: 1m, probe: [200ms] }
connectors:
  acme-hubspot:
    type: hubspot
    accessToken: ${hubspot.token}
    baseUrl: "${hubspot.url}"
    activity: { properties: { topic: "{{ call.marketing.keywords }}" } }
`);
      return await use({ bridge: await folder.start(), hubspot });
    }),
  );
}

export function mend(hubspot: HubSpotEmulator): void {
  hubspot.refuseValues('calls', 'topic', /(?!)/);
}
