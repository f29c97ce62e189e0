import { html } from 'hono/html';
import { count } from '../../counted.ts';
import type { RejectedPushes } from '../rejected.ts';
import { type Frame, type Html, layout, livePart } from './layout.ts';
import { time } from './states.ts';

export function rejectedPage(frame: Frame, { pushes }: RejectedPushes, timezone: string): Html {
  return layout(
    frame,
    'Rejected pushes',
    html`<div class="head"><h1>Rejected pushes</h1><p>What came under a right token and could not be read. It was refused with status 400 and is no call; the last hundred are kept.</p></div>
${livePart(
  frame,
  'rejected',
  html`<section class="sheet">${
    pushes.length === 0
      ? html`<p class="empty">None. Every push could be read.</p>`
      : html`<p class="soft small">${count(pushes.length)} kept, newest first. Times in ${timezone}.</p><div class="scroll"><table class="cards"><thead><tr><th>Received</th><th>Source</th><th>Why</th><th>Body</th></tr></thead><tbody>${pushes.map(
          (
            push,
          ) => html`<tr><td class="nowrap" data-label="Received">${time(push.receivedAt, timezone)}</td><td data-label="Source">${push.source}</td><td class="words" data-label="Why">${push.reason}</td>
<td class="words" data-label="Body">${
            push.body === null
              ? html`<span class="soft">Not shown where numbers are masked.</span>`
              : push.body.trim() === ''
                ? html`<span class="soft">empty</span>`
                : html`<details><summary>Show</summary><pre tabindex="0" aria-label="Body as it came">${push.body}</pre></details>`
          }</td></tr>`,
        )}</tbody></table></div>`
  }</section>`,
)}`,
  );
}
