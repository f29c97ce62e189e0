import { html } from 'hono/html';
import { ownCommand } from '../../text/own-command.ts';
import { count, counted } from '../../text/plural.ts';
import type { ReplayCount } from '../actions.ts';
import type { ConnectorHealth, Findings, SetupPlan } from '../connectors.ts';
import { span } from './format.ts';
import { csrf, type Frame, type Html, layout, livePart } from './layout.ts';
import { connectorsTable, quotaOf } from './overview.ts';
import { callPath, connectorState, deliveryStateNames, time } from './states.ts';

export function connectorsPage(frame: Frame, list: readonly ConnectorHealth[]): Html {
  return layout(
    frame,
    'Connectors',
    html`<div class="head"><h1>Connectors</h1><p>Each writes to one CRM. Open one to check it, pause it or replay its calls.</p></div>
${livePart(
  frame,
  'connectors',
  html`<section class="sheet">${list.length === 0 ? html`<p class="empty">No connector is configured: calls are stored and go nowhere. Name one under <code>connectors</code> in the configuration.</p>` : connectorsTable(list)}</section>`,
)}`,
  );
}

export interface ConnectorData {
  health: ConnectorHealth;
  timezone: string;
  /** What `check` or `plan` told, or why they could not. Undefined: nobody asked. */
  findings: Findings['findings'] | { problem: string } | undefined;
  steps: SetupPlan['steps'] | { problem: string } | undefined;
}

export function connectorPage(frame: Frame, { health, timezone, findings, steps }: ConnectorData): Html {
  const { name, type } = health;
  const path = `/connectors/${encodeURIComponent(name)}`;
  const asOperator = frame.visitor.role === 'operator';
  return layout(
    frame,
    name,
    html`<div class="head"><h1>${name}</h1><p>${type ?? 'no longer configured'}</p></div>
<div class="grid wide"><div class="stack-wide">
${livePart(frame, 'health', healthSheet(health, timezone))}
${
  type === null
    ? ''
    : html`<section class="sheet" id="check"><header><h2>Check</h2><p>Credentials, permissions, fields and mapping</p></header>
${findings === undefined ? html`<p>The check asks the CRM and changes nothing there.</p>` : 'problem' in findings ? html`<div class="notice bad" role="alert"><p>${findings.problem}</p></div>` : findingsList(findings)}
<form method="post" action="${path}/check#check">${csrf(frame.visitor)}<button>${findings === undefined ? 'Check now' : 'Check again'}</button></form></section>
<section class="sheet" id="setup"><header><h2>Setup plan</h2><p>What the CRM needs to have</p></header>
${steps === undefined ? html`<p>The bridge keeps its keys in fields of its own. The plan shows which of them the CRM has.</p>` : 'problem' in steps ? html`<div class="notice bad" role="alert"><p>${steps.problem}</p></div>` : planList(steps, name)}
<form method="post" action="${path}/plan#setup">${csrf(frame.visitor)}<button>${steps === undefined ? 'Show the plan' : 'Look again'}</button></form></section>`
}
</div>
<div class="stack-wide">
${asOperator ? pauseSheet(frame, health, path) : ''}
${asOperator ? replaySheet(path, timezone) : ''}
</div></div>`,
  );
}

function healthSheet(health: ConnectorHealth, timezone: string): Html {
  const { name, state, reason, since, lag, lastError, oldestDueAt } = health;
  const rows: [string, Html | string][] = [
    [
      'State',
      html`${connectorState(state)}${since ? html` <span class="soft small">since ${time(since, timezone)}</span>` : ''}`,
    ],
    [
      'Waiting',
      html`<a href="/calls?connector=${name}&state=due">${counted(health.backlog, 'delivery', 'deliveries')}</a>${oldestDueAt && health.backlog > 0 ? html` <span class="soft small">the longest due: ${time(oldestDueAt, timezone)}</span>` : ''}`,
    ],
    [
      'Failed',
      html`<a href="/calls?connector=${name}&state=failed">${counted(health.failed, 'delivery', 'deliveries')}</a>`,
    ],
    [
      'Skipped',
      html`<a href="/calls?connector=${name}&state=skipped">${counted(health.skipped, 'delivery', 'deliveries')}</a>`,
    ],
    [
      'Lag',
      lag
        ? `${span(lag.medianMs)} in the middle, 95 % within ${span(lag.p95Ms)}`
        : 'nothing was delivered lately',
    ],
    ['Requests left today', quotaOf(health)],
    [
      'Thrift',
      state === 'thrifty'
        ? 'few requests are left for the day: calls are written once, when they are over'
        : 'off: calls are written as they come',
    ],
    [
      'Last error',
      lastError
        ? html`${lastError.reason} <span class="soft small">${time(lastError.at, timezone)}, <a href="${callPath(lastError)}">call ${lastError.callId}</a></span>`
        : 'none',
    ],
  ];
  return html`<section class="sheet"><header><h2>Health</h2></header>
${reason ? html`<div class="notice ${state === 'blocked' ? 'bad' : 'wait'}"><p>${reason}</p>${state === 'paused' ? '' : html`<p class="small">It tries one call ${nextTry(health, timezone)}, and goes on by itself. The others wait meanwhile.</p>`}</div>` : ''}
<dl class="facts">${rows.map(([what, value]) => html`<dt>${what}</dt><dd>${value}</dd>`)}</dl></section>`;
}

function nextTry({ nextTryAt }: ConnectorHealth, timezone: string): Html | string {
  if (nextTryAt === null) return 'now and then';
  return new Date(nextTryAt).getTime() === 0 ? 'at once' : html`next at ${time(nextTryAt, timezone)}`;
}

const levelWords = {
  ok: ['good', 'In order'],
  warning: ['wait', 'Warning'],
  problem: ['bad', 'Problem'],
} as const;

function findingsList(findings: Findings['findings']): Html {
  if (findings.length === 0) return html`<p>Nothing is wrong.</p>`;
  return html`<div class="scroll"><table class="cards"><thead><tr><th>What</th><th>Is</th><th>Found</th></tr></thead><tbody>${findings.map(
    ({ level, subject, message, fix }) =>
      html`<tr><th scope="row">${subject}</th><td><span class="state ${levelWords[level][0]}">${levelWords[level][1]}</span></td><td class="words"><div>${message}${fix ? html`<span class="second">${fix}</span>` : ''}</div></td></tr>`,
  )}</tbody></table></div>`;
}

const actionWords = {
  create: ['wait', 'To create'],
  keep: ['good', 'Is there'],
  conflict: ['bad', 'In the way'],
} as const;

function planList(steps: SetupPlan['steps'], name: string): Html {
  const missing = steps.filter(({ action }) => action === 'create').length;
  return html`${
    steps.length === 0
      ? html`<p>It needs nothing.</p>`
      : html`<div class="scroll"><table class="cards"><thead><tr><th>What</th><th>Is</th><th>Detail</th></tr></thead><tbody>${steps.map(
          ({ action, subject, detail }) =>
            html`<tr><th scope="row">${subject}</th><td><span class="state ${actionWords[action][0]}">${actionWords[action][1]}</span></td><td class="words">${detail}</td></tr>`,
        )}</tbody></table></div>`
  }
${missing > 0 ? html`<p>To create ${missing === 1 ? 'it' : 'them'}, run <code>${ownCommand(`setup ${name}`)}</code> on the machine of the bridge: it shows this plan and asks first.</p>` : ''}`;
}

function pauseSheet(frame: Frame, { state }: ConnectorHealth, path: string): Html {
  return html`<section class="sheet"><header><h2>${state === 'paused' ? 'Resume' : 'Pause'}</h2></header>
${
  state === 'paused'
    ? html`<p>Nothing is written to this CRM. Calls wait, and are written as they are then.</p>
<form method="post" action="${path}/resume">${csrf(frame.visitor)}<button class="main">Resume</button></form>`
    : html`${state === 'blocked' || state === 'open' ? html`<form method="post" action="${path}/resume">${csrf(frame.visitor)}<button class="main">Try now</button></form>` : ''}<p class="soft small">Attempts stop until somebody resumes, over restarts too. Calls go on being taken and wait.</p>
<form class="stack" method="post" action="${path}/pause">${csrf(frame.visitor)}<label><span>Why (shown with the connector)</span><input name="reason" maxlength="500" autocomplete="off"></label><button>Pause</button></form>`
}</section>`;
}

function replaySheet(path: string, timezone: string): Html {
  return html`<section class="sheet"><header><h2>Replay a range</h2></header>
<p class="soft small">Writes calls again as they are now, under their keys: nothing appears twice. You see how many they are before anything is done.</p>
<form class="stack" method="get" action="${path}/replay">
<label><span>Received from</span><input type="date" name="from"></label>
<label><span>To, with that day</span><input type="date" name="to"></label>
<label><span>State</span><select name="state"><option value="failed">Failed</option><option value="">Whatever state</option>${deliveryStateNames.filter(([state]) => state !== 'failed' && state !== 'skipped').map(([state, words]) => html`<option value="${state}">${words}</option>`)}</select></label>
<p class="small soft">Days are those of ${timezone}.</p>
<button>Count them</button></form></section>`;
}

export interface RangeData {
  connector: string;
  from: string;
  to: string;
  state: string;
  counted: ReplayCount;
}

/** What is about to be done, before it is. */
export function rangePage(frame: Frame, { connector, from, to, state, counted: found }: RangeData): Html {
  const path = `/connectors/${encodeURIComponent(connector)}`;
  const words = deliveryStateNames.find(([known]) => known === state)?.[1].toLowerCase();
  const when =
    from && to
      ? `received from ${from} to ${to}`
      : from
        ? `received since ${from}`
        : to
          ? `received until ${to}`
          : 'of all time';
  return layout(
    frame,
    `Replay ${connector}`,
    html`<div class="head"><h1>Replay calls to ${connector}?</h1></div>
<section class="sheet">
<p>${found.calls === 0 ? 'No call' : html`<strong>${counted(found.calls, 'call')}</strong>`} ${when}${words ? html`, with a delivery in the state <em>${words}</em>` : ''}: ${found.calls === 0 ? 'there is nothing to replay' : 'that is what would be written again'}.</p>
${
  found.calls === 0
    ? html`<p><a class="button" href="${path}">Back to ${connector}</a></p>`
    : html`<p>${counted(found.deliveries, 'delivery becomes', 'deliveries become')} due at once. Each is written as the call is now, under its key; people's own edits in the CRM are treated as the mapping says.</p>
<form class="row" method="post" action="${path}/replay">${csrf(frame.visitor)}
<input type="hidden" name="from" value="${from}"><input type="hidden" name="to" value="${to}"><input type="hidden" name="state" value="${state}"><input type="hidden" name="expected" value="${found.calls}">
<button class="main">Replay ${count(found.calls)} ${found.calls === 1 ? 'call' : 'calls'}</button><a class="button quiet" href="${path}">Do nothing</a></form>`
}</section>`,
  );
}
