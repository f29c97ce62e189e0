import * as z from 'zod';
import type { PushesSeen } from '../store/call-index.ts';
import { instant } from './time-range.ts';

const seen = z
  .object({ firstAt: instant, lastAt: instant })
  .nullable()
  .describe('Pushes of this kind, by what they hold. Null: none came yet.');

export const delaconQuery = z.strictObject({
  source: z.string().optional().describe('Only this one.'),
  after: z.string().optional().describe('The `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(500).optional().describe('How many sources: 50 if not given.'),
});
export type DelaconQuery = z.output<typeof delaconQuery>;

/** What to paste into the Delacon portal, and whether it has begun to push. Holds secrets: for the operator alone. */
export const delaconSetup = z.object({
  publicUrl: z
    .string()
    .nullable()
    .describe('As `listen.publicUrl` has it. Null: it is not set, so the URLs work on this machine only.'),
  sources: z.array(
    z.object({
      source: z.string(),
      urls: z
        .object({ create: z.string(), update: z.string(), single: z.string() })
        .nullable()
        .describe('Null: you may only read. They are secrets.'),
      start: seen,
      end: seen,
    }),
  ),
  further: z.number().int().describe('Sources that come after these.'),
  next: z
    .string()
    .nullable()
    .describe('Ask for the next page with it as `after`. Null: this is the last one.'),
});
export type DelaconSetup = z.output<typeof delaconSetup>;

export function delaconSetupOf(
  publicUrl: string | undefined,
  page: {
    sources: readonly string[];
    further: number;
    urlsOf(source: string): { create: string; update: string; single: string } | null;
    seen: readonly PushesSeen[];
  },
): DelaconSetup {
  const { sources, further, urlsOf, seen } = page;
  const of = (source: string, kind: PushesSeen['kind']) => {
    const found = seen.find((one) => one.source === source && one.kind === kind);
    return found ? { firstAt: found.firstAt.toISOString(), lastAt: found.lastAt.toISOString() } : null;
  };
  return {
    publicUrl: publicUrl ?? null,
    sources: sources.map((source) => ({
      source,
      urls: urlsOf(source),
      start: of(source, 'start'),
      end: of(source, 'end'),
    })),
    further,
    next: further > 0 ? (sources.at(-1) ?? null) : null,
  };
}
