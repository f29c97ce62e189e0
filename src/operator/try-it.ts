import * as z from 'zod';
import { type CallState, foldFields, stateAt } from '../call/call.ts';
import type { Push } from '../call/push.ts';
import { draftedFrom } from '../config/read-call.ts';
import type { Settings } from '../config/settings.ts';
import type { RecordDraft } from '../connector/contract.ts';

export const tryOrder = z.strictObject({
  source: z.string().optional().describe('Whose push it is. Not set: the first one configured.'),
  pushes: z
    .string()
    .max(262_144)
    .describe(
      'Bodies as Delacon posts them: one, several with a blank line between, or a JSON array of them.',
    ),
});

/** What pushes would write under the mapping as it is. Nothing is stored, and no CRM is asked. */
export const trial = z.object({
  calls: z.array(
    z.object({
      callId: z.string(),
      source: z.string(),
      routing: z.array(z.object({ place: z.string(), matched: z.boolean(), why: z.string() })),
      notes: z.array(z.string()),
      connectors: z.array(
        z.object({
          connector: z.string(),
          type: z.string(),
          records: z.array(
            z.object({
              role: z.string(),
              type: z.string(),
              key: z.object({ property: z.string(), value: z.string() }).nullable(),
              properties: z.array(z.object({ name: z.string(), value: z.string() })),
              notes: z.array(z.string()),
            }),
          ),
        }),
      ),
    }),
  ),
});
export type Trial = z.output<typeof trial>;

export function trialOf(settings: Settings, source: string, pushes: readonly Push[], now: Date): Trial {
  return { calls: foldPushes(pushes, source, now).map((state) => trialOfCall(settings, state)) };
}

function trialOfCall(settings: Settings, state: CallState): Trial['calls'][number] {
  const { callId, routing, notes, connectors } = draftedFrom(settings, state);
  return {
    callId,
    source: state.source,
    routing: routing.looked,
    notes,
    connectors: connectors.map(({ records, ...one }) => ({ ...one, records: records.map(shownDraft) })),
  };
}

function shownDraft({ role, type, key, properties, notes }: RecordDraft) {
  const shown = Object.entries(properties).map(([name, value]) => ({
    name,
    value: value instanceof Date ? value.toISOString() : String(value),
  }));
  return { role, type, key: key ?? null, properties: shown, notes };
}

function foldPushes(pushes: readonly Push[], source: string, now: Date): CallState[] {
  const states = new Map<string, CallState>();
  for (const { callId, fields } of pushes) {
    const folded = foldFields(states.get(callId)?.fields, fields);
    states.set(callId, stateAt(now, source, callId, folded));
  }
  return [...states.values()];
}
