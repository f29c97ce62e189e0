import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Source } from './config/settings.ts';
import { makeFolder } from './runtime/folder.ts';

/**
 * The tokens of every source. A source that has none configured gets one made at first start, kept in a file beside
 * the store that only this user can read, so that its URLs stay the same from then on.
 */
export async function sourceTokens(
  settings: { sources: Record<string, Pick<Source, 'tokens'>> },
  dataDir: string,
): Promise<Record<string, string[]>> {
  const tokens: Record<string, string[]> = {};
  for (const [name, source] of Object.entries(settings.sources)) {
    tokens[name] =
      source.tokens.length > 0 ? source.tokens : [await keptToken(join(dataDir, `${name}.push-token`))];
  }
  return tokens;
}

async function keptToken(file: string): Promise<string> {
  const made = randomBytes(24).toString('base64url');
  try {
    makeFolder(dirname(file));
    // wx: of two that start at once, one makes the token and the other reads it.
    await writeFile(file, `${made}\n`, { mode: 0o600, flag: 'wx' });
    return made;
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotHave(file, reason);
  }
  const kept = (
    await readFile(file, 'utf8').catch((reason) => {
      throw cannotHave(file, reason);
    })
  ).trim();
  if (kept.length < 16)
    throw new Error(`${file} should hold a push token and does not. Delete it to have a new one made.`);
  return kept;
}

function cannotHave(file: string, cause: unknown): Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === undefined) return cause as Error; // a sentence on the folder
  return new Error(
    `The push token in ${file} can be neither read nor made (${message}). Give the file and its folder to the user that the bridge runs as.`,
    { cause },
  );
}
