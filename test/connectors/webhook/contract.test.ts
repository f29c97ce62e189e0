import { connectorContract } from '../../conformance/connector-contract.ts';
import { testSecret, withWebhookReceiver } from '../../support/webhook-receiver.ts';
import { open } from './rig.ts';

connectorContract('webhook', (use, clock) =>
  withWebhookReceiver(async (receiver) => {
    receiver.refuse(({ data }) => data.call.dealer.name === 'FORBIDDEN');
    const callers = () =>
      new Set([...receiver.filed.values()].flatMap(({ data }) => data.call.caller.number ?? []));
    await use({
      open: (tools) => open(receiver, {}, tools),
      activities: () =>
        [...receiver.filed.values()].map(({ type, data }) => ({
          key: data.key,
          completed: type !== 'call.started',
          personId: data.call.caller.number,
        })),
      // It files its people under their numbers.
      people: () => [...callers()].map((number) => ({ id: number, phone: number })),
      faults: {
        loseAnswerAfterCommit: (skip) => receiver.strike({ commits: true }, skip),
        dropBeforeCommit: (skip) => receiver.strike({ commits: false }, skip),
        throttle: (skip) =>
          receiver.strike({ commits: false, answer: { status: 429, headers: { 'Retry-After': '0' } } }, skip),
        serverError: (skip) => receiver.strike({ commits: false, answer: { status: 500 } }, skip),
        clear: receiver.clear,
        refuseToken: () => receiver.answerAll({ status: 401, body: `not ${testSecret}` }),
        acceptToken: () => receiver.answerAll(undefined),
      },
      unacceptable: { PLA_Dealer_Name: 'FORBIDDEN' },
      secrets: [testSecret, testSecret.slice(6)],
    });
  }, clock.now),
);
