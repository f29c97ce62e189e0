import { connectorContract } from '../../conformance/connector-contract.ts';
import { faults, withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { open, refuseUnwritable, unmetered, unwritable } from './rig.ts';

connectorContract('hubspot', (use) =>
  withHubSpotEmulator(
    async (hubspot) => {
      refuseUnwritable(hubspot);
      await use({
        open: () => open(hubspot),
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
