import * as z from 'zod';
import { type Delivery, mapFields } from '../../src/connector/index.ts';
import type { WebhookOptions } from './options.ts';

/*
 * What a receiver gets. `payload.schema.json` is this schema as JSON Schema, for receivers; names may be added to it,
 * and none is taken away or changes its meaning.
 */

const text = () => z.string().nullable();
const instant = () => z.iso.datetime();

const phone = z.object({
  number: text().describe('E.164; null when what was sent is not a telephone number.'),
  national: text().describe('As dialled within its country, digits only.'),
  display: z.string().describe('For people.'),
  raw: z.string().describe('As Delacon sent it.'),
  country: text().describe('ISO 3166.'),
});

const call = z.object({
  id: z.string().describe('PLA_Call_Id.'),
  source: z.string(),
  title: z.string().describe('What came of it, who called and whom, and who answered: for people.'),
  serviceId: text(),
  startedAt: instant(),
  endedAt: instant().nullable().describe('Null until the end is known.'),
  phase: z.enum(['ringing', 'ended', 'lapsed']),
  caller: phone.extend({ withheld: z.boolean(), exchange: text(), city: text(), state: text() }),
  dialled: phone,
  answeredBy: phone,
  dealer: z.object({ id: text(), name: text(), category: text() }),
  marketing: z.object({
    engine: text(),
    type: text(),
    keywords: text(),
    referrer: text(),
    landingPage: text(),
    calledFrom: text(),
    sessionId: text(),
    googleClientId: text(),
    gclid: text(),
    gbraid: text(),
    wbraid: text(),
    msclkid: text(),
    fbclid: text(),
    utm: z.object({
      source: text(),
      medium: text(),
      campaign: text(),
      term: text(),
      content: text(),
      id: text(),
    }),
  }),
  result: z.enum(['answered', 'unanswered', 'busy', 'other']).nullable(),
  resultText: text().describe('The result as Delacon sent it.'),
  missed: z.boolean(),
  durationSeconds: z.int().nullable(),
  voicemail: z.boolean().nullable(),
  survey: z.object({ outcome: text(), saleAmount: z.number().nullable() }),
  ivr: text(),
  extra: text(),
  converted: z.enum(['online', 'repeat', 'offline']).nullable(),
  recording: z
    .object({
      url: text().describe("As sent by Delacon: for a browser's address bar."),
      playerUrl: text().describe('The same with mode=direct: for an HTML5 audio player.'),
    })
    .describe('Where the recording is to be had, in both forms.'),
  fields: z.record(z.string(), z.string()).describe('Every field as Delacon sent it.'),
  notes: z.array(z.string()).describe('What could not be read, a sentence each.'),
});

export const payload = z.object({
  type: z
    .enum(['call.started', 'call.ended', 'call.lapsed'])
    .describe('call.lapsed: its end did not come in time. call.ended may follow all the same.'),
  timestamp: instant().describe('When it happened: the end of the call; its start where no end is known.'),
  data: z.object({
    key: z.string().describe('The same for all events of one call, and different for each call.'),
    revision: z.int().describe('Grows with what is known of the call: keep the highest.'),
    source: z.object({
      name: z.string(),
      region: z.string().describe('ISO 3166.'),
      timezone: z.string().describe('IANA.'),
    }),
    call,
    properties: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .describe('What the connector was configured to add.'),
  }),
});

export type Payload = z.output<typeof payload>;

const types = { ringing: 'call.started', ended: 'call.ended', lapsed: 'call.lapsed' } as const;

/** The same for the same state of a call, whenever it is asked for. */
export function payloadOf(options: WebhookOptions, delivery: Delivery): Payload {
  const { key, revision, source, call } = delivery;
  const startedAt = call.startedAt.toISOString();
  const endedAt = call.endedAt?.toISOString() ?? null;
  const mapped = mapFields(options.properties, { call, timezone: source.timezone });
  return {
    type: types[call.phase],
    timestamp: endedAt ?? startedAt,
    data: {
      key,
      revision,
      source: { ...source },
      call: { ...call, startedAt, endedAt },
      properties: Object.fromEntries(
        Object.entries(mapped).map(([name, value]) => [
          name,
          value instanceof Date ? value.toISOString() : value,
        ]),
      ),
    },
  };
}

/**
 * What a receiver knows repeats by: the same at every attempt to deliver one state of a call. Without full stops, which
 * separate what is signed, and of characters that a header may hold.
 */
export function webhookId({ key, revision }: Pick<Delivery, 'key' | 'revision'>): string {
  return `${encodeURIComponent(key.toWellFormed()).replaceAll('.', '%2E')}_${revision}`;
}
