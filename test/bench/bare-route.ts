/* What the bridge is measured against: a Hono route that parses, gives the same answer, and stores nothing. */
import { Hono } from 'hono';
import { listen } from '../../src/runtime/serve.ts';

const app = new Hono();
app.post('/push/:token', async (context) => {
  const text = await context.req.text();
  const push = JSON.parse(text.endsWith(',}') ? `${text.slice(0, -2)}}` : text) as { PLA_Call_Id: string };
  return context.json({ PLA_Call_Id: push.PLA_Call_Id, success: 'true', error: '' });
});
const { port } = await listen(app, '127.0.0.1', 0, { maxBodyBytes: 262_144, timeoutMs: 30_000 });
console.log(`http://127.0.0.1:${port}/push/`);
