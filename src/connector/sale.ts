import * as z from 'zod';
import { holds } from '../route/condition.ts';
import type { Value } from '../route/template.ts';
import type { Delivery } from './contract.ts';
import { condition, mapping, template } from './options.ts';

export const saleOption = z
  .strictObject({
    when: condition().describe("Which calls are sales: call.survey.outcome == 'Sale'."),
    name: template()
      .prefault('Sale by phone, {{ call.caller.display }}')
      .describe('Name of the deal. Default: "Sale by phone", and the caller.'),
    pipeline: z.string().min(1).optional().describe('Pipeline, by id or label. Not set: the default one.'),
    stage: z.string().min(1).describe('Stage, by id or label.'),
    amount: template()
      .prefault('{{ call.survey.saleAmount }}')
      .describe('Amount of the deal. Default: what the survey says.'),
    properties: mapping().default({}).describe('Further properties: template.'),
  })
  .describe('A deal for each call that was a sale. It is made once, and not changed afterwards.');

export type SaleOptions = z.output<typeof saleOption>;

/** What the configuration says of a call's deal, before the CRM's metadata is asked. */
export interface Sale {
  name: string;
  pipeline: string | undefined;
  stage: string;
  amount: Value;
  closedAt: Date;
}

/** Null while the call is under way, and for a call that is no sale. */
export function saleOf(options: SaleOptions | undefined, { call, source }: Delivery): Sale | null {
  const scope = { call, timezone: source.timezone };
  if (!options || call.phase === 'ringing' || !holds(options.when, scope)) return null;
  return {
    name: String(options.name.render(scope) ?? `Call ${call.id}`),
    pipeline: options.pipeline,
    stage: options.stage,
    amount: options.amount.render(scope),
    closedAt: call.endedAt ?? call.startedAt,
  };
}
