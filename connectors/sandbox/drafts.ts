import {
  compileTemplate,
  type Delivery,
  followUpOf,
  type Mapping,
  mapFields,
  ownerOf,
  type RecordDraft,
  saleOf,
} from '../../src/connector/index.ts';
import type { SandboxOptions } from './options.ts';

/** What is written unless the mapping says otherwise: CRM property → template. */
const personDefaults = compiled({
  firstname: 'Caller',
  lastname: '{{ call.caller.display }}',
  phone: '{{ call.caller.number }}',
  city: '{{ call.caller.city }}',
  state: '{{ call.caller.state }}',
});

const activityDefaults = compiled({
  status:
    '{% if call.phase == "ringing" %}ringing{% elsif call.phase == "lapsed" %}end not received{% else %}completed{% endif %}',
  startedAt: '{{ call.startedAt }}',
  endedAt: '{{ call.endedAt }}',
  from: '{{ call.caller.number | default: call.caller.display }}',
  to: '{{ call.dialled.number | default: call.dialled.raw }}',
  answeredBy: '{{ call.answeredBy.number | default: call.answeredBy.raw }}',
  dealer: '{{ call.dealer.name }}',
  result: '{{ call.result }}',
  missed: '{{ call.missed }}',
  durationSeconds: '{{ call.durationSeconds }}',
  voicemail: '{{ call.voicemail }}',
  survey: '{{ call.survey.outcome }}',
  saleAmount: '{{ call.survey.saleAmount }}',
  ivr: '{{ call.ivr }}',
  converted: '{{ call.converted }}',
  engine: '{{ call.marketing.engine }}',
  keywords: '{{ call.marketing.keywords }}',
  landingPage: '{{ call.marketing.landingPage }}',
  gclid: '{{ call.marketing.gclid }}',
  recording: '{{ call.recording.url }}',
});

/** The caller's contact. Null where there is nobody to tell from others: withheld, unknown or unreadable numbers. */
export function draftPerson(options: SandboxOptions, { call, source }: Delivery): RecordDraft | null {
  if (call.caller.number === null) return null;
  return {
    role: 'person',
    type: 'contact',
    key: { property: 'delacon_caller', value: call.caller.number },
    properties: mapFields(
      { ...personDefaults, ...options.person.properties },
      { call, timezone: source.timezone },
    ),
    notes: [],
  };
}

export function draftActivity(options: SandboxOptions, delivery: Delivery): RecordDraft {
  const { call, key, source } = delivery;
  const mapping = { title: options.activity.title, ...activityDefaults, ...options.activity.properties };
  return {
    role: 'activity',
    type: 'call',
    key: { property: 'delacon_call_id', value: key },
    properties: { ...mapFields(mapping, { call, timezone: source.timezone }), ...ownedBy(options, delivery) },
    notes: [],
  };
}

export function draftFollowUp(options: SandboxOptions, delivery: Delivery): RecordDraft | null {
  const followUp = followUpOf(options.followUp, delivery);
  if (!followUp) return null;
  const { call, key, source } = delivery;
  const mapped = mapFields(options.followUp?.properties ?? {}, { call, timezone: source.timezone });
  return {
    role: 'followUp',
    type: 'task',
    key: { property: 'delacon_call_id', value: key },
    properties: { status: 'open', ...followUp, ...ownedBy(options, delivery), ...mapped },
    notes: [],
  };
}

export function draftSale(options: SandboxOptions, delivery: Delivery): RecordDraft | null {
  const sale = saleOf(options.sale, delivery);
  if (!sale) return null;
  const { call, key, source } = delivery;
  const { amount, pipeline, ...rest } = sale;
  const mapped = mapFields(options.sale?.properties ?? {}, { call, timezone: source.timezone });
  return {
    role: 'sale',
    type: 'deal',
    key: { property: 'delacon_call_id', value: key },
    properties: {
      ...rest,
      ...(amount === null ? {} : { amount }),
      ...(pipeline === undefined ? {} : { pipeline }),
      ...ownedBy(options, delivery),
      ...mapped,
    },
    notes: [],
  };
}

function ownedBy(options: SandboxOptions, delivery: Delivery): { owner?: string } {
  const owner = ownerOf(options.owner, delivery);
  return owner === null ? {} : { owner };
}

function compiled(templates: Record<string, string>): Mapping {
  return Object.fromEntries(Object.entries(templates).map(([name, text]) => [name, compileTemplate(text)]));
}
