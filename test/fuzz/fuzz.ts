import { pick, seeded } from '../support/random.ts';
import { mutated } from './mutate.ts';
import { allTargets, type Target } from './targets.ts';

export interface FuzzReport {
  seed: number;
  inputs: Record<string, number>;
  /** What broke, and on which input. */
  broken: string[];
  /** The slowest input of each target, in milliseconds of the process's own time. */
  slowest: Record<string, number>;
  /** Growth of the heap over the last half, in MB. */
  grewMb: number;
}

/** An input that takes more of the processor's time than this is an attack, however busy the machine is besides. */
const slowestMs = 400;
const mostBroken = 20;

/** Gives every target inputs that were good once, and are no more. */
export async function fuzz(
  seed: number,
  inputs: number,
  progress: (done: number) => void = () => {},
): Promise<FuzzReport> {
  const random = seeded(seed);
  const targets = await allTargets();
  const wheel = targets.flatMap((target) => new Array<Target>(target.share).fill(target));
  const report: FuzzReport = { seed, inputs: {}, broken: [], slowest: {}, grewMb: 0 };
  let heapAtHalf = 0;
  try {
    for (let done = 0; done < inputs && report.broken.length < mostBroken; done++) {
      const target = pick(random, wheel);
      const broken = (target.mutate ?? mutated)(random, pick(random, target.corpus), target.corpus);
      await feed(target, broken, report);
      if (done === Math.floor(inputs / 2)) heapAtHalf = heapMb();
      if (done % 10_000 === 0) progress(done);
    }
    report.grewMb = Math.max(0, Math.round(heapMb() - heapAtHalf));
    return report;
  } finally {
    for (const target of targets) await target.close?.();
  }
}

async function feed(target: Target, input: string, report: FuzzReport): Promise<void> {
  report.inputs[target.name] = (report.inputs[target.name] ?? 0) + 1;
  const begun = process.cpuUsage();
  const shown = () =>
    JSON.stringify(input.length > 300 ? `${input.slice(0, 300)}… (${input.length})` : input);
  try {
    await target.read(input);
  } catch (thrown) {
    report.broken.push(`${target.name} broke on ${shown()}: ${(thrown as Error).stack ?? thrown}`);
  }
  const tookMs = msSince(begun);
  report.slowest[target.name] = Math.max(report.slowest[target.name] ?? 0, Math.round(tookMs));
  // Once more, so that a collection of garbage is not taken for slowness.
  if (tookMs > slowestMs && (await isSlow(target, input)))
    report.broken.push(`${target.name} took ${Math.round(tookMs)} ms for ${shown()}`);
}

async function isSlow(target: Target, input: string): Promise<boolean> {
  const begun = process.cpuUsage();
  await Promise.resolve(target.read(input)).catch(() => {});
  return msSince(begun) > slowestMs;
}

function msSince(begun: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}

function heapMb(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed / 1e6;
}
