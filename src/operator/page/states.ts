import { html } from 'hono/html';
import { isVoicemail } from '../../call/call.ts';
import { talkTime } from '../../text/talk-time.ts';
import type { CallSummary } from '../calls.ts';
import type { ConnectorHealth } from '../connectors.ts';
import { fullTime } from './format.ts';
import type { Html } from './layout.ts';

/** The words for states, the same on every page. Colour only helps to find them. */

const deliveryWords = {
  delivered: ['good', 'In CRM'],
  due: ['wait', 'Waiting'],
  failed: ['bad', 'Failed'],
  skipped: ['', 'Skipped'],
} as const;

type DeliveryState = keyof typeof deliveryWords;

export const deliveryStateNames = Object.entries(deliveryWords).map(
  ([state, [, word]]) => [state, word] as const,
);

export function deliveryState(state: DeliveryState): Html {
  const [level, word] = deliveryWords[state];
  return html`<span class="state ${level}">${word}</span>`;
}

const connectorWords = {
  working: ['good', 'Working'],
  thrifty: ['wait', 'Saving requests'],
  open: ['wait', 'Does not get through'],
  blocked: ['bad', 'Blocked'],
  paused: ['wait', 'Paused'],
  removed: ['', 'No longer configured'],
} as const;

export function connectorState(state: ConnectorHealth['state']): Html {
  const [level, word] = connectorWords[state];
  return html`<span class="state ${level}">${word}</span>`;
}

export const resultWords = {
  answered: 'Answered',
  unanswered: 'Unanswered',
  busy: 'Busy',
  other: 'Other',
} as const;

/** What came of a call: `Answered 1:20`, `Missed, busy`, `Ringing`. */
export function result(
  call: Pick<CallSummary, 'phase' | 'result' | 'resultText' | 'missed' | 'voicemail' | 'durationSeconds'>,
): Html {
  if (call.phase === 'ringing') return html`<span class="state wait">Ringing</span>`;
  if (call.phase === 'lapsed') return html`<span class="soft">End not received</span>`;
  const lasted = call.durationSeconds ? ` ${talkTime(call.durationSeconds)}` : '';
  if (isVoicemail(call)) return html`<span class="tag wait">Voicemail</span>${lasted}`;
  const word =
    call.result === null
      ? 'Ended'
      : call.result === 'other'
        ? (call.resultText ?? 'Other')
        : resultWords[call.result];
  return call.missed ? html`<span class="tag wait">Missed</span> ${word}` : html`${word}${lasted}`;
}

/** An instant as people read it, and as machines do. */
export function time(instant: string, timezone: string, text = fullTime(instant, timezone)): Html {
  return html`<time datetime="${instant}">${text}</time>`;
}

export function callPath(call: { source: string; callId: string }): string {
  return `/calls/${encodeURIComponent(call.source)}/${encodeURIComponent(call.callId)}`;
}
