import { html } from 'hono/html';
import { count, counted } from '../../text/plural.ts';
import type { CallSummary, CallsPage } from '../calls.ts';
import type { ConnectorHealth } from '../connectors.ts';
import type { Overview } from '../overview.ts';
import { callsTable } from './calls.ts';
import { dayName, hourOf, span } from './format.ts';
import { csrf, type Frame, type Html, indexNotice, layout, livePart } from './layout.ts';
import { callPath, connectorState, time } from './states.ts';

export const overviewPeriods = {
  today: 'Today',
  yesterday: 'Yesterday',
  '7d': '7 days',
  '30d': '30 days',
} as const;
export type OverviewPeriod = keyof typeof overviewPeriods;

export interface OverviewData {
  period: OverviewPeriod;
  /** First and last day of the period, as `2026-11-26`. */
  days: { from: string; to: string };
  overview: Overview;
  latest: CallsPage;
  /** The latest that failed, whenever they were received. */
  failed: CallsPage;
}

export function overviewPage(frame: Frame, data: OverviewData): Html {
  const { period, overview } = data;
  return layout(
    frame,
    'Overview',
    html`<div class="head"><h1>Overview</h1>
<nav class="end" aria-label="Period">${Object.entries(overviewPeriods).map(
      ([name, words]) =>
        html`<a class="button small${name === period ? ' main' : ''}" href="${name === 'today' ? '/' : `/?period=${name}`}"${name === period ? html` aria-current="true"` : ''}>${words}</a>`,
    )}</nav></div>
${livePart(
  frame,
  'overview',
  html`${overview.refusing === null ? '' : html`<div class="notice bad"><p>Pushes are refused: ${overview.refusing}</p></div>`}
${indexNotice(overview.index)}
${tiles(data)}
${needsYou(frame, data)}
<div class="grid wide even">
${callsByTime(overview, period)}
${lagOverTime(overview)}
</div>
${connectors(overview.connectors)}
<div class="grid thirds">
${ranking('Sources', 'Source', overview.top.sources, 'Whose calls they were.')}
${ranking('Keywords', 'Keyword', overview.top.keywords, 'Where the visitor searched for something.')}
${ranking('Dealers', 'Dealer', overview.top.dealers, 'Who was called.')}
</div>
<section class="sheet"><header><h2>Latest calls</h2><p><a href="/calls">All calls</a></p></header>
${callsTable(data.latest.calls, overview.timezone)}</section>`,
  'stack-wide',
)}`,
    { charts: true },
  );
}

function tiles({ overview, days, period }: OverviewData): Html {
  const { calls } = overview;
  const list = (more: string) => `/calls?from=${days.from}&to=${days.to}${more}`;
  const when =
    period === 'today' ? 'today' : period === 'yesterday' ? 'yesterday' : `in ${overviewPeriods[period]}`;
  const left = [
    calls.skipped > 0 ? counted(calls.skipped, 'skipped', 'skipped') : '',
    calls.unrouted > 0 ? `${count(calls.unrouted)} without a route` : '',
  ].filter(Boolean);
  return html`<div class="tiles">
<a class="tile" href="${list('')}"><span class="label">Received ${when}</span><span class="value">${count(calls.received)}</span><span class="note">${calls.missed > 0 ? `${count(calls.missed)} missed` : 'none missed'}</span></a>
<a class="tile" href="${list('&state=delivered')}"><span class="label">In CRM</span>${inCrm(calls)}<span class="note">${left.join(', ')}</span></a>
<a class="tile${calls.waiting > 0 ? ' wait' : ''}" href="${list('&state=due')}"><span class="label">Waiting</span><span class="value">${count(calls.waiting)}</span><span class="note">${calls.waiting > 0 ? 'tried by themselves' : 'nothing waits'}</span></a>
<a class="tile${calls.failed > 0 ? ' bad' : ''}" href="${list('&state=failed')}"><span class="label">Failed</span><span class="value">${count(calls.failed)}</span><span class="note">${calls.failed > 0 ? 'until you act' : 'nothing failed'}</span></a>
</div>`;
}

/** More connectors than so many are not all named: those that lack most come first. */
const mostInTile = 4;

/** Each CRM by itself: a call that one of them lacks is in the others all the same. */
export function inCrm({ connectors, inCrm: inAll, received }: Overview['calls']): Html {
  const [first, ...others] = [...connectors].sort((a, b) => b.calls - b.inCrm - (a.calls - a.inCrm));
  if (!first || inAll === received)
    return html`<span class="value">${count(inAll)}</span><span class="note">${received > 0 && inAll === received ? 'all of them' : ''}</span>`;
  if (others.length === 0)
    return html`<span class="value">${count(first.inCrm)}</span><span class="note">of ${count(first.calls)} in ${first.connector}</span>`;
  const shown = [first, ...others].slice(0, mostInTile);
  const rest = others.length + 1 - shown.length;
  return html`${shown.map(
    (one) =>
      html`<span class="of"><strong>${count(one.inCrm)}</strong> of ${count(one.calls)} in ${one.connector}</span>`,
  )}${rest > 0 ? html`<span class="note">and ${counted(rest, 'further connector')}</span>` : ''}`;
}

/** What does not get better by itself, with the reason and the way out. */
function needsYou(frame: Frame, { overview, failed }: OverviewData): Html {
  const { kept, refused } = overview.rejected;
  const stopped = overview.connectors.filter(({ state }) => state === 'blocked' || state === 'paused');
  if (stopped.length === 0 && failed.calls.length === 0 && kept === 0 && refused.length === 0) return html``;
  return html`<section class="sheet"><header><h2>Needs you</h2></header>
${stopped.map(
  (connector) =>
    html`<div class="notice ${connector.state === 'blocked' ? 'bad' : 'wait'}"><p><a href="/connectors/${connector.name}">${connector.name}</a> ${connector.since ? html`has been ${connector.state} since ${time(connector.since, overview.timezone)}` : `is ${connector.state}`}. ${connector.backlog > 0 ? `${counted(connector.backlog, 'delivery waits', 'deliveries wait')} for it.` : ''}</p>${connector.reason ? html`<p>${connector.reason}</p>` : ''}</div>`,
)}
${
  failed.calls.length > 0
    ? html`<div class="scroll"><table class="cards">
<thead><tr><th>Failed call</th><th>Connector</th><th>Why</th><th><span class="unseen">What to do</span></th></tr></thead>
<tbody>${failed.calls.flatMap((call) => failedRows(frame, call, overview.timezone))}</tbody></table></div>
${failed.next ? html`<p class="small"><a href="/calls?state=failed">All failed calls</a></p>` : ''}`
    : ''
}
${refused.map(
  ({ source, told, mend }) =>
    html`<div class="notice bad"><p>${source === null ? '' : `${source}: `}${told}. <a href="/rejected">See all that was refused</a></p><p>${mend}</p></div>`,
)}
${kept > 0 ? html`<p class="small">${counted(kept, 'push', 'pushes')} could not be read and ${kept === 1 ? 'is' : 'are'} kept: <a href="/rejected">see why, and read again</a>.</p>` : ''}
</section>`;
}

function failedRows(frame: Frame, call: CallSummary, timezone: string): Html[] {
  return call.deliveries
    .filter(({ state }) => state === 'failed')
    .map(
      ({ connector, reason }) => html`<tr>
<td data-label="Failed call"><div><a class="to" href="${callPath(call)}">${call.caller.display}</a><span class="second">${time(call.receivedAt, timezone)}</span></div></td>
<td data-label="Connector"><a href="/connectors/${connector}">${connector}</a></td>
<td class="words" data-label="Why">${reason ?? 'No reason was given.'}</td>
<td class="number"><div class="row">${
        frame.visitor.role === 'operator'
          ? html`<form method="post" action="${callPath(call)}/replay">${csrf(frame.visitor)}<input type="hidden" name="connector" value="${connector}"><input type="hidden" name="back" value="/"><button class="small">Replay<span class="unseen"> call ${call.callId}</span></button></form>`
          : ''
      }</div></td></tr>`,
    );
}

/** The drawing reads the table: what it shows is there for everybody. */
function chart(
  kind: 'stacked' | 'lines',
  label: string,
  unit: '' | 'ms',
  columns: readonly { name: string; colour: string }[],
  rows: readonly {
    label: string;
    tick: string;
    values: readonly ({ value: number; text: string } | null)[];
  }[],
): Html {
  return html`<figure class="chart" data-chart="${kind}">
<div class="plot" role="img" tabindex="0" aria-label="${label} The arrow keys go through the values; the table below has all of them." hx-morph-skip></div>
<details><summary>As a table</summary><div class="scroll"><table data-unit="${unit}"><thead><tr><th>When</th>${columns.map(
    ({ name, colour }) => html`<th class="number" data-colour="${colour}">${name}</th>`,
  )}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr><th scope="row" data-tick="${row.tick}">${row.label}</th>${row.values.map((cell) => (cell ? html`<td class="number" data-value="${cell.value}">${cell.text}</td>` : html`<td class="number">–</td>`))}</tr>`,
  )}</tbody></table></div></details>
</figure>`;
}

function callsByTime({ byTime, bucket, timezone }: Overview, period: OverviewPeriod): Html {
  const total = byTime.reduce((sum, { calls }) => sum + calls, 0);
  const every = bucket === 'hour' ? 3 : Math.max(1, Math.round(byTime.length / 8));
  const at = (instant: string) =>
    bucket === 'day'
      ? dayName(instant, timezone)
      : period === 'today' || period === 'yesterday'
        ? hourOf(instant, timezone)
        : `${dayName(instant, timezone)} ${hourOf(instant, timezone)}`;
  const rows = byTime.map((slot, i) => {
    const missed = slot.missed;
    const answered = slot.answered;
    const rest = Math.max(slot.calls - answered - missed, 0);
    return {
      label: at(slot.at),
      tick: i % every === 0 ? at(slot.at) : '',
      values: [answered, missed, rest].map((value) => ({ value, text: count(value) })),
    };
  });
  return html`<section class="sheet"><header><h2>Calls by ${bucket}</h2><div class="chart"><p class="keys"><span class="answered">Answered</span><span class="missed">Missed</span><span class="ringing">Other, or still ringing</span></p></div></header>
${
  total === 0
    ? html`<p class="empty">No call came in within this time.</p>`
    : chart(
        'stacked',
        `Calls by ${bucket}: ${counted(total, 'call')}.`,
        '',
        [
          { name: 'Answered', colour: 'answered' },
          { name: 'Missed', colour: 'missed' },
          { name: 'Other', colour: 'other' },
        ],
        rows,
      )
}</section>`;
}

const lagColours = ['accent', 'missed', 'wait', 'other'];

function lagOverTime({ lag, bucket, timezone, byTime }: Overview): Html {
  const names = [...new Set(lag.map(({ connector }) => connector))];
  const times = [...new Set([...byTime.map(({ at }) => at), ...lag.map(({ at }) => at)])].sort();
  const every = Math.max(1, Math.ceil(times.length / 5));
  const at = (instant: string) => (bucket === 'day' ? dayName(instant, timezone) : hourOf(instant, timezone));
  return html`<section class="sheet"><header><h2>Until it is in the CRM</h2><p>Median, from the answered push</p></header>
${
  lag.length === 0
    ? html`<p class="empty">Nothing was delivered within this time.</p>`
    : chart(
        'lines',
        'Time from the answer to a push until the CRM has it.',
        'ms',
        names.map((name, i) => ({ name, colour: lagColours[i % lagColours.length] ?? 'other' })),
        times.map((instant, i) => ({
          label: at(instant),
          tick: i % every === 0 ? at(instant) : '',
          values: names.map((name) => {
            const found = lag.find((one) => one.at === instant && one.connector === name);
            return found
              ? { value: found.medianMs, text: `${span(found.medianMs)} (95 %: ${span(found.p95Ms)})` }
              : null;
          }),
        })),
      )
}</section>`;
}

function connectors(list: readonly ConnectorHealth[]): Html {
  return html`<section class="sheet"><header><h2>Connectors</h2><p><a href="/connectors">Health and setup</a></p></header>
${list.length === 0 ? html`<p class="empty">No connector is configured: calls are stored and go nowhere.</p>` : connectorsTable(list)}</section>`;
}

export function connectorsTable(list: readonly ConnectorHealth[]): Html {
  return html`<div class="scroll"><table class="cards">
<thead><tr><th>Connector</th><th>State</th><th class="number">Lag, median</th><th class="number">Waiting</th><th class="number">Failed</th><th class="number">Requests left today</th><th>Last error</th></tr></thead>
<tbody>${list.map(
    (connector) => html`<tr>
<td data-label="Connector"><div><a class="to" href="/connectors/${connector.name}">${connector.name}</a><span class="second">${connector.type ?? ''}</span></div></td>
<td data-label="State">${connectorState(connector.state)}</td>
<td class="number" data-label="Lag, median">${connector.lag ? span(connector.lag.medianMs) : '–'}</td>
<td class="number" data-label="Waiting">${count(connector.backlog)}</td>
<td class="number" data-label="Failed">${connector.failed > 0 ? html`<a href="/calls?connector=${connector.name}&state=failed">${count(connector.failed)}</a>` : '0'}</td>
<td class="number" data-label="Requests left">${quotaOf(connector)}</td>
<td class="words${connector.lastError ? '' : ' blank'}" data-label="Last error">${connector.lastError ? html`<div>${connector.lastError.reason}<span class="second"><a href="${callPath(connector.lastError)}">Call ${connector.lastError.callId}</a></span></div>` : html`<span class="soft">none</span>`}</td>
</tr>`,
  )}</tbody></table></div>`;
}

export function quotaOf({ quota }: ConnectorHealth): string {
  return quota ? `${count(quota.remaining)} of ${count(quota.limit)}` : 'not told';
}

function ranking(title: string, what: string, rows: Overview['top']['sources'], explained: string): Html {
  const most = Math.max(1, ...rows.map(({ calls }) => calls));
  return html`<section class="sheet"><header><h2>${title}</h2></header>
${
  rows.length === 0
    ? html`<p class="empty">${explained} Nothing yet.</p>`
    : html`<table class="ranking"><thead><tr><th>${what}</th><th aria-hidden="true"></th><th class="number">Calls</th><th class="number">Missed</th></tr></thead>
<tbody>${rows.map(
        (row) => html`<tr><td>${row.name}</td>
<td aria-hidden="true"><svg preserveAspectRatio="none" viewBox="0 0 100 10"><rect class="whole" width="${((100 * row.calls) / most).toFixed(1)}" height="10"/><rect class="part" width="${((100 * row.missed) / most).toFixed(1)}" height="10"/></svg></td>
<td class="number">${count(row.calls)}</td><td class="number">${count(row.missed)}</td></tr>`,
      )}</tbody></table>`
}</section>`;
}
