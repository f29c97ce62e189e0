import * as z from 'zod';
import { instant } from './time-range.ts';

export const connectorStates = ['working', 'thrifty', 'blocked', 'paused', 'removed'] as const;

/** How a connector is. */
export const connectorHealth = z.object({
  name: z.string(),
  type: z.string().nullable().describe('Null: it is configured no more, and calls wait for it.'),
  state: z
    .enum(connectorStates)
    .describe(
      'thrifty: few requests are left for the day, so calls are written once, when they are over. blocked: nothing is written until somebody acts on the reason. paused: somebody paused it. removed: the configuration no longer has it.',
    ),
  reason: z.string().nullable().describe('Why it is blocked or paused.'),
  since: instant.nullable().describe('Since when it is blocked or paused.'),
  backlog: z.int().describe('Deliveries that are due, whenever.'),
  oldestDueAt: instant.nullable().describe('Of what is due, the longest so.'),
  failed: z.int().describe('Deliveries that wait for a person.'),
  skipped: z.int(),
  lag: z
    .object({ medianMs: z.number(), p95Ms: z.number() })
    .nullable()
    .describe(
      'From the answer to a push until the CRM has it. Null: nothing was delivered within the range.',
    ),
  quota: z
    .object({ remaining: z.number(), limit: z.number() })
    .nullable()
    .describe('Requests of this day, as the CRM told. Null: it has not told, or the bridge does not run.'),
  lastError: z
    .object({
      at: instant,
      outcome: z.enum(['retry', 'rejected', 'blocked']),
      reason: z.string(),
      source: z.string(),
      callId: z.string(),
    })
    .nullable(),
});
export type ConnectorHealth = z.output<typeof connectorHealth>;

/** What is wrong with a connector's credentials, scopes, fields and mapping. */
export const findings = z.object({
  connector: z.string(),
  findings: z.array(
    z.object({
      level: z.enum(['ok', 'warning', 'problem']),
      subject: z.string(),
      message: z.string(),
      fix: z.string().optional().describe('What to do.'),
    }),
  ),
});
export type Findings = z.output<typeof findings>;

/** What the CRM needs to have. */
export const setupPlan = z.object({
  connector: z.string(),
  steps: z.array(
    z.object({ action: z.enum(['create', 'keep', 'conflict']), subject: z.string(), detail: z.string() }),
  ),
});
export type SetupPlan = z.output<typeof setupPlan>;
