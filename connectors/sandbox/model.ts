import type { Call } from '../../src/connector/index.ts';
import type { SimpleModel } from '../../src/crm/index.ts';

const statuses: Record<Call['phase'], string> = {
  ringing: 'ringing',
  ended: 'completed',
  lapsed: 'end not received',
};

const touch = (which: 'first' | 'last') => ({
  at: `${which}CallAt`,
  source: `${which}Source`,
  keywords: `${which}Keywords`,
  campaign: `${which}Campaign`,
  landingPage: `${which}LandingPage`,
  gclid: `${which}Gclid`,
});

/** What calls become here, unless the mapping says otherwise. */
export const model: SimpleModel = {
  owner: 'owner',
  touches: { first: touch('first'), last: touch('last') },
  link: 'contact',
  phones: ['phone'],
  completed: { status: 'completed' },
  person: {
    type: 'contact',
    key: 'delacon_caller',
    defaults: ({ call: { caller } }) => ({
      firstname: 'Caller',
      lastname: caller.display,
      phone: caller.number,
      city: caller.city,
      state: caller.state,
    }),
  },
  activity: {
    type: 'call',
    key: 'delacon_call_id',
    defaults: ({ call }, title) => ({
      title,
      status: statuses[call.phase],
      startedAt: call.startedAt,
      endedAt: call.endedAt,
      from: call.caller.number ?? call.caller.display,
      to: call.dialled.number ?? call.dialled.raw,
      answeredBy: call.answeredBy.number ?? call.answeredBy.raw,
      dealer: call.dealer.name,
      result: call.result,
      missed: call.missed,
      durationSeconds: call.durationSeconds,
      voicemail: call.voicemail,
      survey: call.survey.outcome,
      saleAmount: call.survey.saleAmount,
      ivr: call.ivr,
      converted: call.converted,
      engine: call.marketing.engine,
      keywords: call.marketing.keywords,
      landingPage: call.marketing.landingPage,
      gclid: call.marketing.gclid,
      recording: call.recording.url,
    }),
  },
  followUp: {
    type: 'task',
    key: 'delacon_call_id',
    defaults: (_, followUp) => ({ status: 'open', ...followUp }),
  },
  sale: {
    type: 'deal',
    key: 'delacon_call_id',
    defaults: (_, { pipeline, ...sale }) => ({ ...sale, pipeline: pipeline ?? null }),
  },
};
