import { manyCallers } from '../../conformance/many-callers.ts';
import { testTools } from '../../support/connector-tools.ts';
import { withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { open, unmetered } from './rig.ts';

manyCallers('hubspot', ['phone', 'mobilephone'], (use, now) =>
  withHubSpotEmulator(
    (hubspot) =>
      use({
        open: (tools) => open(hubspot, {}, { ...testTools(), ...tools }),
        activities: () =>
          hubspot.calls().map(({ properties, contactIds }) => ({
            key: properties['delacon_call_id'] ?? '',
            personIds: contactIds,
          })),
        people: () =>
          hubspot.contacts().map(({ id, properties }) => ({
            id,
            numbers: ['phone', 'mobilephone', 'delacon_caller'].flatMap((name) => properties[name] ?? []),
          })),
        addPerson: (field, phone) => hubspot.addContact({ [field]: phone }),
      }),
    { limits: unmetered, indexDelayMs: 1e12, now },
  ),
);
