import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Source } from '../config/settings.ts';
import type { Kept } from '../store/kept.ts';

/*
 * Tokens that nobody configured: the bridge makes them once and keeps them in the store, so that they stay the same from
 * then on, and a restored backup has them, too.
 */

/** Where tokens are kept, and the folder that versions before this one kept them in, a file each. */
export interface Keeping {
  store: Pick<Kept, 'kept' | 'keepFirst'>;
  dataDir: string;
  /** Told of each token that was taken over from a file. */
  moved?(file: string): void;
}

const newToken = () => randomBytes(24).toString('base64url');

/**
 * The push tokens of every source.
 * @throws with a sentence for the operator
 */
export async function pushTokens(
  settings: { sources: Record<string, Pick<Source, 'tokens'>> },
  keeping: Keeping,
): Promise<Record<string, string[]>> {
  const isMade = Object.values(settings.sources).some(({ tokens }) => tokens.length === 0);
  const files = new Set(isMade ? await readdir(keeping.dataDir).catch(() => []) : []);
  // Together, so that those of ten thousand sources are one commit.
  const tokens = await Promise.all(
    Object.entries(settings.sources).map(async ([name, { tokens: configured }]) => {
      if (configured.length > 0) return [name, configured] as const;
      const file = `${name}.push-token`;
      const inFile = files.has(file) ? join(keeping.dataDir, file) : undefined;
      return [name, [await madePushToken(name, inFile, keeping)]] as const;
    }),
  );
  return Object.fromEntries(tokens);
}

/** What opens the operator page where `operator.token` is not set. */
export async function madeOperatorToken({ store }: Pick<Keeping, 'store'>): Promise<string> {
  return (await store.kept('operator token')) ?? store.keepFirst('operator token', newToken());
}

async function madePushToken(
  source: string,
  file: string | undefined,
  { store, moved }: Keeping,
): Promise<string> {
  const name = `push token of ${source}`;
  const kept = await store.kept(name);
  const ofFile = file === undefined ? undefined : await tokenIn(file, kept === null);
  if (file === undefined || ofFile === undefined) return kept ?? store.keepFirst(name, newToken());
  const token = kept ?? (await store.keepFirst(name, ofFile));
  // Only now: killed before this, the next start finds it in both places, and that of the store is the one.
  if (token === ofFile) {
    await rm(file, { force: true }).catch(() => {}); // it has nothing to say any more
    moved?.(file);
  }
  return token;
}

/** @param needed the store has none, so what cannot be read would be another URL than the one that Delacon calls */
async function tokenIn(file: string, needed: boolean): Promise<string | undefined> {
  let token: string;
  try {
    token = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || !needed) return undefined;
    throw new Error(
      `The push token in ${file} cannot be read (${message}). Give the file to the user that the bridge runs as: its token is taken into the store.`,
      { cause },
    );
  }
  if (token.length >= 16) return token;
  if (!needed) return undefined;
  throw new Error(`${file} should hold a push token and does not. Delete it to have a new one made.`);
}

/** How long a link that signs a browser in may be used. It may be used once. */
export const linkMs = 15 * 60_000;

/**
 * A link that signs a browser in as the operator. The code stands behind a #: browsers send that to nobody, so neither a
 * proxy's log nor a referrer has it. The store knows its digest alone, whichever process made it.
 */
export async function signInLink(
  store: Pick<Kept, 'addSignInLink'>,
  baseUrl: string,
  now: Date,
): Promise<string> {
  const code = newToken();
  await store.addSignInLink(linkDigest(code), now, new Date(now.getTime() + linkMs));
  return `${baseUrl.replace(/\/+$/, '')}/sign-in#${code}`;
}

export function linkDigest(code: string): string {
  return createHash('sha256').update(code).digest('base64url');
}
