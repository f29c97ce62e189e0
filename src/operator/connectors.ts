import * as z from 'zod';
import type { Settings } from '../config/settings.ts';
import type { ConnectorState, ConnectorStates } from '../store/connector-state.ts';
import type { Deliveries } from '../store/deliveries.ts';
import { instant } from './time-range.ts';

export const connectorStates = ['working', 'thrifty', 'open', 'blocked', 'paused', 'removed'] as const;

/** How a connector is. */
export const connectorHealth = z.object({
  name: z.string(),
  type: z.string().nullable().describe('Null: it is configured no more, and calls wait for it.'),
  state: z
    .enum(connectorStates)
    .describe(
      'thrifty: few requests are left for the day, so calls are written once, when they are over. open: the CRM does not answer, or asks to wait; calls wait, and one is tried now and then. blocked: nothing is written until somebody acts on the reason. paused: somebody paused it. removed: the configuration no longer has it.',
    ),
  reason: z.string().nullable().describe('Why it is open, blocked or paused.'),
  since: instant.nullable().describe('Since when it is open, blocked or paused.'),
  nextTryAt: instant
    .nullable()
    .describe(
      'When an open or blocked one is tried next; in the past: at once. Null: it works, or is paused.',
    ),
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
      account: z
        .string()
        .optional()
        .describe("Which account of the CRM it was found to be, by the CRM's own id."),
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

/** What only the bridge that runs it knows of a connector. */
export interface Running {
  quota: { remaining: number; limit: number } | null;
  isThrifty: boolean;
}

export async function healthOf(
  store: Pick<Deliveries, 'openDeliveries'> & Pick<ConnectorStates, 'connectorStates'>,
  settings: Settings,
  running: (connector: string) => Running | undefined,
  lag: (connector: string) => ConnectorHealth['lag'],
): Promise<ConnectorHealth[]> {
  const [open, states] = await Promise.all([store.openDeliveries(), store.connectorStates()]);
  const configured = Object.keys(settings.connectors);
  const waiting = open.filter(({ due, failed }) => due + failed > 0).map(({ connector }) => connector);
  const names = [...configured, ...waiting.filter((name) => !configured.includes(name))];
  return names.map((name) => {
    const state = states.find(({ connector }) => connector === name);
    const tally = open.find(({ connector }) => connector === name);
    const live = running(name);
    return {
      name,
      type: settings.connectors[name]?.type ?? null,
      ...presentState(configured.includes(name), state, live),
      backlog: tally?.due ?? 0,
      oldestDueAt: tally?.oldestDueAt?.toISOString() ?? null,
      failed: tally?.failed ?? 0,
      skipped: tally?.skipped ?? 0,
      lag: lag(name),
      quota: live?.quota ?? null,
      lastError: state?.lastError ? { ...state.lastError, at: state.lastError.at.toISOString() } : null,
    };
  });
}

function presentState(
  isConfigured: boolean,
  state: ConnectorState | undefined,
  live: Running | undefined,
): Pick<ConnectorHealth, 'state' | 'reason' | 'since' | 'nextTryAt'> {
  const nextTryAt = state?.probeAt?.toISOString() ?? null;
  if (!isConfigured) return { state: 'removed', reason: null, since: null, nextTryAt: null };
  if (state?.paused) {
    const { reason, since } = state.paused;
    return { state: 'paused', reason, since: since.toISOString(), nextTryAt: null };
  }
  if (state?.blockedReason)
    return { state: 'blocked', reason: state.blockedReason, since: state.since.toISOString(), nextTryAt };
  if (state?.openReason)
    return { state: 'open', reason: state.openReason, since: state.since.toISOString(), nextTryAt };
  return { state: live?.isThrifty ? 'thrifty' : 'working', reason: null, since: null, nextTryAt: null };
}
