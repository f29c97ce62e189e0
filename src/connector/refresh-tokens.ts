import { createHash } from 'node:crypto';
import type { DryRun, Tools } from './contract.ts';
import type { Memory } from './memory.ts';

/** Under which name the memory keeps the refresh token that replaced the configured one. */
const rotatedName = 'refreshToken';

/**
 * The refresh token of an app: the configured one, until a log-in brings another in its place. That one is kept before
 * anything else is done with the answer: the one before may be used up.
 */
export class RefreshTokens {
  readonly #configured: string;
  readonly #memory: Memory;
  #current: string;
  /** Issued and not yet kept: the store could not take it. */
  #unkept: string | undefined;

  constructor(configured: string, { memory }: Pick<Tools, 'memory'>) {
    this.#configured = configured;
    this.#memory = memory;
    this.#current = configured;
  }

  /** What to log in with now. */
  async current(): Promise<string> {
    this.#current = this.#unkept ?? (await this.#rotated()) ?? this.#configured;
    return this.#current;
  }

  /** Texts that must never be shown. */
  get secrets(): string[] {
    return [...new Set([this.#configured, this.#current, this.#unkept ?? this.#configured])];
  }

  /** @param issued the refresh token that came with an access token, if one did */
  async keep(issued: string | undefined): Promise<void> {
    const token = issued !== undefined && issued !== this.#current ? issued : this.#unkept;
    if (!token) return;
    this.#unkept = token;
    const text = JSON.stringify({ token, of: digest(this.#configured) });
    await this.#memory.remember(new Map([[rotatedName, text]]));
    this.#unkept = undefined;
    this.#current = token;
  }

  /** The one that replaced the configured one, unless somebody has configured another since. */
  async #rotated(): Promise<string | undefined> {
    const text = (await this.#memory.recall([rotatedName])).get(rotatedName);
    if (text === undefined) return undefined;
    const { token, of } = JSON.parse(text) as { token: string; of: string };
    return of === digest(this.#configured) ? token : undefined;
  }
}

/** A memory for a dry run: a refresh token that was really replaced is really kept. */
export function keepingRotated(memory: Memory, { keep }: DryRun): Memory {
  return {
    ...memory,
    async remember(texts) {
      const rotated = texts.get(rotatedName);
      if (rotated !== undefined) await keep?.(new Map([[rotatedName, rotated]]));
      await memory.remember(texts);
    },
  };
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
