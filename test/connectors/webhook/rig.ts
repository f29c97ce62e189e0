import type { Resolve } from '../../../connectors/webhook/addresses.ts';
import webhook, { WebhookConnection } from '../../../connectors/webhook/index.ts';
import { HttpReceiver } from '../../../connectors/webhook/receiver.ts';
import type { Connection, Delivery, DryConnection, Outcome, Tools } from '../../../src/connector/index.ts';
import { testTools } from '../../support/connector-tools.ts';
import { testSecret, type WebhookReceiver } from '../../support/webhook-receiver.ts';

type Settings = Record<string, unknown>;

export function optionsFor(receiver: WebhookReceiver, settings: Settings = {}) {
  return webhook.options.parse({
    url: receiver.url,
    secrets: [testSecret],
    allowPrivate: true,
    ...settings,
  });
}

/** A connection to the receiver, with settings as YAML gives them. */
export async function open(
  receiver: WebhookReceiver,
  settings: Settings = {},
  tools: Tools = testTools(),
): Promise<Connection> {
  return webhook.open(optionsFor(receiver, settings), tools);
}

/** The same, where names are what `resolve` says. */
export function openWithNames(receiver: WebhookReceiver, settings: Settings, resolve: Resolve): Connection {
  const options = optionsFor(receiver, settings);
  const tools = testTools();
  return new WebhookConnection(new HttpReceiver(options, tools, resolve), options, tools);
}

export function soon(): AbortSignal {
  return AbortSignal.timeout(20_000);
}

/** Delivers one, and answers its outcome. */
export async function deliverOne(connection: DryConnection, delivery: Delivery): Promise<Outcome> {
  const [outcome] = await connection.deliver([delivery], soon());
  if (!outcome) throw new Error('no outcome');
  return outcome;
}
