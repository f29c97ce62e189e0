import { Hono } from 'hono';
import type { Upkeep } from '../store/upkeep.ts';

/** Why a push would be refused now; null: it would be taken. */
export type Readiness = () => Promise<string | null>;

/** Anyone may ask, and it costs a write: so it is looked at once in this time. */
const lookEveryMs = 1_000;

export function readinessOf(store: Pick<Upkeep, 'checkWritable'>): Readiness {
  let lookedAt = Number.NEGATIVE_INFINITY;
  let found: Promise<string | null> = Promise.resolve(null);
  return () => {
    if (performance.now() - lookedAt >= lookEveryMs) {
      lookedAt = performance.now();
      found = store.checkWritable().then(
        () => null,
        (reason) => (reason as Error).message,
      );
    }
    return found;
  };
}

/** `/healthz`: the process lives. `/readyz`: pushes are taken. For whoever asks: they tell nothing else. */
export function statusRoutes(readiness: Readiness): Hono {
  const routes = new Hono();
  routes.get('/healthz', (context) => context.json({ status: 'ok' }));

  routes.get('/readyz', async (context) => {
    const reason = await readiness();
    return reason === null
      ? context.json({ status: 'ready' })
      : context.json({ status: 'not ready', reason }, 503);
  });
  return routes;
}
