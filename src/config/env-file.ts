import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import type { ProblemList } from './problems.ts';
import { readText } from './text-file.ts';
import { errorCode, fileReason } from './variables.ts';

/*
 * A file `.env` beside the configuration, for variables that nobody exports: NAME=value, one a line. What the environment
 * has wins over it.
 */

export function envFileOf(configFile: string): string {
  return join(dirname(configFile), '.env');
}

/**
 * A line, or some of a text in quotes, that Node and Bun read alike: an assignment, a comment, both or nothing. A # within
 * a value needs quotes, since the value would end there.
 */
const understood =
  /[ \t]*(?:(?:export[ \t]+)?[A-Za-z_]\w*[ \t]*=[ \t]*(?:'[^']*'|"(?:[^"\\]|\\[^"\\])*"|[^\s'"`#][^#\n]*?)?)?[ \t]*(?:(?<=^|\s)#[^\n]*)?\r?(?:\n|$)/my;

/** Its variables; none when there is no such file. */
export async function readEnvFile(
  file: string,
  problems: ProblemList,
): Promise<{ variables: Record<string, string | undefined>; warning?: string }> {
  let text: string;
  try {
    text = await readText(file);
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') problems.addFile(file, `cannot be read: ${fileReason(cause)}.`);
    return { variables: {} };
  }
  tellOdd(text, file, problems);
  const { mode } = await stat(file);
  const variables = parseEnv(text);
  if ((mode & 0o077) === 0 || process.platform === 'win32') return { variables };
  const shown = problems.shown(file);
  return {
    variables,
    warning: `${shown} has secrets that other users of this machine may read: chmod 600 ${shown}`,
  };
}

/** Of what it says nothing is quoted: it may be a secret. */
function tellOdd(text: string, file: string, problems: ProblemList): void {
  let at = 0;
  for (let line = 1; at < text.length; ) {
    understood.lastIndex = at;
    const end = understood.test(text) ? understood.lastIndex : at;
    if (end === at) {
      problems.add(
        { file, line, column: 1 },
        [],
        "is no NAME=value. Put a value with # or quotes into 'single quotes', and # before a comment.",
      );
      at = text.indexOf('\n', at) + 1 || text.length;
      line++;
    } else {
      line += text.slice(at, end).split('\n').length - 1;
      at = end;
    }
  }
}
