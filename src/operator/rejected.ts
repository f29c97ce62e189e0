import * as z from 'zod';
import type { UnreadableBody } from '../store/store.ts';
import { instant } from './time-range.ts';

/** Pushes that could not be read, newest first: the last hundred. */
export const rejectedPushes = z.object({
  pushes: z.array(
    z.object({
      receivedAt: instant,
      source: z.string(),
      reason: z.string(),
      body: z.string().nullable().describe('Null: numbers are masked.'),
    }),
  ),
});
export type RejectedPushes = z.output<typeof rejectedPushes>;

export function rejectedOf(bodies: readonly UnreadableBody[]): RejectedPushes {
  return { pushes: bodies.map((body) => ({ ...body, receivedAt: body.receivedAt.toISOString() })) };
}
