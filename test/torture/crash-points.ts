/*
 * Loaded before the bridge (`node --import`, `bun --preload`). Counts the steps at which a process may die between two
 * things that should be one: before and after each write to the store, each transaction's begin and commit, each request
 * to a CRM. At the step that CRASH_AT names, the process kills itself as a power cut would: no handler runs.
 */

import { subscribe } from 'node:diagnostics_channel';
import { DatabaseSync, StatementSync } from 'node:sqlite';

const crashAt = Number(process.env['CRASH_AT'] ?? 0);
let steps = 0;

function step(): void {
  if (++steps === crashAt) process.kill(process.pid, 'SIGKILL');
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

function around(prototype: object, name: string, counts: (args: unknown[]) => boolean = () => true): void {
  const method = Reflect.get(prototype, name) as Method;
  Reflect.set(prototype, name, function (this: unknown, ...args: unknown[]) {
    if (!counts(args)) return method.apply(this, args);
    step();
    const result = method.apply(this, args);
    step();
    return result;
  });
}

if (crashAt > 0) {
  around(DatabaseSync.prototype, 'exec', ([sql]) => !String(sql).startsWith('pragma application_id'));
  around(StatementSync.prototype, 'run');
  if (process.versions['bun'] === undefined) {
    for (const moment of ['undici:request:create', 'undici:request:headers']) subscribe(moment, step);
  } else {
    const { fetch } = globalThis;
    globalThis.fetch = Object.assign(async (...args: Parameters<typeof fetch>) => {
      step();
      const answer = await fetch(...args);
      step();
      return answer;
    }, fetch);
  }
}
