import { type CallState, foldFields, stateAt } from '../call/call.ts';
import type { Fields } from '../call/push.ts';
import { type RecordRole, recordRoles } from '../call/records.ts';
import type { ExpectedValue, MappingTest } from '../config/mapping-test.ts';
import { callOf, deliveryOf, routingOf } from '../config/read-call.ts';
import type { Settings } from '../config/settings.ts';
import type { RecordDraft } from '../connector/contract.ts';
import { compileTemplate } from '../route/template.ts';

/*
 * A test of the mapping, played: what it expects is compared with the drafts of the connectors. No I/O.
 */

export interface TestChoice {
  /** What is expected of this connector only. */
  connector?: string;
}

export interface Difference {
  /** Of the expectation, within the test. */
  path: readonly PropertyKey[];
  /** `acme-hubspot, activity, hs_call_status`. */
  what: string;
  expected: string;
  got: string;
}

/** Where what came is not what was expected. Null: the test has nothing to say of the chosen connector. */
export function differencesOf(
  settings: Settings,
  test: MappingTest,
  { connector }: TestChoice,
): Difference[] | null {
  const state = stateOf(test);
  const expected = Object.entries(test.records ?? {}).filter(([name]) => name === (connector ?? name));
  const isNamed = connector === undefined || test.to?.includes(connector);
  if (expected.length === 0 && !isNamed) return null;
  const { connectors, looked } = routingOf(settings, state);
  const routes =
    looked.map(({ place, why }) => `${place}: ${why}`).join('; ') || 'no route is for its source';
  return [
    ...(connector === undefined ? differencesInCall(settings, test, state) : []),
    ...differencesInRouting(test, connectors, routes, connector),
    ...expected.flatMap(([name, records]) => {
      const path = ['records', name];
      if (connectors.includes(name)) return differencesInRecords(settings, state, name, records, path);
      return [{ path, what: name, expected: 'that it gets the call', got: `not sent to it: ${routes}` }];
    }),
  ];
}

function stateOf({ source, callId, pushes, at, lapsed }: MappingTest): CallState {
  const fields = pushes.reduce<Fields | undefined>(foldFields, undefined) ?? {};
  return { ...stateAt(at ?? new Date(), source, callId, fields), lapsed };
}

function differencesInCall(settings: Settings, { call = {} }: MappingTest, state: CallState): Difference[] {
  const read = callOf(settings, state);
  if (!read) return [];
  const timezone = settings.sources[state.source]?.timezone ?? 'UTC';
  return Object.entries(call).flatMap(([name, expected]) => {
    const got = compileTemplate(`{{ call.${name} }}`).render({ call: read, timezone });
    return difference(['call', name], `call.${name}`, expected, got);
  });
}

function differencesInRouting(
  { to }: MappingTest,
  connectors: readonly string[],
  routes: string,
  only: string | undefined,
): Difference[] {
  if (to === undefined) return [];
  const chosen = (names: readonly string[]) =>
    names
      .filter((name) => name === (only ?? name))
      .sort()
      .join(', ') || 'nobody';
  const [expected, got] = [chosen(to), chosen(connectors)];
  if (expected === got) return [];
  return [{ path: ['to'], what: 'goes to', expected, got: `${got} (${routes})` }];
}

function differencesInRecords(
  settings: Settings,
  state: CallState,
  connector: string,
  expected: NonNullable<MappingTest['records']>[string],
  path: readonly PropertyKey[],
): Difference[] {
  const drafts = draftsOf(settings, state, connector);
  if (typeof drafts === 'string') {
    return [{ path, what: connector, expected: 'records', got: `the connector failed: ${drafts}` }];
  }
  return recordRoles.flatMap((role: RecordRole) => {
    const wanted = expected[role];
    if (wanted === undefined) return [];
    const draft = drafts.find((one) => one.role === role);
    const what = `${connector}, ${role}`;
    const at = [...path, role];
    if (wanted === 'none') return draft ? [{ path: at, what, expected: 'none', got: described(draft) }] : [];
    if (!draft) return [{ path: at, what, expected: 'a record', got: 'none' }];
    const properties = {
      ...draft.properties,
      ...(draft.key ? { [draft.key.property]: draft.key.value } : {}),
    };
    return Object.entries(wanted).flatMap(([name, value]) => {
      const differences = difference([...at, name], `${what}, ${name}`, value, properties[name] ?? null);
      return name in properties
        ? differences
        : differences.map((one) => ({ ...one, got: `${one.got}; ${namesOf(draft.type, properties, name)}` }));
    });
  });
}

/** Or why there are none: a connector from elsewhere may trip over a call that it did not foresee. */
function draftsOf(settings: Settings, state: CallState, connector: string): RecordDraft[] | string {
  const delivery = deliveryOf(settings, { state, urgency: 'live', revision: 1, records: {}, failures: 0 });
  const found = settings.connectors[connector];
  if (!delivery || !found) return [];
  try {
    return found.definition.draft(found.options, delivery);
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

function described({ type, properties }: RecordDraft): string {
  const [first] = Object.entries(properties);
  return first ? `a ${type}, with ${first[0]}: ${textOf(first[1])}` : `a ${type}`;
}

/** More would not be read. */
const mostNamed = 20;

/** What a record has instead: of what is named alike, and else of all. */
function namesOf(type: string, properties: object, wanted: string): string {
  const all = Object.keys(properties);
  const alike = all.filter((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  const told = alike.length > 0 ? alike : all;
  const more = told.length > mostNamed ? ` and ${told.length - mostNamed} more` : '';
  return `the ${type} has ${told.slice(0, mostNamed).join(', ')}${more}`;
}

type Got = RecordDraft['properties'][string] | null;

function difference(
  path: readonly PropertyKey[],
  what: string,
  expected: ExpectedValue,
  got: Got,
): Difference[] {
  if (isAsExpected(expected, got)) return [];
  const wanted = typeof expected === 'object' && expected !== null ? `… ${expected.contains} …` : expected;
  return [{ path, what, expected: textOf(wanted), got: textOf(got) }];
}

/** By what they say, not by their types: CRMs take most values as text. Times are compared as times. */
function isAsExpected(expected: ExpectedValue, got: Got): boolean {
  if (expected === null || got === null || got === '')
    return expected === got || (expected === null && got === '');
  if (typeof expected === 'object') return textOf(got).includes(expected.contains);
  if (got instanceof Date && typeof expected === 'string')
    return new Date(expected).getTime() === got.getTime();
  return String(expected) === String(got);
}

function textOf(value: Got): string {
  if (value === null) return '(nothing)';
  return value instanceof Date ? value.toISOString() : String(value);
}
