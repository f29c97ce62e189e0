import hubspotConnector from '../../../connectors/hubspot/index.ts';
import type { ConnectorDefinition } from '../../../src/connector/index.ts';
import { dryRunContract } from '../../conformance/dry-run-contract.ts';
import { withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { withRecordingProxy } from '../../support/recording-proxy.ts';
import { unmetered } from './rig.ts';

for (const auth of ['a service key', 'an OAuth app']) {
  dryRunContract(`hubspot with ${auth}`, hubspotConnector as ConnectorDefinition, (use) =>
    withHubSpotEmulator(
      (hubspot) =>
        withRecordingProxy(hubspot.url, (proxy) =>
          use({
            settings: {
              ...(auth === 'an OAuth app' ? { oauth: hubspot.oauth } : { accessToken: hubspot.token }),
              baseUrl: proxy.url,
              person: { properties: { city: '{{ call.caller.city }}', company: '{{ call.dealer.name }}' } },
              activity: { properties: { hs_call_title: 'From {{ call.caller.display }}' } },
            },
            passed: proxy.passed,
            contents: () => [hubspot.contacts(), hubspot.calls()],
            addPerson: (phone) => hubspot.addContact({ phone, city: 'Perth' }),
            secrets: [hubspot.token, hubspot.oauth.clientSecret, hubspot.oauth.refreshToken],
          }),
        ),
      { limits: unmetered },
    ),
  );
}
