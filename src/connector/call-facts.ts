import type { Call } from '../call/call.ts';

/** Something that is known of a call, for people to read. */
export interface Fact {
  label: string;
  text: string;
  /** Where it is to be had, instead of a text. */
  url?: string;
}

/** What Delacon told of a call, in the order in which people want it. What is not known is left out. */
export function factsOf(call: Call): Fact[] {
  const { caller, dealer, marketing, survey, recording } = call;
  const place = [caller.exchange, caller.city, caller.state].filter(Boolean).join(', ');
  const known: [label: string, value: string | number | null][] = [
    ['Status', statusText(call)],
    ['Caller', caller.raw === '' ? null : withNote(caller.display, place)],
    ['Number dialled', call.dialled.display],
    ['Dealer', withNote(dealer.name ?? '', dealer.category)],
    ['Answered by', call.answeredBy.display],
    ['Result', call.resultText],
    ['Duration', call.durationSeconds === null ? null : `${call.durationSeconds} s`],
    ['Voicemail', call.voicemail === null ? null : call.voicemail ? 'left' : 'none'],
    ['Survey', survey.outcome],
    ['Sale amount', survey.saleAmount],
    ['Converted', call.converted],
    ['Menu choice', call.ivr],
    ['Source', [marketing.engine, marketing.type].filter(Boolean).join(' / ')],
    ['Keywords', marketing.keywords],
    ['Referrer', marketing.referrer],
    ['Landing page', marketing.landingPage],
    ['Page called from', marketing.calledFrom],
    ['Extra', call.extra],
    ['Recording', recording.url], // as sent: people click it, and no player plays it
    ['Delacon call', call.id],
  ];
  return known.flatMap(([label, value]) => {
    if (value === null || value === '') return [];
    return { label, text: String(value), ...(label === 'Recording' ? { url: String(value) } : {}) };
  });
}

function statusText(call: Call): string {
  if (call.phase === 'ringing') return 'in progress';
  return call.phase === 'lapsed' ? 'end of call not received' : 'ended';
}

function withNote(text: string, note: string | null): string {
  return text !== '' && note ? `${text} (${note})` : text;
}
