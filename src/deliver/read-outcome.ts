import * as z from 'zod';
import { recordRoles } from '../call/records.ts';
import type { Outcome } from '../connector/contract.ts';

const record = z.object({ type: z.string(), id: z.string() });

/** The kind alone decides what happens, so a part that cannot be read takes nothing from it. */
const answered = z.object({
  kind: z.enum(['delivered', 'retry', 'rejected', 'blocked']),
  reason: z.string().min(1).catch('The connector gave no reason.'),
  scope: z.enum(['call', 'connector']).optional().catch(undefined),
  notBefore: z.date().optional().catch(undefined),
  records: z.partialRecord(z.enum(recordRoles), record).catch({}),
  notes: z.array(z.string()).catch([]),
  whyPerson: z.string().min(1).optional().catch(undefined),
  unanswered: z.literal(true).optional().catch(undefined),
});

/**
 * What a connector answered for one call, with its words passed through `hide`. Something that is no outcome is worth
 * another try.
 */
export function readOutcome(answer: unknown, hide = (text: string) => text): Outcome {
  const read = answered.safeParse(answer);
  if (read.success) {
    const { reason, notes, whyPerson } = read.data;
    const why = whyPerson === undefined ? {} : { whyPerson: hide(whyPerson) };
    return { ...read.data, reason: hide(reason), notes: notes.map(hide), ...why } as Outcome;
  }
  return {
    kind: 'retry',
    reason: 'The connector answered something that is not an outcome.',
    unanswered: true,
  };
}
