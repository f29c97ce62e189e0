import { hash, randomBytes } from 'node:crypto';

/**
 * Finds the source of a token. What is compared is a digest of what was presented, made with a key of this process:
 * how long the look-up takes tells nothing of how near a guess came.
 */
export class TokenTable {
  readonly #key = randomBytes(32).toString('hex');
  readonly #sources = new Map<string, string>();

  constructor(sources: Readonly<Record<string, { tokens: readonly string[] }>>) {
    for (const [source, { tokens }] of Object.entries(sources)) {
      for (const token of tokens) this.#sources.set(this.#digest(token), source);
    }
  }

  sourceOf(token: string): string | undefined {
    return this.#sources.get(this.#digest(token));
  }

  #digest(token: string): string {
    return hash('sha256', `${this.#key}${token}`);
  }
}
