/* A connector that never finishes: what it is given waits in the store, as behind a CRM that is down. */
import * as z from 'zod';
import { defineConnector } from '../../src/connector/index.ts';

export default defineConnector({
  type: 'idle',
  options: z.strictObject({}),
  draft: () => [],
  open: () => ({
    limits: { batch: 1, parallel: 1 },
    deliver: (batch, signal) =>
      new Promise((resolve) => {
        const reason = 'The bench is over.';
        signal.addEventListener('abort', () => resolve(batch.map(() => ({ kind: 'retry', reason }))));
      }),
    check: async () => [],
    plan: async () => [],
    apply: async () => {},
    link: () => undefined,
    close: async () => {},
  }),
});
