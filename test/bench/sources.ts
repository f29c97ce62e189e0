import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSample } from '../../src/call/sample-pushes.ts';
import { createLog } from '../../src/log.ts';
import { median } from './processes.ts';
import type { Bench, Row } from './row.ts';

/*
 * What ten thousand sources cost against one, in the same run: processor time, so that what else the machine does counts
 * for little. Pushes come one after the other, over HTTP.
 */

const many = 10_000;
const pushes = 2_000;
const lines = 20_000;

const here = (file: string) => new URL(file, import.meta.url).pathname;
const main = here('../../src/cli/main.ts');
const tokenOf = (n: number) => `push-token-of-client-${n}`;

function configOf(folder: string, sources: number, region = 'AU'): string {
  const each = Array.from(
    { length: sources },
    (_, n) =>
      `  client-${n}: { tokens: [${tokenOf(n)}], timezone: Australia/Sydney, region: ${n === 0 ? region : 'AU'}, callIdPrefix: c${n}- }\n`,
  );
  return `listen: { host: 127.0.0.1, port: 0 }
store: { url: "sqlite:${folder}/bridge.db" }
log: { level: info }
sources:
${each.join('')}connectors: { idle: { type: ${here('./idle-connector.ts')} } }
routes: [{ to: [idle] }]
`;
}

/** Of the processor, in milliseconds. */
interface Costs {
  start: number;
  push: number;
  line: number;
  reload: number;
  command: number;
  memoryMb: number;
}

async function costsOf(runtime: string, sources: number, rounds: number): Promise<Costs> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const config = join(folder, 'bridge.yaml');
  writeFileSync(config, configOf(folder, sources));
  const binary = here(`../../node_modules/.bin/${runtime}`);
  const child = spawn(binary, [main, '--config', config, 'start']);
  try {
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (output += String(chunk)));
    const said = async (what: RegExp) => {
      while (!what.test(output)) {
        if (child.exitCode !== null) throw new Error(output);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await said(/Its page/);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] as string;
    const start = cpuMs(child);
    const push = async (count: number) => {
      for (let n = 0; n < count; n++) {
        const body = startSample.replace('1122334', `${n}`);
        const answer = await fetch(`${url}/push/${tokenOf(n % sources)}`, { method: 'POST', body });
        await answer.arrayBuffer();
        if (!answer.ok) throw new Error(`A push was answered with ${answer.status}.`);
      }
    };
    await push(500); // compiled by then
    const pushed: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = cpuMs(child);
      await push(pushes);
      pushed.push((cpuMs(child) - before) / pushes);
    }
    const before = cpuMs(child);
    writeFileSync(config, configOf(folder, sources, 'NZ'));
    await said(/is in force/);
    const reload = cpuMs(child) - before;
    const memoryMb =
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
    const command = childMs(() => {
      const { status, stderr } = spawnSync(binary, [main, '--config', config, 'calls', '--limit', '5']);
      if (status !== 0) throw new Error(String(stderr));
    });
    return { start, push: median(pushed), line: lineMs(sources), reload, command, memoryMb };
  } finally {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of a line of the log, which every secret is looked for in. */
function lineMs(sources: number): number {
  const secrets = Array.from({ length: sources }, (_, n) => tokenOf(n));
  const log = createLog('info', secrets, { write() {} });
  const write = () => {
    for (let n = 0; n < lines; n++)
      log.info({ connector: 'crm', call: `${n}`, attempt: 1, tookMs: 12 }, 'Delivered.');
  };
  write();
  const before = process.cpuUsage();
  write();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / lines;
}

const ticksPerSecond = 100;

function cpuMs({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond;
}

/** Of the processes that ended meanwhile. */
function childMs(run: () => void): number {
  const spent = () => {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
    return ((Number(fields[13]) + Number(fields[14])) * 1_000) / ticksPerSecond;
  };
  const before = spent();
  run();
  return spent() - before;
}

export const sources: Bench = async ({ runtime, rounds }) => {
  const one = await costsOf(runtime, 1, rounds);
  const all = await costsOf(runtime, many, rounds);
  const row = (what: string, name: keyof Costs, most?: number): Row => {
    const ratio = all[name] / one[name];
    const digits = all[name] < 10 ? 4 : 0;
    const unit = name === 'memoryMb' ? 'MB' : 'ms';
    return {
      runtime,
      what: `${many} sources: ${what}`,
      measured: `${ratio.toFixed(2)} × one (${one[name].toFixed(digits)} → ${all[name].toFixed(digits)} ${unit})`,
      ...(most === undefined ? { bar: 'told' } : { bar: `≤ ${most} ×`, met: ratio <= most }),
    };
  };
  return [
    row('CPU of a push over HTTP', 'push', 1.1),
    row('CPU of a log line', 'line', 1.1),
    row('CPU of the start', 'start'),
    row('CPU of a reload of one changed source', 'reload'),
    row('CPU of the command calls', 'command'),
    row('memory at most', 'memoryMb'),
  ];
};
