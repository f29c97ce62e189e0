import { tmpdir } from 'node:os';
import { systemClock } from '../../src/clock.ts';
import { boundedFetch } from '../../src/connector/bounded-answer.ts';
import type { RecordRef, Tools } from '../../src/connector/index.ts';
import { type RateLimit, rateLimit } from '../../src/connector/rate-limit.ts';
import { createLog } from '../../src/log.ts';

export interface TestTools extends Tools {
  /** What `countRequest` was told, in order. */
  counted: { kind: string; status: number | 'failed' }[];
  /** The own map of people, as it stands. */
  known: Map<string, RecordRef>;
  /** What the connector keeps between runs. */
  kept: Map<string, string>;
}

/** What a connection gets from the bridge, with nothing behind it but memory. */
export function testTools(overrides: Partial<Tools> = {}): TestTools {
  const known = new Map<string, RecordRef>();
  const kept = new Map<string, string>();
  const counted: TestTools['counted'] = [];
  const clock = overrides.clock ?? systemClock;
  const limits = new Map<string, RateLimit>();
  return {
    name: 'test',
    fetch: boundedFetch(fetch),
    clock,
    log: createLog('silent'),
    dataDir: tmpdir(),
    people: {
      async find(numbers) {
        return new Map(
          numbers.flatMap((number) => (known.has(number) ? [[number, known.get(number)!]] : [])),
        );
      },
      async remember(people) {
        for (const [number, record] of people) known.set(number, record);
      },
      async forget(numbers) {
        for (const number of numbers) known.delete(number);
      },
    },
    memory: {
      async recall(names) {
        return new Map(names.flatMap((name) => (kept.has(name) ? [[name, kept.get(name)!]] : [])));
      },
      async remember(texts) {
        for (const [name, text] of texts) kept.set(name, text);
      },
      async forget(names) {
        for (const name of names) kept.delete(name);
      },
    },
    countRequest: (kind, status) => counted.push({ kind, status }),
    // As in the bridge, a limit outlives its connection.
    rateLimit(requests, perMs) {
      const name = `${requests} ${perMs}`;
      const limit = limits.get(name) ?? rateLimit(clock, requests, perMs);
      limits.set(name, limit);
      return limit;
    },
    ...overrides,
    known,
    kept,
    counted,
  };
}
