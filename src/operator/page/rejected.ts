import { html } from 'hono/html';
import { count, counted } from '../../text/plural.ts';
import type { RejectedPush, RejectedPushes } from '../rejected.ts';
import { csrf, type Frame, type Html, layout, livePart } from './layout.ts';
import { time } from './states.ts';

export interface RejectedData {
  /** Without a body: the latest. */
  refused: RejectedPushes;
  /** Whose body is kept: a page of them. */
  kept: RejectedPushes;
  /** All that are kept. */
  bodies: number;
  timezone: string;
}

export function rejectedPage(frame: Frame, { refused, kept, bodies, timezone }: RejectedData): Html {
  return layout(
    frame,
    'Rejected pushes',
    html`<div class="head"><h1>Rejected pushes</h1><p>What came to a push URL and was not taken. It is no call, and Delacon is not known to send it again.</p></div>
${livePart(
  frame,
  'rejected',
  html`<section class="sheet"><header><h2>Refused</h2></header>${
    refused.pushes.length === 0
      ? html`<p class="empty">None.</p>`
      : html`<p class="soft small">The latest first. Times in ${timezone}.</p><div class="scroll"><table class="cards"><thead><tr><th>Last came</th><th>Source</th><th>What came, and what to do</th><th>From</th></tr></thead><tbody>${refused.pushes.map(
          (push) => html`<tr><td class="nowrap" data-label="Last came">${time(push.lastAt, timezone)}</td>
<td data-label="Source">${sourceOf(push)}</td>
<td class="words" data-label="What">${push.told}.<span class="second">${push.mend}</span></td>
<td data-label="From">${push.sender ?? ''}</td></tr>`,
        )}</tbody></table></div>${refused.next === null ? '' : html`<p class="small">Older ones: <a href="/api/rejected?kept=false">as JSON</a>.</p>`}`
  }</section>
<section class="sheet"><header><h2>Could not be read</h2>${
    bodies > 0 && frame.visitor.role === 'operator'
      ? html`<form method="post" action="/rejected/replay">${csrf(frame.visitor)}<button class="small">Read all again</button></form>`
      : ''
  }</header>${
    kept.pushes.length === 0
      ? html`<p class="empty">None is kept.</p>`
      : html`<p class="soft small">${count(bodies)} kept whole, the latest first. After an update that can read them they become calls, as of when they came: read them again.</p><div class="scroll"><table class="cards"><thead><tr><th>Last came</th><th>Source</th><th>Why</th><th>Body</th></tr></thead><tbody>${kept.pushes.map(
          (push) =>
            html`<tr><td class="nowrap" data-label="Last came">${time(push.lastAt, timezone)}${
              push.count > 1
                ? html`<span class="second">${counted(push.count, 'time', 'times')} since ${time(push.firstAt, timezone)}</span>`
                : ''
            }</td><td data-label="Source">${sourceOf(push)}</td><td class="words" data-label="Why">${push.reason}</td>
<td class="words" data-label="Body">${bodyOf(push)}</td></tr>`,
        )}</tbody></table></div>${kept.next === null ? '' : html`<p class="small"><a href="/rejected?after=${kept.next}">Older ones</a></p>`}`
  }</section>`,
  'stack-wide',
)}`,
  );
}

function sourceOf({ source, isConfigured }: RejectedPush): Html {
  if (source === null) return html`<span class="soft">none of ours</span>`;
  return isConfigured
    ? html`${source}`
    : html`${source}<span class="second">Configured no more: configure it again to read this.</span>`;
}

function bodyOf({ id, text, bytes }: RejectedPush): Html {
  if (text === null) return html`<span class="soft">Not shown where numbers are masked.</span>`;
  if (text.trim() === '') return html`<span class="soft">empty</span>`;
  return html`<details><summary>Show</summary><pre tabindex="0" aria-label="Body as it came">${text}</pre><p class="small"><a href="/rejected/${id}/body">Whole body: ${counted(bytes ?? 0, 'byte')}</a></p></details>`;
}
