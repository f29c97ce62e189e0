import { hash } from 'node:crypto';
import type { CallState } from '../call/call.ts';
import { pushFields } from '../call/push.ts';
import { readingOf } from '../config/read-call.ts';
import type { Settings, Source } from '../config/settings.ts';
import type { IndexedCall, Readings } from '../store/call-index.ts';
import { shownCall } from './calls.ts';
import { wordsOf } from './search-words.ts';

/** Raised when what is indexed of a call changes. */
const revision = 3;

/** Asked for at each step, of ten thousand sources maybe, and the same until a reload. */
const known = new WeakMap<Settings, Readings>();

/** Names how calls are read: by the code, and by the settings of each source. */
export function readingsOf(settings: Settings): Readings {
  const readings = known.get(settings) ?? readingsFrom(settings);
  known.set(settings, readings);
  return readings;
}

function readingsFrom(settings: Settings): Readings {
  const names = new Map<string, string>(); // most sources are read alike
  const nameOf = (source: Source) => {
    const text = JSON.stringify(readingOf(source));
    const name = names.get(text) ?? hash('sha256', text, 'base64url').slice(0, 16);
    names.set(text, name);
    return name;
  };
  const sources = Object.entries(settings.sources).map(([name, source]) => [name, nameOf(source)]);
  return { version: String(revision), sources: Object.fromEntries(sources) };
}

/** More words than a call has; a text that was never meant to be one is not kept whole. */
const mostWords = 60;
const longestName = 120;
const ownFields: ReadonlySet<string> = new Set(pushFields);

/** What lists, charts and searches need of a call. */
export function indexedCall(settings: Settings, state: CallState): IndexedCall {
  const call = shownCall(settings, state);
  const { dealer, marketing, caller } = call;
  const others = Object.entries(state.fields).flatMap(([name, value]) =>
    ownFields.has(name) ? [] : [value],
  );
  return {
    result: call.result,
    missed: call.missed,
    caller: caller.number?.replace(/\D/g, '') ?? null,
    dealer: dealer.name?.slice(0, longestName) ?? null,
    keyword: marketing.keywords?.slice(0, longestName) ?? null,
    words: wordsOf(
      [
        dealer.name,
        dealer.id,
        dealer.category,
        marketing.keywords,
        marketing.engine,
        marketing.type,
        caller.city,
        caller.state,
        caller.exchange,
        call.resultText,
        call.survey.outcome,
        call.ivr,
        call.extra,
        call.serviceId,
        marketing.landingPage?.split('?')[0],
        ...others,
      ].join(' '),
    ).slice(0, mostWords),
  };
}
