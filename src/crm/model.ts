import type { Call } from '../call/call.ts';
import type { RecordRole } from '../call/records.ts';
import type { Delivery, RecordDraft } from '../connector/contract.ts';
import { followUpOf } from '../connector/follow-up.ts';
import { ownerOf } from '../connector/owner.ts';
import { type Sale, saleOf } from '../connector/sale.ts';
import { type Values, withMapping } from '../connector/values.ts';
import type { Mapping } from '../route/map-fields.ts';
import { compileTemplate } from '../route/template.ts';
import { type TouchFields, touchesOfNew } from './attribution.ts';
import { sampleCalls } from './mapped-fields.ts';
import type { CrmOptions } from './options.ts';
import { defaultTitle } from './summary.ts';
import type { Drafts } from './work.ts';

/** What is written unless the mapping says otherwise; null and "": nothing. */
type Defaults = Record<string, Values[string] | null>;

/** Records of one role, as a CRM calls them. */
export interface RecordModel<Of extends unknown[] = []> {
  type: string;
  /** The field that has its key. */
  key: string;
  /** Besides its owner. */
  defaults(delivery: Delivery, ...of: Of): Defaults;
  /** What of it people should know before it is written. */
  notes?(delivery: Delivery): string[];
  /** Whether it is given to its owner now. Undefined: always. */
  isOwned?(delivery: Delivery): boolean;
}

const usualTitle = compileTemplate(defaultTitle);

/** What calls become in a CRM, as far as its names for it go. */
export interface CrmModel {
  /** Where records say whose they are. */
  owner: string;
  /** Undefined: this CRM has no fields for touches. */
  touches?: TouchFields;
  person: RecordModel;
  /** With its title. */
  activity: RecordModel<[string]>;
  followUp: RecordModel<[{ subject: string; dueAt: Date }]>;
  sale: RecordModel<[Sale]>;
}

/** The drafts of a model under these settings. */
export function draftsFrom(model: CrmModel, options: CrmOptions): Drafts {
  const { owner, touches } = model;
  const draft = (
    role: RecordRole,
    key: string,
    defaults: Defaults,
    mapping: Mapping | undefined,
    delivery: Delivery,
  ): RecordDraft => {
    const { type, key: property, notes, isOwned } = model[role];
    const owned = { ...defaults, [owner]: ownerOf(options.owner, delivery) };
    const { [owner]: own, ...others } = withMapping(owned, mapping ?? {}, delivery);
    const isGiven = own !== undefined && isOwned?.(delivery) !== false;
    return {
      role,
      type,
      key: { property, value: key },
      properties: isGiven ? { ...others, [owner]: own } : others,
      notes: notes?.(delivery) ?? [],
    };
  };
  return {
    person(delivery, calls) {
      const { number } = delivery.call.caller;
      const { create, properties } = options.person;
      if (number === null || create === false) return undefined; // nobody who could be told from others
      const touched = touches && options.attribution ? touchesOfNew(touches, calls) : {};
      const defaults = { ...touched, ...model.person.defaults(delivery) };
      return draft('person', number, defaults, properties, delivery);
    },
    activity(delivery) {
      const { isWritten, title, properties } = options.activity;
      if (!isWritten) return undefined;
      const { call, source } = delivery;
      const named = (title ?? usualTitle).render({ call, timezone: source.timezone });
      const defaults = model.activity.defaults(delivery, String(named ?? `Call ${call.id}`));
      return draft('activity', delivery.key, defaults, properties, delivery);
    },
    followUp(delivery) {
      const followUp = followUpOf(options.followUp, delivery);
      if (!followUp) return undefined;
      const defaults = model.followUp.defaults(delivery, followUp);
      return draft('followUp', delivery.key, defaults, options.followUp?.properties, delivery);
    },
    sale(delivery) {
      const sale = saleOf(options.sale, delivery);
      if (!sale) return undefined;
      const defaults = model.sale.defaults(delivery, sale);
      return draft('sale', delivery.key, defaults, options.sale?.properties, delivery);
    },
  };
}

/** The fields that are written without being asked for, besides owners, touches and keys. */
export function unaskedFields({ person, activity, followUp, sale }: CrmModel): Record<RecordRole, string[]> {
  const at = new Date(0);
  const delivery: Delivery = {
    key: '',
    call: sampleCalls[0] as Call,
    source: { name: '', region: 'AU', timezone: 'UTC' },
    revision: 1,
    attempt: 1,
    urgency: 'live',
    records: {},
  };
  return {
    person: Object.keys(person.defaults(delivery)),
    activity: Object.keys(activity.defaults(delivery, '')),
    followUp: Object.keys(followUp.defaults(delivery, { subject: '', dueAt: at })),
    sale: Object.keys(
      sale.defaults(delivery, { name: '', stage: '', pipeline: '', amount: 0, closedAt: at }),
    ),
  };
}
