import * as z from 'zod';
import { callSelection } from './calls.ts';

export const replayOrder = z.strictObject({
  connector: z.string().optional().describe('Only its delivery. Not set: all of the call.'),
});

export const skipOrder = z.strictObject({
  connector: z.string(),
  reason: z
    .string()
    .trim()
    .min(1, { error: 'say why: it is shown with the call.' })
    .max(500)
    .describe('Shown with the call.'),
});

export const pauseOrder = z.strictObject({
  reason: z.string().trim().max(500).optional().describe('Shown with the connector.'),
});

export const replayed = z.object({
  calls: z.int(),
  deliveries: z.int().describe('That are due again.'),
});
export type Replayed = z.output<typeof replayed>;

/** Which calls to replay. What somebody skipped stays skipped. */
export const rangeReplay = z.strictObject({
  of: callSelection,
  expected: z
    .int()
    .optional()
    .describe('The count that was agreed to. Nothing is done where there are more calls by now.'),
});

export const replayCount = z.object({ calls: z.int(), deliveries: z.int() });
export type ReplayCount = z.output<typeof replayCount>;

export const numberGiven = z.strictObject({
  number: z.string().trim().min(1),
  region: z
    .string()
    .optional()
    .describe("Country of a number without a country code. Not set: the first source's."),
});

export const erasureOrder = numberGiven.extend({
  unsearchable: z
    .boolean()
    .default(false)
    .describe('true: rejected pushes that cannot be searched go as well, whosever they are.'),
});

/** What the store holds of a number, and what the CRMs hold and keep. */
export const holdings = z.object({
  number: z.string().describe('Masked.'),
  calls: z.int().describe('Of this caller.'),
  elsewhere: z
    .int()
    .describe('Calls of others that name the number, such as who answered. They are left as they are.'),
  unsearchable: z
    .int()
    .describe(
      'Rejected pushes that cannot be searched, since they are packed in a way that is not read: they may hold the number, too.',
    ),
  inCrm: z.array(z.object({ connector: z.string(), role: z.string(), type: z.string(), id: z.string() })),
  waiting: z
    .array(z.string())
    .describe(
      'Connectors to which calls of the number had yet to be written: what was on its way at that moment is in the CRM, too, and not named here.',
    ),
});
export type Holdings = z.output<typeof holdings>;

export const erasure = holdings.extend({
  erased: z.object({
    calls: z.int(),
    pushes: z.int(),
    deliveries: z.int(),
    attempts: z.int(),
    people: z.int(),
    unreadable: z.int(),
  }),
  left: z.int().describe('Calls of the number that are there afterwards, such as one that came meanwhile.'),
  inLog: z
    .boolean()
    .describe(
      "Something else reads the store's file, such as a backup: what was erased stays in the log beside it until that ends. The bridge sees to it within a minute.",
    ),
});
export type ErasureDone = z.output<typeof erasure>;
