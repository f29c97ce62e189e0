import { type Call, cut, type Fact, factsOf } from '../../src/connector/index.ts';

/** More of one value than this tells a reader nothing; escaped, all of them together stay within the body. */
const longestValue = 400;
const longestUrl = 2_000;

/** The body of the call record: what Delacon told, in lines that people read. HTML, so everything is escaped. */
export function summary(call: Call): string {
  return factsOf(call).flatMap(line).join('<br>');
}

function line({ label, text, url }: Fact): string | [] {
  if (url === undefined) return `<strong>${label}:</strong> ${escapeHtml(cut(text, longestValue))}`;
  return url.length > longestUrl
    ? [] // cut, it would lead elsewhere
    : `<strong>${label}:</strong> <a href="${escapeHtml(url)}">listen</a>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
