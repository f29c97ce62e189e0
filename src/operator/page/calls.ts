import { html } from 'hono/html';
import { ownCommand } from '../../text/own-command.ts';
import type { CallSummary, CallsPage } from '../calls.ts';
import { clockTime, dayName } from './format.ts';
import { type Frame, type Html, indexNotice, layout, livePart } from './layout.ts';
import { isLongList, sourceField } from './source-field.ts';
import { callPath, deliveryState, deliveryStateNames, result, resultWords, time } from './states.ts';

/** As the form sends them, and as they stand in the address. */
export interface CallsFilters {
  search: string;
  source: string;
  connector: string;
  state: string;
  result: string;
  missed: string;
  /** Days: `2026-11-26`. */
  from: string;
  to: string;
}

export interface CallsData {
  filters: CallsFilters;
  page: CallsPage;
  /** The filters as the API wants them: days are instants there. */
  selection: string;
  /** Not the newest: a page further on. */
  isLater: boolean;
  sources: readonly string[];
  connectors: readonly string[];
  timezone: string;
  /** Why the filters could not be used. */
  problem: string | undefined;
}

export function callsPage(frame: Frame, data: CallsData): Html {
  const { filters, page, sources, connectors, timezone } = data;
  const asked = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== '')).toString();
  const isFiltered = asked !== '';
  const list = html`${data.problem ? html`<div class="notice bad" role="alert"><p>${data.problem}</p></div>` : ''}
${indexNotice(page.index)}
<section class="sheet"><header><h2>${data.isLater ? 'Earlier calls' : isFiltered ? 'Calls that match' : 'Newest first'}</h2><p class="row">${frame.visitor.masked ? html`<span>Numbers are masked.</span>` : ''}<a href="/api/calls.csv?${data.selection}" download="calls.csv">Download as CSV</a></p></header>
${
  page.calls.length === 0
    ? html`<p class="empty">${isFiltered ? html`No call matches. <a href="/calls">Show all calls</a>` : html`No call was received yet. <a href="/set-up-delacon">Set up Delacon</a>, or send a sample: <code>${ownCommand('send')}</code>`}</p>`
    : callsTable(page.calls, timezone)
}
<p class="row">${data.isLater ? html`<a class="button" href="/calls?${asked}">Back to the newest</a>` : ''}${page.next ? html`<a class="button" href="/calls?${asked ? `${asked}&` : ''}after=${encodeURIComponent(page.next)}">Earlier calls</a>` : page.calls.length > 0 ? html`<span class="soft small">These are the earliest.</span>` : ''}</p>
</section>`;
  return layout(
    frame,
    'Calls',
    html`<div class="head"><h1>Calls</h1><p>Days and times are those of ${timezone}.</p></div>
<form class="sheet" method="get" action="/calls" role="search" aria-label="Calls" hx-get="/calls" hx-select="#calls" hx-target="#calls" hx-swap="outerHTML" hx-push-url="true" hx-trigger="submit, change, input from:#search delay:350ms" hx-sync="this:replace">
<div class="filters">
<label class="search"><span>Search</span><input id="search" type="search" name="search" value="${filters.search}" placeholder="${frame.visitor.masked ? 'Call id, dealer, keyword …' : 'Number, call id, dealer, keyword …'}" autocomplete="off" maxlength="200"></label>
${select('Result', 'result', filters.result, Object.entries(resultWords))}
${select('Missed', 'missed', filters.missed, [
  ['true', 'Missed'],
  ['false', 'Not missed'],
])}
${select('State', 'state', filters.state, [...deliveryStateNames, ['unrouted', 'Without a route']])}
${
  connectors.length > 1 || filters.connector
    ? select(
        'Connector',
        'connector',
        filters.connector,
        connectors.map((name) => [name, name]),
      )
    : ''
}
${
  isLongList(sources)
    ? sourceField(filters.source, [...new Set(page.calls.map(({ source }) => source))])
    : sources.length > 1 || filters.source
      ? select(
          'Source',
          'source',
          filters.source,
          sources.map((name) => [name, name]),
        )
      : ''
}
<label><span>From</span><input type="date" name="from" value="${filters.from}"></label>
<label><span>To</span><input type="date" name="to" value="${filters.to}"></label>
<div class="ends"><button class="main">Show</button><a class="button quiet" href="/calls">Clear</a></div>
</div></form>
${data.isLater ? html`<div id="calls" class="stack-wide">${list}</div>` : livePart(frame, 'calls', list, 'stack-wide')}`,
  );
}

function select(
  label: string,
  name: string,
  chosen: string,
  options: readonly (readonly [string, string])[],
): Html {
  return html`<label><span>${label}</span><select name="${name}"><option value="">All</option>${options.map(
    ([value, words]) =>
      html`<option value="${value}"${value === chosen ? ' selected' : ''}>${words}</option>`,
  )}</select></label>`;
}

export function callsTable(calls: readonly CallSummary[], timezone: string): Html {
  if (calls.length === 0) return html`<p class="empty">No call yet.</p>`;
  const fewConnectors =
    new Set(calls.flatMap(({ deliveries }) => deliveries.map(({ connector }) => connector))).size < 2;
  return html`<div class="scroll"><table class="list">
<thead><tr><th>Received</th><th>Caller</th><th>To</th><th>Result</th><th>Found by</th><th>CRM</th></tr></thead>
<tbody>${calls.map((call) => row(call, timezone, fewConnectors))}</tbody></table></div>`;
}

function row(call: CallSummary, timezone: string, fewConnectors: boolean): Html {
  const foundBy = [call.engine, call.keywords].filter(Boolean).join(': ');
  return html`<tr id="call-${call.source}-${encodeURIComponent(call.callId)}">
<td><div>${time(call.receivedAt, timezone, clockTime(call.receivedAt, timezone))}<span class="second">${dayName(call.receivedAt, timezone)}</span></div></td>
<td><div><a class="to" href="${callPath(call)}">${call.caller.display}</a><span class="second">${call.callId}</span></div></td>
<td><div>${call.dealer.name ?? call.dialled.display}<span class="second">${call.dealer.name ? call.dialled.display : ''}</span></div></td>
<td><div>${result(call)}</div></td>
<td class="${foundBy ? '' : 'blank'}">${foundBy || html`<span class="soft">–</span>`}</td>
<td><div>${call.deliveries.length === 0 ? html`<span class="soft">No route takes it</span>` : ''}${call.deliveries.map(
    ({ connector, state, reason }) =>
      html`<div>${deliveryState(state)}${fewConnectors ? '' : html` <span class="soft small">${connector}</span>`}${reason && state !== 'delivered' ? html`<span class="second">${shortened(reason)}</span>` : ''}</div>`,
  )}</div></td>
</tr>`;
}

/** The whole is on the call's own page. */
function shortened(reason: string): string {
  return reason.length > 90 ? `${reason.slice(0, 88).trimEnd()} …` : reason;
}
