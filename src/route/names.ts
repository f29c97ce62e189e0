import { type Call, readCall } from '../call/call.ts';
import { delaconFields, fieldNamed } from '../call/delacon-fields.ts';
import { pushFields } from '../call/push.ts';
import { didYouMean } from '../text/did-you-mean.ts';

/** What templates and conditions can see. */
export interface Scope {
  call: Call;
  /** IANA zone of the source: the `date` filter writes local time. */
  timezone: string;
}

/** Every name a call has, as paths; `call.fields` and `call.notes` hold what comes. */
export const callNames: ReadonlySet<string> = new Set(namesBelow(emptyCall(), 'call'));

function emptyCall(): Call {
  return readCall(
    { source: '', callId: '', fields: {}, firstReceivedAt: new Date(0), endReceivedAt: null, lapsed: false },
    { region: 'AU', timezone: 'UTC', withheldWords: [], missed: [], emailOnly: [] },
  );
}

function namesBelow(group: object, path: string): string[] {
  return Object.entries(group).flatMap(([name, value]) => {
    const isGroup =
      value !== null && typeof value === 'object' && !(value instanceof Date) && !Array.isArray(value);
    return isGroup && name !== 'fields' ? namesBelow(value, `${path}.${name}`) : [`${path}.${name}`];
  });
}

/** The names that a template uses. */
export interface Names {
  /** What is wrong with one of them: a sentence that names the right one. */
  problem?: string;
  /** The scope with Delacon's fields that the template names, in the letter case that it has. */
  withFields(scope: Scope): Scope;
}

/** @param paths of what a template reads: `['call', 'dealer', 'name']` */
export function readNames(paths: readonly (readonly unknown[])[]): Names {
  const fields: [written: string, read: (call: Call) => unknown][] = [];
  for (const segments of paths) {
    const known = segments.findIndex((segment) => typeof segment !== 'string');
    const name = (known < 0 ? segments : segments.slice(0, known)).join('.');
    const field = fieldNamed(name);
    if (field) fields.push([name, delaconFields[field].read ?? pathReader(delaconFields[field].template)]);
    else if (name === 'call.fields' || !(name === 'timezone' || isName(name)))
      return { problem: problemWith(name), withFields: (scope) => scope };
  }
  if (fields.length === 0) return { withFields: (scope) => scope };
  return {
    withFields: (scope) => ({
      ...scope,
      ...Object.fromEntries(fields.map(([written, read]) => [written, read(scope.call)])),
    }),
  };
}

function pathReader(template: string): (call: Call) => unknown {
  const path = template.split('.').slice(1);
  return (call) => path.reduce<unknown>((group, name) => (group as Record<string, unknown>)[name], call);
}

function problemWith(name: string): string {
  if (name === 'call.fields') return 'call.fields is a map: name a key, as in call.fields.PLA_CID.';
  const within = [...callNames].filter((candidate) => candidate.startsWith(`${name}.`));
  if (within.length > 0)
    return `${name} is a group, not a value. It has ${within.slice(0, 6).join(', ')}${within.length > 6 ? ', …' : ''}.`;
  const written = /^(?:call\.)?(PLA_\w+)$/i.exec(name)?.[1];
  if (written === undefined)
    return `no call has the name "${name}".${meant(nearestName(name)) || didYouMean(name, callNames)}`;
  const field = fieldNamed(written);
  if (field) return `no call has the name "${name}".${meant(field)}`;
  const near = didYouMean(written, pushFields) || meant(nearestField(written));
  return `Delacon's article has no field ${written}.${near} One that your account sends besides is call.fields.${written}.`;
}

const meant = (name: string | undefined) => (name === undefined ? '' : ` Did you mean "${name}"?`);

const letters = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');

/** `keywords`, `call.keywords` and `marketing.landing_page` leave out or add what stands around the name. */
export function nearestName(name: string): string | undefined {
  const wanted = letters(name.replace(/^call\./, ''));
  const isEndOf = (known: string) => {
    const parts = known.split('.').slice(1);
    return parts.some((_, from) => letters(parts.slice(from).join('')) === wanted);
  };
  return [...callNames].find((known) => letters(known) === wanted) ?? [...callNames].find(isEndOf);
}

/** The field that shares the most words: `PLA_Keyword`, `PLA_CallerNumber`. */
function nearestField(written: string): string | undefined {
  const words = (name: string) =>
    name
      .slice(4)
      .replace(/([a-z])([A-Z])/g, '$1_$2')
      .toLowerCase()
      .split('_')
      .filter(({ length }) => length > 2);
  const wanted = words(written);
  const shared = (name: string) =>
    words(name).filter((word) => wanted.some((one) => word.startsWith(one) || one.startsWith(word))).length;
  const best = pushFields.reduce((one, other) => (shared(other) > shared(one) ? other : one));
  return shared(best) > 0 ? best : undefined;
}

/**
 * What a text says of a name that stands in it without braces, where it is a text and no value. Undefined: it has none.
 */
export function bareNames(source: string): string | undefined {
  const text = source.replace(/\{\{.*?\}\}|\{%.*?%\}/gs, ' ').trim();
  const filtered = /^((?:call\.|PLA_)[\w.]*\w)\s*\|/i.exec(text)?.[1];
  if (filtered !== undefined && isName(filtered)) return writesItself(filtered, text);
  for (const [name] of text.matchAll(/\b(?:call\.[\w.]*\w|PLA_\w+)/gi))
    if (isName(name)) return writesItself(name, name);
  if (!/^[\w.]+$/.test(text) || text !== source.trim()) return undefined;
  if (callNames.has(`call.${text}`) && text.includes('.')) return writesItself(text, `call.${text}`);
  if (/^PLA_\w+$/i.test(text)) return writesItself(text, nearestField(text) ?? `call.fields.${text}`);
  return /^call\.\w/.test(text) ? writesItself(text, nearestName(text) ?? text) : undefined;
}

function isName(text: string): boolean {
  return callNames.has(text) || text.startsWith('call.fields.') || fieldNamed(text) !== undefined;
}

function writesItself(words: string, meant: string): string {
  return `it writes the words "${words}" and no value of the call. Did you mean {{ ${meant} }}?`;
}
