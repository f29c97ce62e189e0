import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

const here = (file: string) => new URL(file, import.meta.url).pathname;

export type Runtime = 'node' | 'bun';

/** One life of the bridge, from its start to its death. */
export class Life {
  readonly #child: ChildProcess;
  readonly dead: Promise<void>;
  /** Null while it lives. */
  endedBy: 'SIGKILL' | 'exit' | null = null;
  /** At the step it was given, rather than by our hand. */
  diedBySelf = false;
  exitCode: number | null = null;
  output = '';
  #isKilled = false;

  /** @param crashAt the step at which it kills itself; 0: never */
  constructor(runtime: Runtime, configPath: string, crashAt: number) {
    const flag = runtime === 'node' ? '--import' : '--preload';
    const preload = ['./crash-points.ts', '../support/survive-full-disk.ts'].flatMap((file) => [
      flag,
      here(file),
    ]);
    this.#child = spawn(
      here(`../../node_modules/.bin/${runtime}`),
      [...preload, here('../../src/cli/main.ts'), '--config', configPath, 'start'],
      {
        env: {
          ...process.env,
          CRASH_AT: String(crashAt),
          NO_COLOR: '1',
          // Of a thousand starts, compiling takes the most. What is killed writes none of it: see `stop`.
          NODE_COMPILE_CACHE: join(dirname(configPath), 'compiled'),
        },
      },
    );
    const read = (chunk: unknown) => (this.output = (this.output + String(chunk)).slice(-20_000));
    this.#child.stdout?.on('data', read);
    this.#child.stderr?.on('data', read);
    this.dead = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.exitCode = code;
        this.endedBy = signal === 'SIGKILL' ? 'SIGKILL' : 'exit';
        this.diedBySelf = this.endedBy === 'SIGKILL' && !this.#isKilled;
        resolve();
      });
    });
  }

  kill(): Promise<void> {
    this.#isKilled = true;
    this.#child.kill('SIGKILL');
    return this.dead;
  }

  stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    return this.dead;
  }

  /** No file of it may grow beyond so many bytes, as on a full disk. */
  limitFiles(bytes: number | 'unlimited'): void {
    if (this.endedBy !== null) return;
    const { status, stderr } = spawnSync('prlimit', [
      '--pid',
      String(this.#child.pid),
      `--fsize=${bytes}:unlimited`,
    ]);
    // It may have died meanwhile.
    if (status !== 0 && !/No such process/.test(String(stderr))) throw new Error(String(stderr));
  }

  /** Whether it answers as ready before it dies or the time is over. */
  async isReady(url: string, withinMs: number): Promise<boolean> {
    const until = Date.now() + withinMs;
    while (this.endedBy === null && Date.now() < until) {
      const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
      if (answer?.ok) return true;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return false;
  }
}
