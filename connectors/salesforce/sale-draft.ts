import {
  type Delivery,
  localDate,
  ownerOf,
  type RecordDraft,
  saleOf,
  withMapping,
} from '../../src/connector/index.ts';
import { textSummary } from '../../src/crm/index.ts';
import type { SalesforceOptions } from './options.ts';
import { longestDescription, ownFields } from './setup-names.ts';

/** The Opportunity of a sale, as far as the call says it; undefined for a call that is none. */
export function saleDraft(options: SalesforceOptions, delivery: Delivery): RecordDraft | undefined {
  const sale = saleOf(options.sale, delivery);
  if (!sale) return undefined;
  const defaults = {
    Name: sale.name,
    StageName: sale.stage,
    CloseDate: localDate(sale.closedAt, delivery.source.timezone),
    Amount: sale.amount,
    RecordTypeId: sale.pipeline ?? null,
    Description: textSummary(delivery, longestDescription),
    OwnerId: ownerOf(options.owner, delivery),
  };
  return {
    role: 'sale',
    type: 'opportunity',
    key: { property: ownFields.Opportunity, value: delivery.key },
    properties: withMapping(defaults, options.sale?.properties ?? {}, delivery),
    notes: [],
  };
}
