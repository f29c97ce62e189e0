import { type Delivery, type RecordDraft, saleOf, withMapping } from '../../src/connector/index.ts';
import type { HubSpotOptions } from './options.ts';
import { ownProperties } from './setup-names.ts';

/** A stage of a pipeline, by id. */
export interface Place {
  pipeline: string | undefined;
  stage: string;
}

/** The deal of a call that was a sale; undefined for other calls. Without a place: as the configuration names it. */
export function dealDraft(
  options: HubSpotOptions,
  delivery: Delivery,
  place?: Place,
  ownerId: string | null = null,
): RecordDraft | undefined {
  const sale = saleOf(options.sale, delivery);
  if (!sale) return undefined;
  const { pipeline, stage } = place ?? sale;
  const defaults = {
    dealname: sale.name,
    pipeline: pipeline ?? null,
    dealstage: stage,
    amount: sale.amount,
    closedate: sale.closedAt,
    hubspot_owner_id: ownerId,
  };
  return {
    role: 'sale',
    type: 'deal',
    key: { property: ownProperties.deals, value: delivery.key },
    properties: withMapping(defaults, options.sale?.properties ?? {}, delivery),
    notes: [],
  };
}
