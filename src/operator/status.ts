import { Hono } from 'hono';
import type { Store } from '../store/store.ts';

/** `/healthz`: the process lives. `/readyz`: the store takes writes. For whoever asks: they tell nothing else. */
export function statusRoutes(store: Pick<Store, 'checkWritable'>): Hono {
  const routes = new Hono();
  routes.get('/healthz', (context) => context.json({ status: 'ok' }));

  routes.get('/readyz', async (context) => {
    try {
      await store.checkWritable();
      return context.json({ status: 'ready' });
    } catch (reason) {
      return context.json({ status: 'not ready', reason: (reason as Error).message }, 503);
    }
  });
  return routes;
}
