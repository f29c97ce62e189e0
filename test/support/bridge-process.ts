import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bridge, startBridge } from '../../src/main.ts';
import { environment } from '../../src/runtime/environment.ts';
import { commandInProcess, type Ended } from './command-in-process.ts';
import { until } from './until.ts'; // not from suite.ts, which fails a process that ran no test: torture and load run none

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;

/** A running bridge, in a folder of its own. */
export interface RunningBridge {
  url: string;
  push(body: string | Record<string, string>, path?: string): Promise<{ status: number; body: unknown }>;
  /** Everything it wrote so far. */
  output(): string;
}

/** One within this process. */
export interface BridgeHere extends RunningBridge {
  stop(): Promise<void>;
}

/** One with a process of its own. */
export interface BridgeProcess extends RunningBridge {
  pid: number;
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** Resolves with the exit code when it ends by itself. */
  end(): Promise<number | null>;
}

export interface BridgeFolder {
  path: string;
  /** Writes the configuration: sources and listening are given, the rest is the caller's YAML. */
  configure(yaml: string): void;
  start(env?: Record<string, string>): Promise<BridgeProcess>;
  /** The same within this process: for what does not depend on how a process begins, prints and ends. */
  startHere(): Promise<BridgeHere>;
  /** Runs a command to its end: the first of its name in a process of its own, as users do, later ones in this. */
  run(...args: string[]): Promise<Ended>;
  /** The same, where no file can grow beyond so many bytes. */
  runWithFilesOf(bytes: number, env: Record<string, string>, ...args: string[]): Promise<Ended>;
  /** The same, as a user whom the modes of files hold off: nobody, where the tests run as root. */
  runWithoutRights(...args: string[]): Promise<Ended>;
}

export const pushToken = 'a-push-token-for-tests';

const nobody = { uid: 65_534, gid: 65_534 };

/** Commands whose bridge would go on in this process. */
const ofOwnProcess = new Set(['start', 'demo']);
const wasRun = new Set<string>();

/** A folder with a configuration, in which bridges are started, killed and started again. All end with it. */
export async function withBridgeFolder<T>(use: (folder: BridgeFolder) => Promise<T>): Promise<T> {
  const path = mkdtempSync(join(tmpdir(), 'bridge-'));
  const config = join(path, 'bridge.yaml');
  const children = new Set<ChildProcess>();
  const here = new Set<Bridge>();
  const launch = (
    args: string[],
    env: Record<string, string> = {},
    through: string[] = [],
    user: { uid?: number; gid?: number } = {},
  ) => {
    const [program, ...words] = [...through, process.execPath, main, '--config', config, ...args];
    const child = spawn(program as string, words, {
      cwd: path,
      env: { ...process.env, ...env, NO_COLOR: '1' },
      ...user,
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };
  try {
    return await use({
      path,
      configure(yaml) {
        writeFileSync(
          config,
          `listen: { host: 127.0.0.1, port: 0 }\nstore: { url: "sqlite:${path}/data/bridge.db" }\n${yaml}`,
        );
      },
      start: (env) => startIn(launch(['start'], env)),
      async startHere() {
        let output = '';
        const bridge = await startBridge({
          configPath: config,
          env: environment(),
          machine: {
            logTo: {
              write(line) {
                output += line;
              },
            },
          },
        });
        here.add(bridge);
        return {
          url: bridge.url,
          push: pushTo(bridge.url),
          output: () => output,
          async stop() {
            here.delete(bridge);
            await bridge.stop();
          },
        };
      },
      run(...args) {
        const [command = ''] = args;
        if (wasRun.has(command) && !ofOwnProcess.has(command))
          return commandInProcess(path, ['--config', config, ...args]);
        wasRun.add(command);
        return runToEnd(launch(args));
      },
      runWithFilesOf: (bytes, env, ...args) =>
        // Where compiled code was kept, it would end with the limit before anything of ours does.
        runToEnd(
          launch(args, { ...env, NODE_DISABLE_COMPILE_CACHE: '1' }, [
            'prlimit',
            `--fsize=${bytes}:unlimited`,
          ]),
        ),
      runWithoutRights(...args) {
        // A start takes the place of the process on Node, and a backup asks for rights that are those of the process's owner.
        const [command = ''] = args;
        if (ofOwnProcess.has(command) || command === 'backup')
          return runToEnd(launch(args, {}, [], process.getuid?.() === 0 ? nobody : {}));
        return commandInProcess(path, ['--config', config, ...args], 'none');
      },
    });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    for (const bridge of here) await bridge.stop();
    rmSync(path, { recursive: true, force: true });
  }
}

const isReady = /is ready at (http:\/\/127\.0\.0\.1:\d+)\./;

async function startIn(child: ChildProcess): Promise<BridgeProcess> {
  let output = '';
  let code: number | null | undefined;
  child.stdout?.on('data', (chunk) => (output += String(chunk)));
  child.stderr?.on('data', (chunk) => (output += String(chunk)));
  child.once('close', (exitCode) => (code = exitCode));
  await until(
    `the bridge to listen`,
    () => {
      if (code !== undefined) throw new Error(`the bridge ended with ${code}:\n${output}`);
      return isReady.test(output);
    },
    30_000,
  );
  const url = isReady.exec(output)?.[1] as string;
  await until('the bridge to be ready', async () => {
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    return answer?.ok ?? false;
  });
  const end = async () => {
    await until('the bridge to end', () => code !== undefined, 20_000);
    return code ?? null;
  };
  return {
    url,
    pid: child.pid as number,
    push: pushTo(url),
    output: () => output,
    async kill(signal) {
      child.kill(signal);
      return end();
    },
    end,
  };
}

function pushTo(url: string): RunningBridge['push'] {
  return async (body, path = '') => {
    const answer = await fetch(`${url}/push/${pushToken}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json() };
  };
}

function runToEnd(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr?.on('data', (chunk) => (stderr += String(chunk)));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}
