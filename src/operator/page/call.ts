import { html } from 'hono/html';
import { counted } from '../../text/plural.ts';
import { type AttemptRun, runsOf, type Story } from '../story.ts';
import { clockTime, fullTime, span } from './format.ts';
import { csrf, type Frame, type Html, layout, livePart } from './layout.ts';
import { callPath, deliveryState, time } from './states.ts';

type DeliveryOfStory = Story['deliveries'][number];

const roleNames: Record<string, string> = {
  person: 'Person',
  activity: 'Activity',
  followUp: 'Follow-up',
  sale: 'Sale',
};

/** One call, told in the order of time. */
export function callPage(frame: Frame, story: Story): Html {
  const asOperator = frame.visitor.role === 'operator';
  return layout(
    frame,
    `Call ${story.callId}`,
    html`<div class="head"><h1>${story.title}</h1>${story.dealer.name === null ? html`<p>${story.dialled.display}</p>` : ''}<p class="end">Call ${story.callId} of ${story.source}, times in ${story.timezone}</p></div>
${livePart(
  frame,
  'call',
  html`${story.isKnownSource ? '' : html`<div class="notice wait"><p>The source ${story.source} is configured no more. The call is shown as one of Australia would be, and goes nowhere.</p></div>`}
<div class="grid wide">
<div class="stack-wide">
${story.deliveries.length === 0 ? noRoute(frame, story) : story.deliveries.map((delivery) => deliverySheet(frame, story, delivery))}
<section class="sheet"><header><h2>The story</h2></header>${storyList(story)}</section>
</div>
<div class="stack-wide">
<section class="sheet"><header><h2>The call</h2></header>${facts(story)}</section>
${recording(frame, story)}
${asOperator ? forTheWhole(frame, story) : ''}
</div>
</div>
<section class="sheet"><header><h2>What Delacon said</h2><p>${counted(story.pushes.length, 'push', 'pushes')}</p></header>
${pushes(frame, story)}
${story.notes.length > 0 ? html`<ul class="notes">${story.notes.map((note) => html`<li>${note}</li>`)}</ul>` : ''}
<details><summary>Every value, and the push it came from</summary><div class="scroll"><table><thead><tr><th>Field</th><th>Value</th><th class="number">Push</th></tr></thead><tbody>${story.fields.map(
    (field) =>
      html`<tr><th scope="row"><code>${field.name}</code></th><td class="words">${field.value}</td><td class="number">${field.push ?? '–'}</td></tr>`,
  )}</tbody></table></div></details>
<details><summary>As templates see it</summary><div class="scroll"><table><thead><tr><th>Name</th><th>Value</th></tr></thead><tbody>${story.values.map(
    (known) =>
      html`<tr><th scope="row"><code>${known.name}</code></th><td class="words">${known.value}</td></tr>`,
  )}</tbody></table></div></details>
</section>`,
  'stack-wide',
)}`,
  );
}

/** Addresses are not links: they are whatever somebody sent. The recording has a place of its own. */
function facts({ summary, recording }: Story): Html {
  const lines = summary.filter(({ label }) => label !== null && (label !== 'Recording' || !recording));
  return html`<p>${summary[0]?.text}</p>
<dl class="facts">${lines.map(({ label, text }) => html`<dt>${label}</dt><dd class="words">${text}</dd>`)}</dl>`;
}

/** The address of the recording is not in the page: the browser is sent to it when somebody plays. */
function recording(frame: Frame, story: Story): Html {
  if (frame.visitor.masked)
    return html`<section class="sheet"><header><h2>Recording</h2></header><p class="soft">Recordings are not shown where numbers are masked.</p></section>`;
  if (!story.recording) return html``;
  return html`<section class="sheet" hx-morph-skip id="recording"><header><h2>Recording</h2></header>
<audio controls preload="none" src="${callPath(story)}/recording" aria-label="Recording of the call"></audio>
<p class="small"><a href="${callPath(story)}/recording/open" rel="noreferrer" target="_blank">Open it in a tab of its own</a></p></section>`;
}

function noRoute(frame: Frame, story: Story): Html {
  return html`<section class="sheet"><header><h2>No route took it</h2></header>
<p>The call is stored and goes nowhere. Mend the routes in the configuration, then replay it.</p>
${frame.visitor.role === 'operator' ? html`<form method="post" action="${callPath(story)}/replay">${csrf(frame.visitor)}<button class="main">Replay</button></form>` : ''}</section>`;
}

function deliverySheet(frame: Frame, story: Story, delivery: DeliveryOfStory): Html {
  const { connector, state, reason, dueAt } = delivery;
  return html`<section class="sheet"><header><h2><a href="/connectors/${connector}">${connector}</a></h2><p>${deliveryState(state)}</p></header>
${delivery.connectorReason ? html`<div class="notice bad"><p>The connector writes nothing now: ${delivery.connectorReason}</p></div>` : ''}
${reason && state === 'failed' ? html`<div class="notice bad"><p>${reason}</p><p class="small">It waits until somebody acts, or until the call changes.</p></div>` : ''}
${reason && state === 'skipped' ? html`<div class="notice"><p>Skipped: ${reason}</p></div>` : ''}
${state === 'due' ? html`<p>${reason ? html`${reason} ` : ''}${dueAt && !delivery.connectorReason ? html`<span class="soft">Next attempt: ${time(dueAt, story.timezone)}.</span>` : ''}</p>` : ''}
${delivery.rewriteAt ? html`<p class="soft">An earlier write was not answered, and may come late: it is written once more after ${time(delivery.rewriteAt, story.timezone)}.</p>` : ''}
${delivery.isBehind && state === 'delivered' ? html`<p class="soft">The call has changed since; the CRM is told next.</p>` : ''}
${records(delivery, story.timezone)}
${frame.visitor.role === 'operator' ? actions(frame, story, delivery) : ''}
</section>`;
}

function records({ records: known, person }: DeliveryOfStory, timezone: string): Html {
  if (known.length === 0) return html`<p class="soft">Nothing of it is in the CRM yet.</p>`;
  return html`<dl class="facts">${known.map(
    (record) =>
      html`<dt>${roleNames[record.role] ?? record.role}</dt><dd>${
        record.link
          ? html`<a href="${record.link}" rel="noreferrer" target="_blank">${record.type} ${record.id}</a>`
          : html`${record.type} ${record.id}`
      }${record.role === 'person' && person ? html`<span class="second soft small"> ${whyPerson(person, timezone)}</span>` : ''}${
        record.holds
          ? html`<details><summary class="small">What it holds</summary><dl class="facts small">${Object.entries(record.holds).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></details>`
          : ''
      }</dd>`,
  )}</dl>`;
}

function whyPerson({ why, known }: NonNullable<DeliveryOfStory['person']>, timezone: string): Html {
  if (!known) return html`${why}`;
  return html`${why} The first was <a href="${callPath(known)}">call ${known.callId}</a>, ${fullTime(known.receivedAt, timezone)}${known.why ? html`: ${known.why}` : '.'}`;
}

const replayWords = {
  failed: 'Replay',
  skipped: 'Write it after all',
  delivered: 'Write again',
  due: 'Try now',
} as const;

function actions(frame: Frame, story: Story, { connector, state }: DeliveryOfStory): Html {
  const hidden = html`${csrf(frame.visitor)}<input type="hidden" name="connector" value="${connector}">`;
  return html`<div class="row">
<form method="post" action="${callPath(story)}/replay">${hidden}<button class="${state === 'failed' ? 'main' : ''}">${replayWords[state]}</button></form>
${
  state === 'skipped' || state === 'delivered'
    ? ''
    : html`<details class="act"><summary>Skip</summary><form method="post" action="${callPath(story)}/skip">${hidden}
<p>The call stays stored, and ${connector} is not told of it, though it may change, until somebody replays it.</p>
<label><span>Why (shown with the call)</span><input name="reason" required maxlength="500" autocomplete="off"></label>
<button>Skip this delivery</button></form></details>`
}</div>`;
}

function forTheWhole(frame: Frame, story: Story): Html {
  return html`<section class="sheet"><header><h2>More</h2></header>
<div class="stack">
<form method="post" action="${callPath(story)}/replay">${csrf(frame.visitor)}<button>Route and write again</button></form>
<p class="small soft">Looks at the routes anew, such as after they were changed, and writes to every connector they name.</p>
${story.deliveries.some(({ isReadable }) => isReadable) ? html`<form method="post" action="${callPath(story)}/holds">${csrf(frame.visitor)}<button>Ask the CRM what it holds</button></form>` : ''}
<p><a href="/try?call=${encodeURIComponent(`${story.source}/${story.callId}`)}">Try its pushes with the present mapping</a></p>
<p><a class="button small" href="${callPath(story)}/erase">Erase this caller …</a></p>
</div></section>`;
}

interface Event {
  at: string;
  level: '' | 'good' | 'wait' | 'bad';
  body: Html;
}

/** Pushes, attempts and people's decisions, by time. */
function storyList(story: Story): Html {
  const events: Event[] = [];
  for (const push of story.pushes) {
    const kinds = {
      start: 'The call began',
      end: 'The call ended',
      both: 'The whole call came at once',
      neither: 'More came about the call',
    };
    events.push({
      at: push.receivedAt,
      level: '',
      body: html`<p>${kinds[push.kind]}. <span class="soft small">Push ${push.n}${push.repeats > 0 ? `, and the same ${counted(push.repeats, 'time')} more` : ''}</span></p>${
        push.says.length > 0
          ? html`<p class="small soft">Says ${push.says.map((name) => name.replace(/^PLA_/, '')).join(', ')}.</p>`
          : html`<p class="small soft">Says nothing that a later push does not say.</p>`
      }`,
    });
  }
  for (const delivery of story.deliveries)
    for (const run of runsOf(delivery.attempts))
      events.push(attemptEvent(delivery.connector, run, story.timezone));
  for (const decided of story.decisions)
    events.push({
      at: decided.at,
      level: '',
      body: html`<p>Somebody ${decided.decision === 'replay' ? 'replayed it' : 'skipped it'}${decided.connector ? ` for ${decided.connector}` : ''}${decided.reason ? html`: ${decided.reason}` : '.'}</p>`,
    });
  events.sort((a, b) => a.at.localeCompare(b.at));
  const first = events[0];
  const routing = story.routing.filter(({ matched }) => matched);
  if (first)
    events.splice(1, 0, {
      at: first.at,
      level: '',
      body: html`<p>${routing.length > 0 ? `${counted(routing.length, 'route')} took it.` : 'No route took it.'}</p><details><summary class="small">Which routes, and why</summary><ul class="plain small">${story.routing.map(
        (looked) =>
          html`<li><code>${looked.place}</code> ${looked.matched ? 'matches' : 'does not match'}: ${looked.why}</li>`,
      )}</ul></details>`,
    });
  let day = '';
  return html`<ol class="story">${events.map((event) => {
    const whole = fullTime(event.at, story.timezone);
    const today = whole.slice(0, whole.indexOf(','));
    const shown = today === day ? clockTime(event.at, story.timezone) : whole;
    day = today;
    return html`<li class="${event.level}">${time(event.at, story.timezone, shown)}${event.body}</li>`;
  })}</ol>`;
}

function attemptEvent(connector: string, { first, last, count }: AttemptRun, timezone: string): Event {
  const said = {
    delivered: 'Written to',
    retry: 'Not yet written to',
    rejected: 'Refused by',
    blocked: 'Nothing can be written to',
  } as const;
  const levels = { delivered: 'good', retry: 'wait', rejected: 'bad', blocked: 'bad' } as const;
  const beside = first.batch > 1 ? `, together with ${counted(first.batch - 1, 'other call')}` : '';
  const again =
    count > 1 ? `, and ${counted(count - 1, 'time')} more until ${fullTime(last.at, timezone)}` : '';
  return {
    at: first.at,
    level: levels[first.outcome],
    body: html`<p>${said[first.outcome]} ${connector}. <span class="soft small">Attempt ${first.n}${again}: ${counted(first.requests, 'request')}, ${span(first.tookMs)}${beside}</span></p>${
      first.reason ? html`<p>${first.reason}</p>` : ''
    }${first.notes.map((note) => html`<p class="small soft">${note}</p>`)}`,
  };
}

function pushes(frame: Frame, story: Story): Html {
  if (story.pushes.length === 0)
    return html`<p class="soft">The raw pushes are kept no more; what they said is.</p>`;
  return html`${story.pushes.map(
    (push) =>
      html`<details><summary>Push ${push.n}, ${clockTime(push.receivedAt, story.timezone)}: ${push.kind}</summary>${
        push.body === null
          ? html`<p class="soft">${frame.visitor.masked ? 'Raw pushes are not shown where numbers are masked.' : 'It is stored, and not shown: the pushes of this call are very long together.'}</p>`
          : html`<pre tabindex="0" aria-label="Push ${push.n} as it came">${push.body}</pre>`
      }</details>`,
  )}`;
}
