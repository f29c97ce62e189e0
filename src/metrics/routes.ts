import { Hono } from 'hono';
import type { Access } from '../operator/access.ts';
import type { Metrics } from './metrics.ts';

/** `GET /metrics`, for whoever may see the operator page. */
export function metricsRoutes(metrics: Metrics, access: Access): Hono {
  const routes = new Hono();
  routes.get('/metrics', access.guard('json'), async (context) => {
    context.header('content-type', metrics.contentType);
    context.header('cache-control', 'no-store');
    return context.body(await metrics.text());
  });
  return routes;
}
