import type * as z from 'zod';
import { type BatchAnswer, batchAnswer, type Row, type RowError } from './answers.ts';
import {
  type Circumstances,
  type Failure,
  failureOfOmission,
  failureOfRow,
  RequestFailed,
} from './failures.ts';
import type { Asked, Requests } from './requests.ts';
import { keyNames } from './setup-names.ts';

export const largestBatch = 100;

export type Properties = Record<string, string>;

/** One of a batch to be written. The trace id makes HubSpot tell the fate of each instead of refusing all. */
export interface Input {
  objectWriteTraceId: string;
  properties: Properties;
}

export type Written = { row: Row; failure?: undefined } | { failure: Failure; row?: undefined };

interface Reading {
  schema?: z.ZodType<BatchAnswer>;
  /** What the refusal of the whole means. */
  explain?: ((failure: Failure) => Promise<Failure>) | undefined;
}

/**
 * Writes a batch and tells what became of each input, by trace id. HubSpot answers in an order of its own, and may
 * leave an input out without a word: only what an answer names is written.
 */
export async function writeBatch<I extends Input>(
  requests: Requests,
  request: string,
  inputs: readonly I[],
  signal: AbortSignal,
  ask: (part: readonly I[]) => Asked,
  { schema = batchAnswer, explain }: Reading = {},
): Promise<Map<string, Written>> {
  const written = new Map<string, Written>();
  const pending: (readonly I[])[] = [];
  for (let start = 0; start < inputs.length; start += largestBatch) {
    pending.push(inputs.slice(start, start + largestBatch));
  }
  for (let part = pending.shift(); part; part = pending.shift()) {
    const current = part;
    try {
      const data = await requests.send(request, signal, schema, { ...ask(current), writes: true });
      const { fates, again } = fateOfEach(current, data, requests.circumstances(request));
      for (const [trace, one] of fates) written.set(trace, one);
      pending.push(...again);
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      const failure = (await explain?.(thrown.failure)) ?? thrown.failure;
      explain = undefined; // once is enough: the parts are refused alike
      const { doomed, again } = splitRefused(current, failure);
      for (const input of doomed) written.set(input.objectWriteTraceId, { failure });
      pending.push(...again);
    }
  }
  return written;
}

/**
 * By trace id, by id, or by the key that a row shows. They are apart: a call's key may look like an id. An error that
 * names nobody is about those of whom nothing is said: they are sent again until it is clear about whom.
 */
function fateOfEach<I extends Input & { id?: string }>(
  inputs: readonly I[],
  answer: BatchAnswer,
  where: Circumstances,
): { fates: Map<string, Written>; again: (readonly I[])[] } {
  const rows = new Map<string, Row>();
  const errors = new Map<string, RowError>();
  for (const row of answer.results) {
    for (const name of namesOfRow(row)) rows.set(name, row);
  }
  for (const error of answer.errors) {
    for (const name of namesOfError(error)) errors.set(name, error);
  }
  const fates = new Map<string, Written>();
  const unnamed = new Set(answer.errors);
  const open: I[] = [];
  for (const input of inputs) {
    const names = namesOfInput(input);
    const row = names.map((name) => rows.get(name)).find(Boolean);
    const error = names.map((name) => errors.get(name)).find(Boolean);
    if (error) unnamed.delete(error);
    if (row) fates.set(input.objectWriteTraceId, { row });
    else if (error) fates.set(input.objectWriteTraceId, { failure: failureOfRow(error, where) });
    else open.push(input);
  }
  const [error] = unnamed;
  if (error === undefined || open.length === 0) {
    for (const input of open) fates.set(input.objectWriteTraceId, { failure: failureOfSilent(input, where) });
    return { fates, again: [] };
  }
  const failure = failureOfRow(error, where);
  const { doomed, again } = splitRefused(open, failure);
  for (const input of doomed) fates.set(input.objectWriteTraceId, { failure });
  return { fates, again };
}

/**
 * HubSpot refused all of these: who is to blame, and what to send again. One that stands alone is to blame, and so
 * is each that uses a property HubSpot does not have; otherwise the batch is halved.
 */
function splitRefused<I extends Input>(
  inputs: readonly I[],
  failure: Failure,
): { doomed: readonly I[]; again: (readonly I[])[] } {
  const { cure } = failure;
  if (cure?.what === 'property') {
    const doomed = inputs.filter((input) => cure.property in input.properties);
    const rest = inputs.filter((input) => !(cure.property in input.properties));
    if (doomed.length > 0) return { doomed, again: rest.length > 0 ? [rest] : [] };
  }
  const isWorthHalving = failure.kind === 'rejected' || cure?.what === 'smaller';
  if (!isWorthHalving || inputs.length === 1) return { doomed: inputs, again: [] };
  const middle = Math.ceil(inputs.length / 2);
  return { doomed: [], again: [inputs.slice(0, middle), inputs.slice(middle)] };
}

const namesOfRow = (row: Row) => [
  `trace ${row.objectWriteTraceId}`,
  `id ${row.id}`,
  ...keyNames.map((key) => `${key} ${row.properties[key]}`),
];

const namesOfInput = (input: Input & { id?: string }) => [
  `trace ${input.objectWriteTraceId}`,
  ...(input.id === undefined
    ? keyNames.filter((key) => key in input.properties).map((key) => `${key} ${input.properties[key]}`)
    : [`id ${input.id}`]),
];

const namesOfError = ({ context }: RowError) => [
  ...(context?.['objectWriteTraceId'] ?? []).map((trace) => `trace ${trace}`),
  ...(context?.['ids'] ?? []).map((id) => `id ${id}`),
];

function failureOfSilent(input: { id?: string }, where: Circumstances): Failure {
  // A record that was merged into another is passed over in silence when it is updated.
  const silence = failureOfOmission(where);
  return input.id === undefined ? silence : { ...silence, cure: { what: 'gone' } };
}
