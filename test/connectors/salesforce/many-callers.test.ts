import { manyCallers } from '../../conformance/many-callers.ts';
import { testTools } from '../../support/connector-tools.ts';
import { withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { open } from './rig.ts';

const fields = [
  'Contact.Phone',
  'Contact.MobilePhone',
  'Contact.HomePhone',
  'Contact.OtherPhone',
  'Lead.Phone',
  'Lead.MobilePhone',
];
const numbers = ['Phone', 'MobilePhone', 'HomePhone', 'OtherPhone', 'Delacon_Caller__c'];

manyCallers('salesforce', fields, (use, now) =>
  withSalesforceEmulator(
    (salesforce) =>
      use({
        open: (tools) => open(salesforce, {}, { ...testTools(), ...tools }),
        activities: () =>
          salesforce.tasks().map((task) => ({
            key: String(task['Delacon_Call_Id__c']),
            personIds: task['WhoId'] === undefined ? [] : [String(task['WhoId'])],
          })),
        people: () =>
          [...salesforce.contacts(), ...salesforce.leads()].map((person) => ({
            id: person.id,
            numbers: numbers.flatMap((name) => (person[name] === undefined ? [] : [String(person[name])])),
          })),
        addPerson(field, phone) {
          const [object, name] = field.split('.') as [string, string];
          return object === 'Lead'
            ? salesforce.addLead({ [name]: phone })
            : salesforce.addContact({ [name]: phone });
        },
      }),
    { indexDelayMs: 1e12, now },
  ),
);
