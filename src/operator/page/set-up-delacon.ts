import { html } from 'hono/html';
import { counted } from '../../text/plural.ts';
import type { DelaconSetup } from '../delacon-setup.ts';
import { type Frame, type Html, layout, livePart } from './layout.ts';
import { sourceField } from './source-field.ts';
import { time } from './states.ts';

type SourceSetup = DelaconSetup['sources'][number];

export function setUpDelaconPage(frame: Frame, setup: DelaconSetup, timezone: string, isPart = false): Html {
  const { sources, further, next } = setup;
  return layout(
    frame,
    'Set up Delacon',
    html`<div class="head"><h1>Set up Delacon</h1><p>Two addresses are pasted into the Delacon portal, once for each service whose calls you want.</p></div>
${
  setup.publicUrl?.startsWith('https:')
    ? ''
    : html`<div class="notice wait"><p>Delacon reaches public addresses only. Put a proxy that speaks https in front of the bridge and set <code>listen.publicUrl</code> to its address; until then the addresses below work on this machine only.</p></div>`
}
${
  isPart || next !== null
    ? html`<form class="sheet filters" method="get" action="/set-up-delacon" role="search" aria-label="Sources">
${sourceField(
  '',
  sources.map(({ source }) => source),
)}
<div class="ends"><button class="main">Show</button><a class="button quiet" href="/set-up-delacon">All</a></div></form>`
    : ''
}
${sources.map((source, i) => sourceSheet(frame, source, timezone, i))}
${next === null ? '' : html`<p><a class="button" href="/set-up-delacon?after=${next}">The next of ${counted(further, 'further source')}</a></p>`}`,
  );
}

function sourceSheet(
  frame: Frame,
  { source, urls, start, end }: SourceSetup,
  timezone: string,
  n: number,
): Html {
  return html`<section class="sheet"><header><h2>Source ${source}</h2></header>
<ol class="steps">
<li><div><h3>Open the service in the Delacon portal</h3><p>Sign in, then go to <em>Services</em> › <em>List Services</em>, and choose <em>Edit</em> beside the service.</p></div></li>
<li><div><h3>Open “Data Integration”</h3><p>Tick <em>Push live data through to the webhooks provided</em>.</p></div></li>
<li><div><h3>Paste the two addresses</h3>
${
  urls === null
    ? html`<p class="soft">The addresses are secrets: whoever has one can send calls. They are shown to the operator, not to the read-only role.</p>`
    : html`${address(`create-${n}`, 'Create URL: when the phone rings', urls.create)}
${address(`update-${n}`, 'Update URL: when the call has ended', urls.update)}
<details><summary class="small">One address for both</summary>${address(`single-${n}`, 'Takes either kind; which it is shows in the fields', urls.single)}</details>
<p class="small soft">They are secrets: whoever has one can send calls.</p>`
}</div></li>
<li><div><h3>Save, then call a tracking number of that service</h3>
${livePart(
  frame,
  `lamps-${n}`,
  html`<p>${lamp(start, 'The first start push has arrived', 'No start push has arrived yet', timezone)}</p>
<p>${lamp(end, 'The first end push has arrived', 'No end push has arrived yet', timezone)}</p>`,
  'stack',
)}
<p class="small soft">The lights turn green by themselves. Repeat the steps for each further service; the same two addresses serve them all.</p></div></li>
</ol></section>`;
}

function address(id: string, label: string, url: string): Html {
  return html`<div><p class="small soft" id="${id}-label">${label}</p><div class="copy"><code id="${id}">${url}</code><button type="button" data-copy="${id}" aria-describedby="${id}-label">Copy</button></div></div>`;
}

function lamp(seen: SourceSetup['start'], on: string, off: string, timezone: string): Html {
  return seen
    ? html`<span class="lamp on">${on}</span> <span class="soft small">${time(seen.firstAt, timezone)}; the last: ${time(seen.lastAt, timezone)}</span>`
    : html`<span class="lamp">${off}</span>`;
}
