import type * as z from 'zod';
import { type Asked, asFailure, bisect, type PartWritten } from '../../src/crm/index.ts';
import { type BatchAnswer, batchAnswer, type Row, type RowError } from './answers.ts';
import { type Circumstances, type Failure, failureOfOmission, failureOfRow } from './failures.ts';
import { keyNames } from './setup-names.ts';
import type { HubSpotRequests } from './transport.ts';

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
  requests: HubSpotRequests,
  asked: Asked,
  inputs: readonly I[],
  signal: AbortSignal,
  inputsOf: (part: readonly I[]) => readonly object[],
  { schema = batchAnswer, explain }: Reading = {},
): Promise<Map<string, Written>> {
  const where = requests.circumstances(asked.request);
  const write = async (part: readonly I[]): Promise<PartWritten<I, Written>> => {
    try {
      const written = { ...asked, body: { inputs: inputsOf(part) }, writes: true } as const;
      const data = await requests.send(written, signal, schema);
      return fateOfEach(part, data, where);
    } catch (thrown) {
      const refusal = asFailure<Failure>(thrown);
      const failure = (await explain?.(refusal)) ?? refusal;
      explain = undefined; // once is enough: the parts are refused alike
      return { written: new Map(), refused: new Map(part.map((input) => [input, { failure }])) };
    }
  };
  const uses = ({ properties }: I, { failure }: Written) =>
    failure?.cure?.what === 'property' && failure.cure.property in properties;
  const written = await bisect(inputs, largestBatch, write, uses);
  return new Map([...written].map(([{ objectWriteTraceId }, fate]) => [objectWriteTraceId, fate]));
}

/**
 * By trace id, by id, or by the key that a row shows. They are apart: a call's key may look like an id. An error that
 * names nobody is about those of whom nothing is said: they are sent again until it is clear about whom.
 */
function fateOfEach<I extends Input & { id?: string }>(
  inputs: readonly I[],
  answer: BatchAnswer,
  where: Circumstances,
): PartWritten<I, Written> {
  const rows = new Map<string, Row>();
  const errors = new Map<string, RowError>();
  for (const row of answer.results) {
    for (const name of namesOfRow(row)) rows.set(name, row);
  }
  for (const error of answer.errors) {
    for (const name of namesOfError(error)) errors.set(name, error);
  }
  const written = new Map<I, Written>();
  const unnamed = new Set(answer.errors);
  const open: I[] = [];
  for (const input of inputs) {
    const names = namesOfInput(input);
    const row = names.map((name) => rows.get(name)).find(Boolean);
    const error = names.map((name) => errors.get(name)).find(Boolean);
    if (error) unnamed.delete(error);
    if (row) written.set(input, { row });
    else if (error) written.set(input, { failure: failureOfRow(error, where) });
    else open.push(input);
  }
  const [error] = unnamed;
  const refusal = error && { failure: failureOfRow(error, where) };
  if (refusal) return { written, refused: new Map(open.map((input) => [input, refusal])) };
  for (const input of open) written.set(input, { failure: failureOfSilent(input, where) });
  return { written, refused: new Map() };
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
