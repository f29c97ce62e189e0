import { type FaultKind, faultsEverywhere, silences } from '../../conformance/faults-everywhere.ts';
import { testTools } from '../../support/connector-tools.ts';
import { answering, type Fault, faults, withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { open } from './rig.ts';

const writes = /PATCH|Lead\+Task|POST \/composite\/sobjects/;
const notToken = /\//; // the login is not metered by the org's allowance, and has no session

const kinds: FaultKind<Fault>[] = [
  ...silences<Fault>(faults),
  { title: '500 before', fault: faults.serverError, told: /retry: .*500/ },
  { title: '503 before', isVariant: true, fault: faults.unavailable, told: /retry: .*503/ },
  {
    title: 'the maintenance page',
    isVariant: true,
    fault: faults.maintenance,
    told: /retry: .*503.*maintenance/,
    leavesUnanswered: true,
  },
  {
    title: '504 page after',
    isVariant: true,
    fault: faults.gatewayTimeout,
    told: /retry: .*504/,
    commits: true,
    leavesUnanswered: true,
  },
  {
    title: 'maintenance of the data',
    isVariant: true,
    fault: answering(400, [
      { errorCode: 'INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE', message: 'Read only for now.' },
    ]),
    told: /blocked: .*MAINTENANCE/,
    at: writes,
  },
  {
    title: 'too many requests at once',
    isVariant: true,
    fault: faults.tooManyAtOnce,
    told: /retry: .*Concurrent/,
    at: notToken,
  },
  { title: 'the day used up', fault: faults.dayUsedUp, told: /blocked: .*24 hours/, at: notToken },
  { title: 'an expired token', fault: faults.sessionExpired, told: null, at: notToken },
  { title: 'one row locked', fault: faults.lockedRow, told: /retry: .*UNABLE_TO_LOCK_ROW/, at: writes },
  { title: 'every row locked', fault: faults.lockedRows, told: /retry: .*UNABLE_TO_LOCK_ROW/, at: writes },
];

const owner = 'jane@acme.example';

const rich = {
  followUp: { when: "call.result == 'unanswered'", doneWhen: 'reached' },
  sale: { when: "call.survey.outcome == 'Sale'", stage: 'Closed Won' },
  owner: { by: 'call.serviceId', map: { 123: owner } },
};

await faultsEverywhere('salesforce', {
  with: (use, { now, index }) =>
    withSalesforceEmulator(
      (salesforce) => {
        const isTheirs = (record: Record<string, unknown>) => record['IsConverted'] !== true;
        const people = () => [...salesforce.contacts(), ...salesforce.leads().filter(isTheirs)];
        const user = salesforce.addUser({ Username: owner });
        salesforce.grantModifyAll(); // follow-ups that were given away are completed by later calls
        const isFollowUp = (task: Record<string, unknown>) => task['Delacon_Follow_Up__c'] !== undefined;
        const whoOf = (key: unknown) =>
          salesforce.tasks().find((task) => task['Delacon_Call_Id__c'] === key)?.['WhoId'];
        const personIds = (id: unknown) => (id === undefined ? [] : [String(id)]);
        return use({
          open: (tools, settings) =>
            open(salesforce, settings === 'rich' ? rich : {}, { ...testTools(), ...tools }),
          left: () => [
            ...salesforce
              .tasks()
              .filter(isFollowUp)
              .map((task) => ({
                role: 'followUp' as const,
                key: String(task['Delacon_Follow_Up__c']),
                completed: task['IsClosed'] === true,
                personIds: personIds(task['WhoId']),
                hasOwner: task['OwnerId'] === user,
              })),
            ...salesforce.opportunities().map((sold) => ({
              role: 'sale' as const,
              key: String(sold['Delacon_Call_Id__c']),
              completed: false,
              // Salesforce has no field for a lead on an Opportunity: the call tells of it.
              personIds: personIds(sold['ContactId'] ?? whoOf(sold['Delacon_Call_Id__c'])),
              hasOwner: sold['OwnerId'] === user,
            })),
          ],
          activities: () =>
            salesforce
              .tasks()
              .filter((task) => !isFollowUp(task))
              .map((task) => ({
                key: String(task['Delacon_Call_Id__c']),
                completed: task['IsClosed'] === true && task['TaskSubtype'] === 'Call',
                seconds: Number(task['CallDurationInSeconds']),
                personIds: personIds(task['WhoId']),
              })),
          people: () =>
            people().map((person) => ({
              id: person.id,
              numbers: ['Phone', 'MobilePhone', 'Delacon_Caller__c'].flatMap((name) => {
                const text = person[name];
                return typeof text === 'string' ? [text] : [];
              }),
            })),
          addPerson: (phone, key) =>
            salesforce.addContact({ Phone: phone, ...(key === undefined ? {} : { Delacon_Caller__c: key }) }),
          requestNames: salesforce.requestNames,
          change(how, personId) {
            if (how === 'becomes a contact') return salesforce.convertLead(personId);
            salesforce.delete(personId);
            return undefined;
          },
          strike: (fault, request, skip) => salesforce.strike(fault, request, skip),
        });
      },
      { indexDelayMs: index === 'never' ? 1e12 : 0, now },
    ),
  faults: kinds,
  writes,
  changes: ['becomes a contact', 'is deleted'],
  leaves: true,
});
