import {
  type EmulatedCrm,
  type FaultKind,
  faultsEverywhere,
  silences,
} from '../../conformance/faults-everywhere.ts';
import { testTools } from '../../support/connector-tools.ts';
import { type Fault, faults, withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { open, unmetered } from './rig.ts';

const search = /search$/;
const notSearch = /(?<!search)$/; // searches are outside the ten-second window

const kinds: FaultKind<Fault>[] = [
  ...silences<Fault>(faults),
  { title: '500 before', fault: faults.serverError, told: /retry: .*500/ },
  {
    title: '502 page before',
    isVariant: true,
    fault: faults.badGateway,
    told: /retry: .*502/,
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
    title: '524 page after',
    isVariant: true,
    fault: faults.originTimeout,
    told: /retry: .*524/,
    commits: true,
    leavesUnanswered: true,
  },
  {
    title: '429 of ten seconds',
    isVariant: true,
    fault: faults.rollingLimit,
    told: /retry: .*429/,
    at: notSearch,
  },
  { title: '429 with a wait', fault: faults.rollingLimitWithWait, told: /retry: .*429/, at: notSearch },
  { title: '429 of a second', fault: faults.secondlyLimit, told: /retry: .*429/, at: search },
  {
    title: '429 of a second, older form',
    isVariant: true,
    fault: faults.secondlyLimitOldForm,
    told: /retry: .*429/,
    at: search,
  },
  { title: '429 of the day', fault: faults.dailyLimit, told: /blocked: .*used up/ },
  { title: 'an expired token', isVariant: true, fault: faults.expiredToken, told: /blocked: .*access token/ },
  { title: '423', isVariant: true, fault: faults.locked, told: /retry: .*423/ },
  { title: '477', isVariant: true, fault: faults.moving, told: /blocked: .*data centre/ },
];

/** Everything that a call can leave. */
const rich = {
  owner: { by: 'call.serviceId', map: {}, otherwise: 'jane@acme.example' },
  followUp: { when: "call.result == 'unanswered'", doneWhen: 'reached' },
  sale: { when: "call.survey.outcome == 'Sale'", stage: 'closedwon' },
  attribution: true,
};

const hubspot = (keysAre: 'unique' | 'searched'): EmulatedCrm<Fault> => ({
  with: (use, { now, index }) =>
    withHubSpotEmulator(
      (hubspot) =>
        use({
          async open(tools, settings) {
            if (keysAre === 'searched') await tools.memory.remember(new Map([['found', searched]]));
            if (settings === 'rich') hubspot.addOwner('jane@acme.example');
            return open(hubspot, settings === 'rich' ? rich : {}, { ...testTools(), ...tools });
          },
          activities: () =>
            hubspot.calls().map(({ properties, contactIds }) => ({
              key: properties['delacon_call_id'] ?? '',
              completed: properties['hs_call_status'] !== 'IN_PROGRESS',
              seconds: Number(properties['hs_call_duration']) / 1000,
              personIds: contactIds,
            })),
          left: () => [
            ...hubspot.records('tasks').map(({ properties, links }) => ({
              role: 'followUp' as const,
              key: properties['delacon_call_id'] ?? '',
              completed: properties['hs_task_status'] === 'COMPLETED',
              personIds: links.contacts,
              hasOwner: !!properties['hubspot_owner_id'],
            })),
            ...hubspot.records('deals').map(({ properties, links }) => ({
              role: 'sale' as const,
              key: properties['delacon_call_id'] ?? '',
              completed: false,
              personIds: links.contacts,
              hasOwner: !!properties['hubspot_owner_id'],
            })),
          ],
          people: () =>
            hubspot.contacts().map(({ id, properties }) => ({
              id,
              numbers: ['phone', 'mobilephone', 'delacon_caller'].flatMap((name) => properties[name] ?? []),
            })),
          addPerson: (phone, key) =>
            hubspot.addContact({ phone, ...(key === undefined ? {} : { delacon_caller: key }) }),
          requestNames: hubspot.requestNames,
          change(how, personId) {
            if (how === 'is merged into another') {
              const kept = hubspot.addContact({ phone: '+61298765432' });
              hubspot.mergeContacts(kept, personId);
              return kept;
            }
            hubspot.archiveContact(personId);
            return undefined;
          },
          strike: (fault, request, skip) => hubspot.strike(fault, request, skip),
        }),
      {
        limits: unmetered,
        indexDelayMs: index === 'never' ? 1e12 : 0,
        now,
        oddities: { keys: keysAre === 'searched' ? ignoredKeys : {} },
      },
    ),
  faults: kinds,
  writes: /batch\/(create|update|upsert|associate)/,
  changes: ['is merged into another', 'is deleted'],
  leaves: true,
});

const ignoredKeys = { calls: 'ignored', tasks: 'ignored', deals: 'ignored' } as const;
const searched = JSON.stringify({ callKeys: 'searched', taskKeys: 'searched', dealKeys: 'searched' });

await faultsEverywhere('hubspot', hubspot('unique'));
await faultsEverywhere('hubspot without unique keys', {
  ...hubspot('searched'),
  searches: true,
  asksWhy: /^GET .*properties/,
  faults: kinds.filter(({ title }) => /cut before|lost after|504/.test(title)),
});
