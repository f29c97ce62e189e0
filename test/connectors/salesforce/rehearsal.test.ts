import salesforceConnector from '../../../connectors/salesforce/index.ts';
import type { ConnectorDefinition } from '../../../src/connector/contract.ts';
import { rehearsalContract } from '../../conformance/rehearsal-contract.ts';
import { withRecordingProxy } from '../../support/recording-proxy.ts';
import { withSalesforceEmulator } from '../../support/salesforce-emulator.ts';

rehearsalContract('salesforce', salesforceConnector as ConnectorDefinition, (use) =>
  withSalesforceEmulator((salesforce) =>
    withRecordingProxy(salesforce.url, (proxy) =>
      use({
        settings: {
          auth: {
            flow: 'clientCredentials',
            loginUrl: proxy.url,
            clientId: salesforce.clientId,
            clientSecret: salesforce.clientSecret,
          },
          person: { properties: { City: '{{ call.caller.city }}', Company: '{{ call.dealer.name }}' } },
          activity: { properties: { Subject: 'From {{ call.caller.display }}' } },
        },
        passed: proxy.passed,
        contents: () => [salesforce.leads(), salesforce.contacts(), salesforce.tasks()],
        addPerson: (phone) => salesforce.addLead({ LastName: 'In', Company: 'Typed', MobilePhone: phone }),
        secrets: [salesforce.clientSecret],
      }),
    ),
  ),
);
