import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadOptions, LoadResult } from './load.ts';

export type Runtime = 'node' | 'bun';

const here = (file: string) => new URL(file, import.meta.url).pathname;
export const binary = (runtime: Runtime) => here(`../../node_modules/.bin/${runtime}`);

export const pushToken = 'a-push-token-for-benches';

export interface Server {
  url: string;
  port: number;
  /** Milliseconds from the start of the process to its first line with a URL. */
  readyMs: number;
  /** Resident memory now, and at most so far, in MB. */
  memory(): { now: number; most: number };
  /** Halts it, or lets it go on: what one still has to do must not take time from the one that is measured. */
  halt(halted: boolean): void;
  stop(): Promise<void>;
}

/** The bridge as an operator starts it, in a folder of its own. */
export async function startBridge(runtime: Runtime, connectors: string): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const config = join(folder, 'bridge.yaml');
  writeFileSync(
    config,
    `listen: { host: 127.0.0.1, port: 0 }
store: { url: "sqlite:${folder}/bridge.db" }
log: { level: warn }
sources: { acme: { tokens: [${pushToken}] } }
connectors: ${connectors}
`,
  );
  const main = here('../../src/cli/main.ts');
  return start(spawn(binary(runtime), [main, '--config', config, 'start']), () =>
    rmSync(folder, { recursive: true, force: true }),
  );
}

/** One of the servers that the bridge is measured against. */
export function startRoute(runtime: Runtime, file: 'bare-route.ts' | 'one-row-route.ts'): Promise<Server> {
  return start(spawn(binary(runtime), [here(`./${file}`)]), () => {});
}

export const idleConnector = `{ idle: { type: ${here('./idle-connector.ts')} } }`;
export const sandboxConnector = '{ box: { type: sandbox } }';

async function start(child: ChildProcess, cleanUp: () => void): Promise<Server> {
  const started = performance.now();
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: unknown) => {
      output += String(chunk);
      const found = /(http:\/\/127\.0\.0\.1:\d+)\/push\//.exec(output)?.[1];
      if (found) resolve(found);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (code) => reject(new Error(`it ended with ${code}:\n${output}`)));
  });
  const readyMs = performance.now() - started;
  return {
    url,
    port: Number(new URL(url).port),
    readyMs,
    memory() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      const of = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
      return { now: of('VmRSS'), most: of('VmHWM') };
    },
    halt: (halted) => void child.kill(halted ? 'SIGSTOP' : 'SIGCONT'),
    async stop() {
      child.kill('SIGKILL'); // what is measured is over, and nothing in the folder is kept
      await new Promise((resolve) => child.once('close', resolve));
      cleanUp();
    },
  };
}

/** Always under Node, whichever runtime is measured. */
export function load(options: LoadOptions): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary('node'), [here('./load.ts'), JSON.stringify(options)]);
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    child.once('close', (code) =>
      code === 0 ? resolve(JSON.parse(output) as LoadResult) : reject(new Error(output)),
    );
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
