import type { Assumption, Connection } from '../../src/connector/index.ts';
import type { VirtualTime } from './virtual-clock.ts';

export interface Probed {
  results: Assumption[];
  /** What it ended with, if not well. */
  problem: string | undefined;
  /** The result whose assumption begins so. */
  about(beginning: string): Assumption;
  /** What does not hold, by the assumptions' texts. */
  failing(): string[];
}

/** Longer waits are those for answers, and answers come by themselves. */
const longestSleepMs = 10_000;

/** Runs the probe of a connection; virtual time passes while it waits. */
export async function runProbe(
  connection: Connection,
  time: VirtualTime,
  signal = new AbortController().signal,
  seen: (result: Assumption) => void = () => {},
): Promise<Probed> {
  const results: Assumption[] = [];
  let problem: string | undefined;
  let isOver = false;
  if (!connection.probe) throw new Error('there is no probe');
  const running = connection.probe
    .run(signal, (result) => {
      results.push(result);
      seen(result);
    })
    .catch((thrown) => {
      problem = thrown instanceof Error ? thrown.message : String(thrown);
    })
    .finally(() => {
      isOver = true;
    });
  while (!isOver) {
    if (time.nextIn() <= longestSleepMs) await time.pass(time.nextIn(), async () => {});
    await new Promise(setImmediate);
  }
  await running;
  return {
    results,
    problem,
    about(beginning) {
      const found = results.find(({ assumption }) => assumption.startsWith(beginning));
      if (!found) throw new Error(`nothing was found out about "${beginning}": ${JSON.stringify(results)}`);
      return found;
    },
    failing: () => results.filter(({ holds }) => holds === false).map(({ assumption }) => assumption),
  };
}
