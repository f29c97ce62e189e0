import { type Delivery, ownerOf, type RecordDraft, saleOf, withMapping } from '../../src/connector/index.ts';
import type { HubSpotOptions } from './options.ts';
import { ownProperties } from './setup-names.ts';

/** The deal of a call that was a sale; undefined for other calls. Its stage is as the configuration names it. */
export function dealDraft(options: HubSpotOptions, delivery: Delivery): RecordDraft | undefined {
  const sale = saleOf(options.sale, delivery);
  if (!sale) return undefined;
  const { pipeline, stage } = sale;
  const defaults = {
    dealname: sale.name,
    pipeline: pipeline ?? null,
    dealstage: stage,
    amount: sale.amount,
    closedate: sale.closedAt,
    hubspot_owner_id: ownerOf(options.owner, delivery),
  };
  return {
    role: 'sale',
    type: 'deal',
    key: { property: ownProperties.deals, value: delivery.key },
    properties: withMapping(defaults, options.sale?.properties ?? {}, delivery),
    notes: [],
  };
}
