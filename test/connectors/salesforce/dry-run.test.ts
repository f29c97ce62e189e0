import salesforceConnector from '../../../connectors/salesforce/index.ts';
import type { ConnectorDefinition } from '../../../src/connector/index.ts';
import { dryRunContract } from '../../conformance/dry-run-contract.ts';
import { withRecordingProxy } from '../../support/recording-proxy.ts';
import { withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { open, soon } from './rig.ts';

const stories: Record<string, Record<string, unknown>> = {
  salesforce: {
    person: { properties: { City: '{{ call.caller.city }}', Company: '{{ call.dealer.name }}' } },
    activity: { properties: { Subject: 'From {{ call.caller.display }}' } },
  },
  'salesforce with follow-ups, sales, owners and attribution': {
    attribution: true,
    owner: { by: 'call.answeredBy.number', map: { '02 9898 9898': 'jane@acme.example' } },
    followUp: { when: 'call.missed', doneWhen: 'calledAgain' },
    sale: { when: "call.survey.outcome == 'Sale'", stage: 'Closed Won', pipeline: 'Phone_Sales' },
  },
  'salesforce under the preset': {
    preset: 'delacon',
    owner: { by: 'call.serviceId', map: { '123': 'jane@acme.example' } },
  },
};

for (const [name, settings] of Object.entries(stories)) {
  dryRunContract(name, salesforceConnector as ConnectorDefinition, (use) =>
    withSalesforceEmulator(
      async (salesforce) => {
        await (await open(salesforce, settings)).apply(soon(), () => {});
        const jane = salesforce.addUser({ Username: 'jane@acme.example.crm', Email: 'jane@acme.example' });
        const phoneSales = salesforce.org.addRecordType('Phone Sales', 'Phone_Sales');
        await withRecordingProxy(salesforce.url, (proxy) =>
          use({
            settings: {
              auth: {
                flow: 'clientCredentials',
                loginUrl: proxy.url,
                clientId: salesforce.clientId,
                clientSecret: salesforce.clientSecret,
              },
              ...settings,
            },
            passed: proxy.passed,
            contents: () => [
              salesforce.leads(),
              salesforce.contacts(),
              salesforce.tasks(),
              salesforce.opportunities(),
            ],
            addPerson: (phone) =>
              salesforce.addLead({ LastName: 'In', Company: 'Typed', MobilePhone: phone }),
            ids: { '00500000NEW0001': jane, '01200000NEW0001': phoneSales },
            secrets: [salesforce.clientSecret],
          }),
        );
      },
      { personAccounts: 'preset' in settings },
    ),
  );
}
