import { touchFields } from '../../../connectors/hubspot/attribution.ts';
import { connectorContract } from '../../conformance/connector-contract.ts';
import { crmContract, type RuledCrm } from '../../conformance/crm-contract.ts';
import { testTools } from '../../support/connector-tools.ts';
import { faults, withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { open, refuseUnwritable, unmetered, unwritable } from './rig.ts';

connectorContract('hubspot', (use) =>
  withHubSpotEmulator(
    async (hubspot) => {
      refuseUnwritable(hubspot);
      await use({
        open: (tools) => open(hubspot, {}, tools),
        activities: () =>
          hubspot.calls().map(({ properties, contactIds }) => ({
            key: properties['delacon_call_id'] ?? '',
            completed: properties['hs_call_status'] !== 'IN_PROGRESS',
            personId: contactIds[0] ?? null,
          })),
        people: () =>
          hubspot.contacts().map(({ id, properties }) => ({ id, phone: properties['phone'] ?? '' })),
        addPerson: (phone) => hubspot.addContact({ phone }),
        faults: {
          loseAnswerAfterCommit: (skip) => hubspot.strike(faults.loseAnswer, '', skip),
          dropBeforeCommit: (skip) => hubspot.strike(faults.drop, '', skip),
          throttle: (skip) => hubspot.strike(faults.rollingLimit, '', skip),
          serverError: (skip) => hubspot.strike(faults.serverError, '', skip),
          clear: hubspot.calm,
          refuseToken: () => hubspot.refuseToken(),
          acceptToken: hubspot.acceptToken,
        },
        unacceptable: unwritable,
        secrets: [hubspot.token],
      });
    },
    { limits: unmetered },
  ),
);

const kindOf: Record<string, 'contacts' | 'calls' | 'tasks' | 'deals'> = {
  contact: 'contacts',
  call: 'calls',
  task: 'tasks',
  deal: 'deals',
};

const hubspot = (found: Record<string, 'searched'>) => (use: (crm: RuledCrm) => Promise<void>) =>
  withHubSpotEmulator(
    (hubspot) =>
      use({
        async open(settings, tools = testTools()) {
          await tools.memory.remember(new Map([['found', JSON.stringify(found)]]));
          return open(hubspot, settings, tools);
        },
        touches: touchFields,
        addPerson: (phone) => ({ type: 'contact', id: hubspot.addContact({ phone }) }),
        addField(of, kind) {
          const name = `mapped_${kind}`;
          const type = { number: 'number', boolean: 'bool' }[kind];
          const fieldType = { number: 'number', boolean: 'booleancheckbox' }[kind];
          hubspot.addProperty(of === 'activity' ? 'calls' : 'contacts', { name, type, fieldType });
          return name;
        },
        unwritable: { missing: 'nope', readOnly: 'hs_createdate' },
        addMissing() {
          for (const kind of Object.values(kindOf)) hubspot.addProperty(kind, { name: 'nope' });
        },
        refuseOwners: () => hubspot.refuseValues('contacts', 'hubspot_owner_id', /./),
        stage: 'closedwon',
        descriptionsAsked: () => hubspot.countRequests('properties/2026-09/calls'),
        refuseDescription: () => hubspot.strike(faults.unavailable, 'properties/2026-09/calls'),
        addUser: (address) => hubspot.addOwner(address),
        ownerField: 'hubspot_owner_id',
        countRequests: hubspot.countRequests,
        forgetRequests: hubspot.forgetRequests,
        edit: ({ type, id }, values) =>
          hubspot.edit(
            kindOf[type] as 'calls',
            id,
            Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])),
          ),
        remove: ({ type, id }) => hubspot.archive(kindOf[type] as 'calls', id),
        held({ type, id }) {
          const kind = kindOf[type] as 'calls';
          const all = type === 'contact' ? hubspot.contacts() : hubspot.records(kind);
          return all.find((one) => one.id === id)?.properties ?? {};
        },
      }),
    { limits: unmetered },
  );

crmContract('hubspot', hubspot({}));
crmContract(
  'hubspot without unique keys',
  hubspot({ callKeys: 'searched', taskKeys: 'searched', dealKeys: 'searched' }),
);
