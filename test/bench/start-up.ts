import { median, sandboxConnector, startBridge } from './processes.ts';
import type { Bench } from './row.ts';

/** From the start of the process to its URLs, which it prints when it listens. */
export const startUp: Bench = async ({ runtime }) => {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const bridge = await startBridge(runtime, sandboxConnector);
    times.push(bridge.readyMs);
    await bridge.stop();
  }
  const ms = median(times);
  return [
    { runtime, what: 'start to ready', measured: `${Math.round(ms)} ms`, bar: '≤ 1000 ms', met: ms <= 1000 },
  ];
};
