import { tmpdir } from 'node:os';
import { systemClock } from '../../src/clock.ts';
import type { RecordRef, Tools } from '../../src/connector/contract.ts';
import { rateLimit } from '../../src/connector/rate-limit.ts';
import { createLog } from '../../src/log.ts';

export interface TestTools extends Tools {
  /** What `countRequest` was told, in order. */
  counted: { kind: string; status: number | 'failed' }[];
  /** The own map of people, as it stands. */
  known: Map<string, RecordRef>;
}

/** What a connection gets from the bridge, with nothing behind it but memory. */
export function testTools(overrides: Partial<Tools> = {}): TestTools {
  const known = new Map<string, RecordRef>();
  const counted: TestTools['counted'] = [];
  const clock = overrides.clock ?? systemClock;
  return {
    name: 'test',
    fetch,
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
    countRequest: (kind, status) => counted.push({ kind, status }),
    rateLimit: (requests, perMs) => rateLimit(clock, requests, perMs),
    ...overrides,
    known,
    counted,
  };
}
