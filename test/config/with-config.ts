import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Config, loadConfig } from '../../src/config/load.ts';
import { ConfigProblems } from '../../src/config/problems.ts';

/** A connector without a CRM, as YAML names it. */
export const crm = fileURLToPath(new URL('fixtures/crm.ts', import.meta.url));

export type Env = Record<string, string | undefined>;

export interface Folder {
  path: string;
  write(file: string, text: string | Buffer): Promise<void>;
  load(env?: Env, path?: string): Promise<Config>;
  /** What is wrong, as it is printed; empty when nothing is. */
  problems(env?: Env, path?: string): Promise<string>;
}

/** A working directory with these files. A text alone is config/bridge.yaml. */
export async function withConfig<T>(
  files: string | Record<string, string | Buffer>,
  use: (folder: Folder) => Promise<T>,
): Promise<T> {
  const path = await mkdtemp(join(tmpdir(), 'bridge-config-'));
  const write = async (file: string, text: string | Buffer) => {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), text);
  };
  const load = (env: Env = {}, file?: string) => loadConfig(file, { env, cwd: path });
  const problems = async (env: Env = {}, file?: string) => {
    try {
      await load(env, file);
      return '';
    } catch (thrown) {
      if (thrown instanceof ConfigProblems) return thrown.message;
      throw thrown;
    }
  };
  try {
    for (const [file, text] of Object.entries(
      typeof files === 'string' ? { 'config/bridge.yaml': files } : files,
    ))
      await write(file, text);
    return await use({ path, write, load, problems });
  } finally {
    await rm(path, { recursive: true });
  }
}

export function load(files: string | Record<string, string | Buffer>, env?: Env): Promise<Config> {
  return withConfig(files, (folder) => folder.load(env));
}

/** The problems without their file, one a line: `2:5 listen.port: must be …`. */
export async function problemsOf(yaml: string, env?: Env): Promise<string> {
  const text = await withConfig(yaml, (folder) => folder.problems(env));
  return text.replace(/^config\/bridge\.yaml:(\S+) +/gm, '$1 ');
}
