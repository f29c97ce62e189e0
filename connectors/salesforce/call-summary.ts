import type { Call } from '../../src/connector/contract.ts';
import { cut } from './values.ts';

/** More of one value than this tells a reader nothing; all of them together stay within the Description. */
const longestValue = 1_000;

/** The Task's Description: what Delacon told, in lines that people read. */
export function summary(call: Call): string {
  const { caller, dealer, marketing, survey } = call;
  const place = [caller.exchange, caller.city, caller.state].filter(Boolean).join(', ');
  const lines = [
    line('Status', statusText(call)),
    line('Caller', caller.raw === '' ? null : withNote(caller.display, place)),
    line('Number dialled', call.dialled.display),
    line('Dealer', withNote(dealer.name ?? '', dealer.category)),
    line('Answered by', call.answeredBy.display),
    line('Result', call.resultText),
    line('Duration', call.durationSeconds === null ? null : `${call.durationSeconds} s`),
    line('Voicemail', call.voicemail === null ? null : call.voicemail ? 'left' : 'none'),
    line('Survey', survey.outcome),
    line('Sale amount', survey.saleAmount),
    line('Converted', call.converted),
    line('Menu choice', call.ivr),
    line('Source', [marketing.engine, marketing.type].filter(Boolean).join(' / ')),
    line('Keywords', marketing.keywords),
    line('Referrer', marketing.referrer),
    line('Landing page', marketing.landingPage),
    line('Page called from', marketing.calledFrom),
    line('Extra', call.extra),
    line('Recording', call.recording.playerUrl),
    line('Delacon call', call.id),
  ];
  return lines.filter((text) => text !== '').join('\n');
}

function statusText(call: Call): string {
  if (call.phase === 'ringing') return 'in progress';
  return call.phase === 'lapsed' ? 'end of call not received' : 'ended';
}

function withNote(text: string, note: string | null): string {
  return text !== '' && note ? `${text} (${note})` : text;
}

function line(label: string, value: string | number | null): string {
  return value === null || value === '' ? '' : `${label}: ${cut(String(value), longestValue)}`;
}
