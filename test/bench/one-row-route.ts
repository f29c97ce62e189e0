/*
 * The least that a durable answer can cost here: the bare route, keeping each body as one row of one table, with the
 * bridge's own group commit. It folds nothing, routes nothing and owes nobody a delivery.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { listen } from '../../src/runtime/serve.ts';
import { openDatabase } from '../../src/runtime/sqlite.ts';
import { CommitQueue } from '../../src/store/sqlite/commit-queue.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-one-row-'));
const database = openDatabase(join(folder, 'bodies.db'));
database.exec(
  'pragma journal_mode=wal; pragma synchronous=full; pragma cache_size=-32000; create table bodies (id integer primary key, body text not null)',
);
rmSync(folder, { recursive: true }); // the open files stay until the process is killed, and go with it
const add = database.prepare('insert into bodies (body) values (?)');
const queue = new CommitQueue(database, undefined);

const app = new Hono();
app.post('/push/:token', async (context) => {
  const text = await context.req.text();
  const push = JSON.parse(text.endsWith(',}') ? `${text.slice(0, -2)}}` : text) as { PLA_Call_Id: string };
  await queue.write(() => add.run(text));
  return context.json({ PLA_Call_Id: push.PLA_Call_Id, success: 'true', error: '' });
});
const { port } = await listen(app, '127.0.0.1', 0, { maxBodyBytes: 262_144, timeoutMs: 30_000 });
console.log(`http://127.0.0.1:${port}/push/`);
