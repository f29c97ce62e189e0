import { type Call, type Touch, touchOf, type Values } from '../../src/connector/index.ts';
import { attributionFields } from './setup-names.ts';

type Which = keyof typeof attributionFields;

/** What somebody new is given: the first call of theirs is the latest, too. */
export function attributionOfNew(call: Call): Values {
  const touch = touchOf(call);
  return touch ? { ...known(valuesOf('first', touch)), ...known(valuesOf('last', touch)) } : {};
}

/** What this call changes on somebody who holds these values: the first touch is kept, the latest moves on. */
export function attributionChanges(held: Record<string, unknown>, call: Call): Values {
  const touch = touchOf(call);
  if (!touch) return {};
  const first = timeOf(held[attributionFields.first.at]);
  const last = timeOf(held[attributionFields.last.at]);
  return {
    ...(first === undefined ? known(valuesOf('first', touch)) : {}),
    ...(last === undefined || last < touch.at.getTime() ? valuesOf('last', touch) : {}),
  };
}

/** All parts of one touch: what it does not say is blank, so that no two touches are mixed. */
function valuesOf(which: Which, touch: Touch): Values {
  const fields = attributionFields[which];
  return Object.fromEntries(
    (Object.keys(fields) as (keyof Touch)[]).map((part) => [fields[part], touch[part] ?? '']),
  );
}

function known(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}

/** Salesforce writes +0000 where JavaScript's own form has +00:00. */
function timeOf(value: unknown): number | undefined {
  if (value instanceof Date) return value.getTime();
  if (typeof value !== 'string' || value === '') return undefined;
  const time = Date.parse(value.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  return Number.isNaN(time) ? undefined : time;
}
