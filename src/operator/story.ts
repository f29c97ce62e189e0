import * as z from 'zod';
import { type Call, kindOf } from '../call/call.ts';
import type { RecordRef, RecordRole } from '../call/records.ts';
import { summaryOf } from '../call/summary.ts';
import { callOf, routingOf } from '../config/read-call.ts';
import type { Settings } from '../config/settings.ts';
import type { Connection } from '../connector/contract.ts';
import { knownPerson, whyPersonIn } from '../connector/why-person.ts';
import type { CallStory, DeliveryView, StoredPush } from '../store/calls.ts';
import type { ConnectorState } from '../store/connector-state.ts';
import { callSummary, deliveryStates, factsOf, isBehind, shownCall } from './calls.ts';
import { instant } from './time-range.ts';

const record = z.object({
  role: z.string().describe('person, activity, followUp or sale.'),
  type: z.string(),
  id: z.string(),
  link: z.string().nullable().describe('Its page in the CRM.'),
  holds: z
    .record(z.string(), z.string())
    .nullable()
    .describe('What the CRM shows, where it was asked and can say so.'),
});

const attempt = z.object({
  n: z.int(),
  at: instant,
  tookMs: z.int(),
  revision: z.int(),
  outcome: z.enum(['delivered', 'retry', 'rejected', 'blocked']),
  reason: z.string().nullable().describe("In the CRM's own words."),
  notes: z.array(z.string()),
  requests: z.int().describe('To the CRM, of the whole batch.'),
  batch: z.int().describe('Calls that shared them.'),
});

const earlierCall = z.object({
  source: z.string(),
  callId: z.string(),
  receivedAt: instant,
  why: z.string().nullable().describe('How the person was found or made then.'),
});

/** Everything that is known of one call, in order. */
export const story = callSummary.omit({ deliveries: true }).extend({
  revision: z.int(),
  lastReceivedAt: instant,
  timezone: z.string(),
  isKnownSource: z.boolean().describe('false: the source is configured no more, so the call cannot be read.'),
  pushes: z.array(
    z.object({
      n: z.int().describe('1 for the first.'),
      receivedAt: instant,
      kind: z.enum(['start', 'end', 'both', 'neither']),
      body: z
        .string()
        .nullable()
        .describe('As it came. Null: numbers are masked, or those before are a million characters already.'),
      fieldCount: z.int(),
      says: z.array(z.string()).describe('Fields of the call whose value is the one of this push.'),
      repeats: z.int().describe('How often the very same body came again.'),
      lastRepeatAt: instant.nullable(),
    }),
  ),
  fields: z.array(
    z.object({
      name: z.string(),
      value: z.string(),
      push: z.int().nullable().describe('`n` of the push that said it. Null: that push is kept no more.'),
    }),
  ),
  values: z
    .array(z.object({ name: z.string(), value: z.string() }))
    .describe('The names that templates and conditions use, where they are known.'),
  summary: z
    .array(z.object({ label: z.string().nullable().describe('Null: what happened.'), text: z.string() }))
    .describe('The call as people read it, in the order in which they want it.'),
  notes: z.array(z.string()).describe('What could not be read.'),
  recording: z
    .object({ url: z.string(), playerUrl: z.string() })
    .nullable()
    .describe('Null: there is none, or numbers are masked.'),
  routing: z.array(z.object({ place: z.string(), matched: z.boolean(), why: z.string() })),
  deliveries: z.array(
    z.object({
      connector: z.string(),
      type: z.string().nullable(),
      state: z.enum(deliveryStates),
      reason: z.string().nullable(),
      dueAt: instant.nullable(),
      rewriteAt: instant
        .nullable()
        .describe(
          'When what was delivered is written once more, as an unanswered write may come late. Null: it is not.',
        ),
      wantedRevision: z.int(),
      deliveredRevision: z.int().describe('What the CRM shows. 0: nothing yet.'),
      isBehind: z.boolean(),
      failures: z.int().describe('Attempts in a row that came to nothing.'),
      connectorReason: z.string().nullable().describe('Why the connector is open, blocked or paused.'),
      connectorTriesAt: instant.nullable().describe('When an open or blocked connector is tried next.'),
      person: z
        .object({
          type: z.string(),
          id: z.string(),
          link: z.string().nullable(),
          why: z.string().describe('How it was found or made, with numbers masked.'),
          known: earlierCall
            .nullable()
            .describe('The first call that is known to have gone to it, where that is why.'),
        })
        .nullable(),
      records: z.array(record),
      isReadable: z.boolean().describe('Whether the CRM can be asked what these records hold.'),
      attempts: z.array(attempt),
    }),
  ),
  decisions: z
    .array(
      z.object({
        at: instant,
        connector: z.string().nullable().describe('Null: all of them.'),
        decision: z.enum(['replay', 'skip']),
        reason: z.string().nullable(),
        revision: z.int(),
      }),
    )
    .describe('What people decided on it.'),
});
export type Story = z.output<typeof story>;

type AttemptOfStory = Story['deliveries'][number]['attempts'][number];

/** Attempts that are told as one. */
export interface AttemptRun {
  first: AttemptOfStory;
  last: AttemptOfStory;
  count: number;
}

/** A blocked connector probes for hours and is told the same each time: such attempts are told once. */
export function runsOf(attempts: readonly AttemptOfStory[]): AttemptRun[] {
  const runs: AttemptRun[] = [];
  for (const attempt of attempts) {
    const run = runs.at(-1);
    if (
      run &&
      attempt.outcome === 'blocked' &&
      run.last.outcome === 'blocked' &&
      run.last.reason === attempt.reason
    ) {
      run.last = attempt;
      run.count++;
    } else runs.push({ first: attempt, last: attempt, count: 1 });
  }
  return runs;
}

export interface StorySources {
  settings: Settings;
  connectors: readonly ConnectorState[];
  /** Lends the connection of a connector. Undefined when it is configured no more, or cannot be opened. */
  lend<T>(connector: string, use: (connection: Connection) => Promise<T>): Promise<T | undefined>;
  /** The first call before this one that went to the same person. */
  earlierTo(person: RecordRef, connector: string): Promise<CallStory | undefined>;
  /** Whether to ask the CRMs what the records hold. */
  ask: boolean;
}

/** Long enough for a slow CRM, short enough to be told of. */
const patienceMs = 60_000;

export async function storyOf(stored: CallStory, sources: StorySources): Promise<Story> {
  const { settings, connectors } = sources;
  const { state } = stored;
  const call = shownCall(settings, state);
  const { url, playerUrl } = call.recording;
  const fields = originsOf(state.fields, stored.pushes);
  const deliveries: Story['deliveries'] = [];
  for (const delivery of stored.deliveries) {
    const connector = connectors.find((known) => known.connector === delivery.connector);
    const { records, isReadable } = await recordsOf(delivery, sources);
    const person = records.find(({ role }) => role === 'person');
    const attempts = stored.attempts.filter((made) => made.connector === delivery.connector);
    deliveries.push({
      connector: delivery.connector,
      type: settings.connectors[delivery.connector]?.type ?? null,
      state: delivery.state,
      reason: delivery.state === 'delivered' ? null : delivery.lastReason,
      dueAt: delivery.dueAt?.toISOString() ?? null,
      rewriteAt: delivery.rewriteAt?.toISOString() ?? null,
      wantedRevision: delivery.wantedRevision,
      deliveredRevision: delivery.deliveredRevision,
      isBehind: isBehind(delivery),
      failures: delivery.failures,
      connectorReason: connector?.paused
        ? (connector.paused.reason ?? 'It is paused.')
        : (connector?.blockedReason ?? connector?.openReason ?? null),
      connectorTriesAt: connector?.paused ? null : (connector?.probeAt?.toISOString() ?? null),
      person: person ? await personOf(person, call, attempts, delivery.connector, sources) : null,
      records,
      isReadable,
      attempts: attempts.map(({ connector: _, at, ...attempt }) => ({ ...attempt, at: at.toISOString() })),
    });
  }
  const bodies = withinRoom(stored.pushes);
  const timezone = settings.sources[state.source]?.timezone ?? 'UTC';
  return {
    ...factsOf(call, state),
    revision: stored.revision,
    lastReceivedAt: stored.lastReceivedAt.toISOString(),
    timezone,
    isKnownSource: callOf(settings, state) !== null,
    pushes: stored.pushes.map((push, i) => ({
      n: i + 1,
      receivedAt: push.receivedAt.toISOString(),
      kind: kindOf(push.fields),
      body: bodies[i] ?? null,
      fieldCount: Object.keys(push.fields).length,
      says: fields
        .filter(({ name, push }) => push === i + 1 && name !== 'PLA_Call_Id') // which each of them says
        .map(({ name }) => name),
      repeats: push.repeats,
      lastRepeatAt: push.lastRepeatAt?.toISOString() ?? null,
    })),
    fields,
    values: knownNames(call),
    summary: summaryOf(call, timezone).map(({ label = null, text }) => ({ label, text })),
    notes: call.notes,
    recording: url && playerUrl ? { url, playerUrl } : null,
    routing: routingOf(settings, state).looked,
    deliveries,
    decisions: stored.decisions.map((made) => ({ ...made, at: made.at.toISOString() })),
  };
}

/** Somebody may send thousands of long pushes of one call, and who looks at it wants an answer. */
const shownCharacters = 1_000_000;

/** The bodies from the first on, as far as they may be shown together. */
function withinRoom(pushes: readonly StoredPush[]): (string | null)[] {
  let room = shownCharacters;
  return pushes.map(({ body }) => {
    room -= body.length;
    return room >= 0 ? body : null;
  });
}

/** Per field the value that won, and the latest push that said it. */
function originsOf(fields: Record<string, string>, pushes: readonly StoredPush[]): Story['fields'] {
  return Object.entries(fields).map(([name, value]) => {
    const from = pushes.findLastIndex((push) => push.fields[name] === value);
    return { name, value, push: from < 0 ? null : from + 1 };
  });
}

async function personOf(
  { type, id, link }: Story['deliveries'][number]['records'][number],
  call: Call,
  attempts: readonly { notes: string[] }[],
  connector: string,
  { earlierTo }: StorySources,
): Promise<NonNullable<Story['deliveries'][number]['person']>> {
  const why = whyOf(attempts) ?? whatRulesSay(call);
  const earlier = why === knownPerson ? await earlierTo({ type, id }, connector) : undefined;
  const known = earlier && {
    source: earlier.state.source,
    callId: earlier.state.callId,
    receivedAt: earlier.state.firstReceivedAt.toISOString(),
    why: whyOf(earlier.attempts.filter((made) => made.connector === connector)) ?? null,
  };
  return { type, id, link, why, known: known ?? null };
}

function whyOf(attempts: readonly { notes: string[] }[]): string | undefined {
  return whyPersonIn(attempts.flatMap(({ notes }) => notes));
}

/** Where a connector says nothing. */
function whatRulesSay({ caller }: Call): string {
  return caller.withheld
    ? 'The number is withheld: it is the record that is configured for such calls.'
    : 'It is the record of this number: by the map of people, the key, or the phone fields of the CRM.';
}

async function recordsOf(
  { connector, records }: DeliveryView,
  { lend, ask }: StorySources,
): Promise<Pick<Story['deliveries'][number], 'records' | 'isReadable'>> {
  const known = Object.entries(records) as [RecordRole, RecordRef][];
  if (known.length === 0) return { records: [], isReadable: false };
  const shown = await lend(connector, async (connection) => ({
    isReadable: connection.read !== undefined,
    records: await Promise.all(
      known.map(async ([role, record]) => ({
        role,
        ...record,
        link: connection.link(record) ?? null,
        holds: ask ? await holdsOf(connection, record) : null,
      })),
    ),
  }));
  const unlent = () => known.map(([role, record]) => ({ role, ...record, link: null, holds: null }));
  return shown ?? { records: unlent(), isReadable: false };
}

async function holdsOf(connection: Connection, record: RecordRef): Promise<Record<string, string> | null> {
  if (!connection.read) return null;
  try {
    const held = await connection.read(record, AbortSignal.timeout(patienceMs));
    if (!held) return { 'not shown': 'The CRM has this record no more.' };
    return Object.fromEntries(Object.entries(held).map(([name, value]) => [name, String(value)]));
  } catch (reason) {
    return { 'not shown': (reason as Error).message };
  }
}

/** The names templates use, with the values that are known. */
function knownNames(call: Call): { name: string; value: string }[] {
  return valuesOf(call, 'call').filter(
    ({ name }) => !name.startsWith('call.fields.') && name !== 'call.notes',
  );
}

function valuesOf(value: unknown, name: string): { name: string; value: string }[] {
  if (value === null || value === undefined || value === '') return [];
  if (value instanceof Date) return [{ name, value: value.toISOString() }];
  if (Array.isArray(value)) return value.length > 0 ? [{ name, value: value.join(' ') }] : [];
  if (typeof value === 'object') {
    return Object.entries(value).flatMap(([inner, each]) => valuesOf(each, `${name}.${inner}`));
  }
  return [{ name, value: String(value) }];
}
