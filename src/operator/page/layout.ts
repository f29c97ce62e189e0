import { html } from 'hono/html';
import { counted } from '../../text/plural.ts';
import { csrfField, type Visitor } from '../access.ts';
import type { AssetName } from '../assets.ts';
import type { IndexState } from '../overview.ts';

/** HTML that is escaped where it must be; what `html` gives. */
export type Html = ReturnType<typeof html>;

/** What every page is put into. */
export interface Frame {
  visitor: Visitor;
  assets: Record<AssetName, string>;
  /** Of what the page shows: it is told of what comes after. */
  mark: string;
  version: string;
  /** The path asked for, with its query. */
  here: string;
  /** The page shows what was asked for once: its parts do not load themselves anew. */
  isStill?: boolean;
  /** What the request before this one did. */
  notice: Notice | undefined;
}

export interface Notice {
  level: 'good' | 'wait' | 'bad';
  text: string;
}

const places = [
  ['/', 'Overview'],
  ['/calls', 'Calls'],
  ['/connectors', 'Connectors'],
  ['/rejected', 'Rejected'],
  ['/try', 'Try it'],
  ['/set-up-delacon', 'Set up'],
] as const;

export function layout(frame: Frame, title: string, body: Html, { charts = false } = {}): Html {
  const { visitor, assets } = frame;
  const path = frame.here.replace(/\?.*$/, '');
  const isAt = (place: string) =>
    place === '/' ? path === '/' : path === place || path.startsWith(`${place}/`);
  return html`<!doctype html>
<html lang="en">
${head(assets, title, charts)}
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><div>
<a class="brand" href="/"><img src="${assets['icon.svg']}" alt="" width="26" height="26">delacon-bridge</a>
<nav aria-label="Pages"><ul>
${places.map(
  ([place, name]) =>
    html`<li><a href="${place}"${isAt(place) ? html` aria-current="page"` : ''}>${name}</a></li>`,
)}
</ul></nav>
<div class="who">
<span class="live" id="live" data-state="off">Not live</span>
<span>${visitor.role === 'operator' ? 'Operator' : 'Read only'}</span>
<form method="post" action="/sign-out">${csrf(visitor)}<button class="quiet small">Sign out</button></form>
</div>
</div></header>
<main id="main" tabindex="-1">
${frame.notice ? html`<div class="notice ${frame.notice.level}" role="status"><p>${frame.notice.text}</p></div>` : ''}
${body}
</main>
<footer><div><span>delacon-bridge ${frame.version}</span><span>The same as JSON: <a href="/api/openapi.json">/api</a></span><span>For Prometheus: <a href="/metrics">/metrics</a></span></div></footer>
<div hidden hx-sse:connect="/live?after=${frame.mark}"></div>
</body>
</html>`;
}

function head(assets: Record<AssetName, string>, title: string, charts: boolean): Html {
  // Nothing that htmx does here needs eval or styles of its own, both of which the page's policy forbids.
  return html`<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · delacon-bridge</title>
<meta name="robots" content="noindex">
<meta name="htmx-config" content="includeIndicatorCSS:false, history:reload, defaultTimeout:30000">
<link rel="icon" href="${assets['icon.svg']}" type="image/svg+xml">
<link rel="stylesheet" href="${assets['page.css']}">
<script src="${assets['page.js']}" defer></script>
${charts ? html`<script src="${assets['charts.js']}" defer></script>` : ''}
</head>`;
}

/** A page outside of the frame: signing in, and what went wrong. */
export function bareLayout(assets: Record<AssetName, string>, title: string, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
${head(assets, title, false)}
<body>
<main id="main" class="sign-in">
<p class="brand"><img src="${assets['icon.svg']}" alt="" width="26" height="26">delacon-bridge</p>
${body}
</main>
</body>
</html>`;
}

/** Goes into every form that changes something. */
export function csrf(visitor: Visitor): Html {
  return html`<input type="hidden" name="${csrfField}" value="${visitor.csrf}">`;
}

/** A part that loads itself anew when something has changed, from the page it is on. */
export function livePart(frame: Frame, id: string, body: Html, className = ''): Html {
  if (frame.isStill)
    return html`<div id="${id}"${className ? html` class="${className}"` : ''}>${body}</div>`;
  return html`<div id="${id}"${className ? html` class="${className}"` : ''} data-live hx-get="${frame.here}" hx-select="#${id}" hx-swap="outerMorph" hx-trigger="changed from:body, every 30s" hx-sync="this:drop">${body}</div>`;
}

/** Whether lists and counts show everything that came in. */
export function indexNotice(index: IndexState): Html {
  if (index.rebuilding !== null)
    return html`<div class="notice wait"><p>Lists and counts are being built anew: ${Math.floor(index.rebuilding * 100)} % of what is stored is in them so far. Pushes are taken and delivered meanwhile.</p></div>`;
  if (index.late)
    return html`<div class="notice"><p class="small">${counted(index.behind, 'push', 'pushes')} came in that lists and counts do not show yet.</p></div>`;
  return html``;
}
