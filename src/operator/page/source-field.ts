import { html } from 'hono/html';
import type { Html } from './layout.ts';

/** More are written, not chosen from a list: of ten thousand sources it would be half a megabyte on every page. */
const mostChosen = 50;

/** @param sources all of them, or some that may be meant */
export function sourceField(chosen: string, sources: readonly string[]): Html {
  return html`<label><span>Source</span><input name="source" value="${chosen}" list="sources" autocomplete="off" maxlength="200"><datalist id="sources">${sources.slice(0, mostChosen).map((name) => html`<option value="${name}"></option>`)}</datalist></label>`;
}

export function isLongList(sources: readonly string[]): boolean {
  return sources.length > mostChosen;
}
