import { html } from 'hono/html';
import { counted } from '../../text/plural.ts';
import type { CallSummary } from '../calls.ts';
import type { Trial } from '../try-it.ts';
import { clockTime, dayName } from './format.ts';
import { csrf, type Frame, type Html, layout } from './layout.ts';
import { isLongList, sourceField } from './source-field.ts';

export interface TrialData {
  sources: readonly string[];
  source: string;
  pushes: string;
  /** Calls whose pushes can be taken. */
  recent: readonly CallSummary[];
  timezone: string;
  outcome: Trial | { problem: string } | undefined;
}

export function tryItPage(frame: Frame, data: TrialData): Html {
  const { sources, source, pushes, recent, timezone, outcome } = data;
  return layout(
    frame,
    'Try it',
    html`<div class="head"><h1>Try it</h1><p>What a push would write under the mapping as it is now. Nothing is stored, and no CRM is asked.</p></div>
<div class="grid wide">
<section class="sheet"><header><h2>A push</h2><p>One or several, as Delacon posts them</p></header>
<form class="stack" method="post" action="/try">${csrf(frame.visitor)}
${isLongList(sources) ? sourceField(source, [...new Set(recent.map((call) => call.source))]) : sources.length > 1 ? html`<label><span>Source</span><select name="source">${sources.map((name) => html`<option${name === source ? ' selected' : ''}>${name}</option>`)}</select></label>` : html`<input type="hidden" name="source" value="${source}">`}
<label><span>JSON; a blank line between two</span><textarea name="pushes" required spellcheck="false" autocomplete="off">${pushes}</textarea></label>
<div class="row"><button class="main">Show what it writes</button><a class="button quiet" href="/try?sample=true">Take the vendor's samples</a></div></form></section>
<section class="sheet"><header><h2>Or take a recent call</h2></header>
${
  frame.visitor.masked
    ? html`<p class="soft">Raw pushes are not shown where numbers are masked.</p>`
    : recent.length === 0
      ? html`<p class="empty">No call was received yet.</p>`
      : html`<ul class="plain">${recent.map(
          (call) =>
            html`<li><a href="/try?call=${encodeURIComponent(`${call.source}/${call.callId}`)}">${call.caller.display}</a> <span class="soft small">${clockTime(call.receivedAt, timezone)}, ${dayName(call.receivedAt, timezone)}, ${call.dealer.name ?? call.callId}</span></li>`,
        )}</ul>`
}</section></div>
${outcome === undefined ? '' : html`<section class="sheet" id="outcome" tabindex="-1"><header><h2>What it writes</h2></header>${'problem' in outcome ? html`<div class="notice bad" role="alert"><p>${outcome.problem}</p></div>` : outcome.calls.map(trialOf)}</section>`}`,
  );
}

function trialOf(call: Trial['calls'][number]): Html {
  return html`<div class="stack"><h3>Call ${call.callId} of ${call.source}</h3>
<details><summary class="small">${counted(call.routing.filter(({ matched }) => matched).length, 'route matches', 'routes match')}</summary><ul class="plain small">${call.routing.map(
    (looked) =>
      html`<li><code>${looked.place}</code> ${looked.matched ? 'matches' : 'does not match'}: ${looked.why}</li>`,
  )}</ul></details>
${call.notes.map((note) => html`<p class="small soft">${note}</p>`)}
${call.connectors.length === 0 ? html`<p>No route takes it: it would be stored and go nowhere.</p>` : ''}
${call.connectors.map(
  ({ connector, type, records }) =>
    html`<div class="stack"><h3>${connector} <span class="tag">${type}</span></h3><div class="grid thirds">${records.map(
      (
        record,
      ) => html`<div class="record"><p><strong>${record.type}</strong>${record.key ? html` <span class="soft small">known by ${record.key.property} = ${record.key.value}</span>` : ''}</p>
<dl class="facts small">${record.properties.map(({ name, value }) => html`<dt><code>${name}</code></dt><dd>${value}</dd>`)}</dl>
${record.notes.map((note) => html`<p class="small soft">${note}</p>`)}</div>`,
    )}</div></div>`,
)}</div>`;
}
