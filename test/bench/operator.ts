import { spawnSync } from 'node:child_process';
import type { Bench, Row } from './row.ts';

export interface OperatorMeasure {
  what: string;
  p50Ms: number;
  p95Ms: number;
  /** Of the processor, in the middle: what is more was waiting for it. */
  cpuMs: number;
}

/** What the operator waits for with a million stored calls. In a process of the runtime, as the bridge would be one. */
export const operator: Bench = async ({ runtime }) => {
  const here = (file: string) => new URL(file, import.meta.url).pathname;
  const { stdout, stderr, status } = spawnSync(
    here(`../../node_modules/.bin/${runtime}`),
    [here('./million-calls.ts')],
    { encoding: 'utf8', maxBuffer: 1e8 },
  );
  if (status !== 0) throw new Error(stderr);
  const measures = JSON.parse(stdout) as OperatorMeasure[];
  return measures.map(
    ({ what, p50Ms, p95Ms, cpuMs }): Row => ({
      runtime,
      what: `a million calls: ${what}`,
      measured: `${p50Ms.toFixed(1)} ms (p95 ${p95Ms.toFixed(1)} ms, CPU ${cpuMs.toFixed(1)} ms)`,
      ...(what.includes('index') ? { bar: 'told' } : { bar: '≤ 100 ms (p95)', met: p95Ms <= 100 }),
    }),
  );
};
