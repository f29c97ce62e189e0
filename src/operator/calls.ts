import * as z from 'zod';
import { type Call, type CallState, readCall } from '../call/call.ts';
import { callOf } from '../config/read-call.ts';
import type { Settings } from '../config/settings.ts';
import { withheldWords } from '../config/withheld-words.ts';
import type { IndexFilter } from '../store/call-index.ts';
import type { CallView, DeliveryView } from '../store/calls.ts';
import { searchOf } from './call-search.ts';
import { indexState } from './overview.ts';
import { givenInstant, instant } from './time-range.ts';

export const deliveryStates = ['due', 'delivered', 'failed', 'skipped'] as const;
export const results = ['answered', 'unanswered', 'busy', 'other'] as const;

/** Which calls. A blank is as if it were not there, for forms send every field. */
const selectionShape = {
  search: z
    .string()
    .trim()
    .max(200)
    .describe(
      'A telephone number, its beginning or its end (not for a masked reader); a call id or its beginning; words of dealer, keywords and other fields.',
    ),
  source: z.string(),
  connector: z.string().describe('Only with a delivery for this connector.'),
  state: z
    .enum([...deliveryStates, 'unrouted'])
    .describe('Only with a delivery in this state, of the connector if one is given; unrouted: with none.'),
  result: z.enum(results),
  missed: z.stringbool(),
  since: givenInstant.describe('Received at or after.'),
  until: givenInstant.describe('Received before.'),
};

export const callSelection = z.preprocess(withoutBlanks, z.strictObject(selectionShape).partial());
export type CallSelection = z.output<typeof callSelection>;

export const callsQuery = z.preprocess(
  withoutBlanks,
  z
    .strictObject({
      ...selectionShape,
      after: z.string().describe('`next` of the page before.'),
      limit: z.coerce.number().int().min(1).max(500),
    })
    .partial(),
);
export type CallsQuery = z.output<typeof callsQuery>;

function withoutBlanks(query: unknown): unknown {
  if (typeof query !== 'object' || query === null) return query;
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''));
}

const phone = z.object({
  number: z.string().nullable().describe('E.164, or masked.'),
  display: z.string().describe('For people.'),
});

export const callSummary = z.object({
  source: z.string(),
  callId: z.string(),
  receivedAt: instant,
  startedAt: instant,
  title: z.string().describe('What came of it, who called and whom, and who answered.'),
  phase: z.enum(['ringing', 'ended', 'lapsed']),
  caller: phone.extend({ withheld: z.boolean() }),
  dialled: phone,
  answeredBy: phone,
  dealer: z.object({
    id: z.string().nullable(),
    name: z.string().nullable(),
    category: z.string().nullable(),
  }),
  keywords: z.string().nullable(),
  engine: z.string().nullable(),
  result: z.enum(results).nullable(),
  resultText: z.string().nullable().describe('As sent.'),
  missed: z.boolean(),
  voicemail: z.boolean().nullable().describe('Whether a message was left.'),
  durationSeconds: z.int().nullable(),
  deliveries: z
    .array(
      z.object({
        connector: z.string(),
        state: z.enum(deliveryStates),
        reason: z
          .string()
          .nullable()
          .describe('The last thing the CRM said against it, or why it was skipped.'),
        dueAt: instant.nullable(),
        isBehind: z
          .boolean()
          .describe('The call has changed since the CRM was told of it, or since somebody skipped it.'),
      }),
    )
    .describe('None: no route took the call.'),
});
export type CallSummary = z.output<typeof callSummary>;

export const callsPage = z.object({
  calls: z.array(callSummary),
  next: z.string().nullable().describe('Where the next page begins. Null: this is the last.'),
  index: indexState,
});
export type CallsPage = z.output<typeof callsPage>;

/** A call of a source that is configured no more is read as one of Australia would be, so that it can still be shown. */
export function shownCall(settings: Settings, state: CallState): Call {
  return (
    callOf(settings, state) ??
    readCall(state, { region: 'AU', timezone: 'UTC', withheldWords, missed: [], emailOnly: [] })
  );
}

export function summaryOf(settings: Settings, { state, deliveries }: CallView): CallSummary {
  return {
    ...factsOf(shownCall(settings, state), state),
    deliveries: deliveries.map((delivery) => ({
      connector: delivery.connector,
      state: delivery.state,
      reason: delivery.state === 'delivered' ? null : delivery.lastReason,
      dueAt: delivery.dueAt?.toISOString() ?? null,
      isBehind: isBehind(delivery),
    })),
  };
}

export function factsOf(call: Call, state: CallState): Omit<CallSummary, 'deliveries'> {
  const { caller, dialled, answeredBy, dealer, marketing } = call;
  return {
    source: call.source,
    callId: call.id,
    receivedAt: state.firstReceivedAt.toISOString(),
    startedAt: call.startedAt.toISOString(),
    title: call.title,
    phase: call.phase,
    caller: { number: caller.number, display: caller.display, withheld: caller.withheld },
    dialled: { number: dialled.number, display: dialled.display },
    answeredBy: { number: answeredBy.number, display: answeredBy.display },
    dealer: { id: dealer.id, name: dealer.name, category: dealer.category },
    keywords: marketing.keywords,
    engine: marketing.engine,
    result: call.result,
    resultText: call.resultText,
    missed: call.missed,
    voicemail: call.voicemail,
    durationSeconds: call.durationSeconds,
  };
}

export function isBehind({ state, ...delivery }: DeliveryView): boolean {
  const told = state === 'skipped' ? (delivery.skippedRevision ?? 0) : delivery.deliveredRevision;
  return told < delivery.wantedRevision;
}

/** What the index of calls is asked for. */
export function filterOf(
  settings: Settings,
  { search, ...others }: CallSelection,
  masked: boolean,
): IndexFilter {
  return search ? { ...others, search: searchOf(settings, search, masked) } : others;
}
