import { attributionFields } from '../../../connectors/salesforce/setup-names.ts';
import { connectorContract } from '../../conformance/connector-contract.ts';
import { crmContract } from '../../conformance/crm-contract.ts';
import { faults, withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { open } from './rig.ts';

connectorContract('salesforce', (use) =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.refusedValues.set('Task.Subject', /FORBIDDEN/);
    const people = () => [...salesforce.leads(), ...salesforce.contacts()];
    await use({
      open: (tools) => open(salesforce, {}, tools),
      activities: () =>
        salesforce.tasks().map((task) => ({
          key: String(task['Delacon_Call_Id__c']),
          completed: task['IsClosed'] === true,
          personId: task['WhoId'] === undefined ? null : String(task['WhoId']),
        })),
      people: () => people().map((person) => ({ id: person.id, phone: String(person['Phone']) })),
      addPerson: (phone) => salesforce.addContact({ Phone: phone }),
      // Requests for a token are named without a blank.
      faults: {
        loseAnswerAfterCommit: (skip) => salesforce.strike(faults.loseAnswer, ' ', skip),
        dropBeforeCommit: (skip) => salesforce.strike(faults.drop, ' ', skip),
        throttle: (skip) => salesforce.strike(faults.tooManyAtOnce, ' ', skip),
        serverError: (skip) => salesforce.strike(faults.serverError, ' ', skip),
        clear: salesforce.calm,
        refuseToken: salesforce.refuseTokens,
        acceptToken: salesforce.accept,
        expireToken: salesforce.expireTokens,
      },
      unacceptable: { PLA_Dealer_Name: 'FORBIDDEN' },
      secrets: [salesforce.clientSecret],
    });
  }),
);

crmContract('salesforce', (use) =>
  withSalesforceEmulator(
    (salesforce) =>
      use({
        open: (settings, tools) => open(salesforce, settings, tools),
        touches: attributionFields,
        addPerson: (phone) => ({ type: 'contact', id: salesforce.addContact({ Phone: phone }) }),
        addField(of, kind) {
          const name = `Mapped_${kind}__c`;
          for (const object of of === 'activity' ? ['Task'] : ['Lead', 'Contact']) {
            salesforce.addField(object, name, { type: { number: 'Number', boolean: 'Checkbox' }[kind] });
            salesforce.grantField(`${object}.${name}`);
          }
          return name;
        },
        unwritable: { missing: 'Nope__c', readOnly: 'CompletedDateTime' },
        addMissing() {
          for (const object of ['Task', 'Lead', 'Contact', 'Opportunity']) {
            salesforce.addField(object, 'Nope__c', { type: 'Text', length: 10 });
            salesforce.grantField(`${object}.Nope__c`);
          }
        },
        refuseOwners: () => salesforce.org.refusedValues.set('Lead.OwnerId', /./),
        stage: 'Closed Won',
        descriptionsAsked: () => salesforce.countRequests('Task/describe'),
        refuseDescription: () => salesforce.strike(faults.unavailable, 'Task/describe'),
        addUser: (address) => salesforce.addUser({ Username: address }),
        ownerField: 'OwnerId',
        countRequests: () => salesforce.countRequests(),
        forgetRequests: salesforce.forgetRequests,
        edit: ({ id }, values) => salesforce.edit(id, values),
        remove: ({ id }) => salesforce.delete(id),
        held: ({ id }) => salesforce.org.entries.get(id)?.values ?? {},
      }),
    { activities: 'ControlledByParent' }, // as where the bridge may write to Tasks that it has given away
  ),
);
