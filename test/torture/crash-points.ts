/*
 * Loaded before the bridge (`node --import`, `bun --preload`). Counts the steps at which a process may die between two
 * things that should be one: those of the store, and before and after each request to a CRM. At the step that CRASH_AT
 * names, the process kills itself as a power cut would: no handler runs.
 */

import { subscribe } from 'node:diagnostics_channel';
import { atStoreSteps } from '../support/store-steps.ts';

const crashAt = Number(process.env['CRASH_AT'] ?? 0);
let steps = 0;

function step(): void {
  if (++steps === crashAt) process.kill(process.pid, 'SIGKILL');
}

if (crashAt > 0) {
  atStoreSteps(step);
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
