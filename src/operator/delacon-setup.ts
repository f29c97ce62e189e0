import * as z from 'zod';
import type { PushesSeen } from '../store/store.ts';
import { instant } from './time-range.ts';

const seen = z
  .object({ firstAt: instant, lastAt: instant })
  .nullable()
  .describe('Pushes of this kind, by what they hold. Null: none came yet.');

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
});
export type DelaconSetup = z.output<typeof delaconSetup>;

export function delaconSetupOf(
  publicUrl: string | undefined,
  urls: readonly { source: string; create: string; update: string; single: string }[],
  seen: readonly PushesSeen[],
  mayKnow: boolean,
): DelaconSetup {
  const bySource = Map.groupBy(seen, ({ source }) => source);
  const of = (source: string, kind: PushesSeen['kind']) => {
    const found = bySource.get(source)?.find((one) => one.kind === kind);
    return found ? { firstAt: found.firstAt.toISOString(), lastAt: found.lastAt.toISOString() } : null;
  };
  return {
    publicUrl: publicUrl ?? null,
    sources: urls.map(({ source, create, update, single }) => ({
      source,
      urls: mayKnow ? { create, update, single } : null,
      start: of(source, 'start'),
      end: of(source, 'end'),
    })),
  };
}
