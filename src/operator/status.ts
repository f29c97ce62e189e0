import { type Context, Hono } from 'hono';
import { html } from 'hono/html';
import type { Settings } from '../config/settings.ts';
import { isLoopback } from '../connector/options.ts';
import { plainAddress } from '../receive/addresses.ts';
import type { Store } from '../store/store.ts';

export interface StatusOptions {
  store: Store;
  settings(): Settings;
  peer(context: Context): string;
}

/** `/healthz`, `/readyz`, and a plain status page that answers on this machine only. */
export function statusRoutes({ store, settings, peer }: StatusOptions): Hono {
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

  routes.get('/', async (context) => {
    // A proxy on this machine speaks for anybody, so a forwarded request is not a local one.
    const local =
      isLoopback(plainAddress(peer(context))) && context.req.header('x-forwarded-for') === undefined;
    if (!local) return context.json({ error: 'This page answers on the machine of the bridge only.' }, 403);
    context.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
    return context.html(await statusPage(store, settings()));
  });
  return routes;
}

async function statusPage(store: Store, settings: Settings) {
  const [counts, states, calls] = await Promise.all([
    store.countDeliveries(),
    store.connectorStates(),
    store.calls({ limit: 20 }),
  ]);
  const countOf = (connector: string, state: string) =>
    counts.find((count) => count.connector === connector && count.state === state)?.count ?? 0;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>delacon-bridge</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884 }
</style>
</head>
<body>
<h1>delacon-bridge</h1>
<h2>Connectors</h2>
<table><tr><th>Connector</th><th>State</th><th>In the CRM</th><th>Waiting</th><th>Failed</th></tr>
${Object.keys(settings.connectors).map((name) => {
  const blocked = states.find((state) => state.connector === name)?.blockedReason;
  return html`<tr><td>${name}</td><td>${blocked ? `blocked: ${blocked}` : 'working'}</td>
<td>${countOf(name, 'delivered')}</td><td>${countOf(name, 'due')}</td><td>${countOf(name, 'failed')}</td></tr>`;
})}
</table>
<h2>Latest calls</h2>
<table><tr><th>Received</th><th>Call</th><th>Source</th><th>Delivered</th></tr>
${calls.map(
  (
    call,
  ) => html`<tr><td>${call.state.firstReceivedAt.toISOString()}</td><td>${call.state.callId}</td><td>${call.state.source}</td>
<td>${call.deliveries.map((delivery) => `${delivery.connector}: ${delivery.state}`).join(', ') || 'no route takes it'}</td></tr>`,
)}
</table>
<p>More of a call: <code>npm run bridge -- explain &lt;call id&gt;</code></p>
</body>
</html>`;
}
