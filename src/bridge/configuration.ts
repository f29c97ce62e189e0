import type { Config } from '../config/load.ts';
import { ConfigProblems } from '../config/problems.ts';
import type { Settings } from '../config/settings.ts';
import { createLog, type Log, redactor, secretHider } from '../log.ts';
import { publicPath } from '../operator/public-path.ts';
import { AddressList } from '../receive/addresses.ts';
import { PushRate } from '../receive/rate-limit.ts';
import type { Receiving } from '../receive/routes.ts';
import { TokenTable } from '../receive/tokens.ts';
import type { Kept } from '../store/kept.ts';
import { dataDirOf } from '../store/open.ts';
import { ownCommand } from '../text/own-command.ts';
import { counted } from '../text/plural.ts';
import { madeOperatorToken, pushTokens } from './made-tokens.ts';

export interface ConfigurationOptions {
  /** @throws ConfigProblems */
  load(): Promise<Config>;
  now(): Date;
  /** Instead of one made from `log.level`. */
  log?: Log | undefined;
  /** Where lines of the log made from it go. Undefined: standard output. */
  logTo?: Parameters<typeof createLog>[2];
}

interface Tokens {
  /** By source. */
  push: Record<string, string[]>;
  operator: string;
}

/** Thousands of sources may lack the same thing. */
const mostWarnings = 20;

/** What is configured and in force, with what follows from it for receiving and for what the log must not tell. */
export class Configuration {
  readonly log: Log;
  readonly dataDir: string;
  readonly #options: ConfigurationOptions;
  readonly #started: Record<string, unknown>;
  /** Those of before a reload stay hidden: Delacon may use an old token for a while. */
  readonly #secrets = new Set<string>();
  #config: Config;
  #files: readonly string[];
  #store: Kept | undefined;
  #tokens: Tokens = { push: {}, operator: '' };
  #receiving: Receiving;
  #publicFolder = '';
  #redact = (text: string) => text;
  #hide = (text: string) => text;

  private constructor(config: Config, options: ConfigurationOptions) {
    this.#options = options;
    this.#config = config;
    this.#files = config.files;
    this.#started = readAtStartOnly(config.settings);
    this.#receiving = receivingOf(config.settings, {}, options.now());
    this.dataDir = dataDirOf(config.settings.store.url);
    this.log =
      options.log ?? createLog(config.settings.log.level, (line) => this.#redact(line), options.logTo);
  }

  /** @throws ConfigProblems */
  static async load(options: ConfigurationOptions): Promise<Configuration> {
    return new Configuration(await options.load(), options);
  }

  get settings(): Settings {
    return this.#config.settings;
  }

  /** The user's file. Undefined: there is none, and the built-in settings are in force. */
  get file(): string | undefined {
    return this.#config.file;
  }

  /** All that were read, or that were to be read when the last reload failed. */
  get files(): readonly string[] {
    return this.#files;
  }

  /** Of the public address: `/bridge`; empty where the bridge has its host to itself. */
  get publicFolder(): string {
    return this.#publicFolder;
  }

  get receiving(): Receiving {
    return this.#receiving;
  }

  get operatorToken(): string {
    return this.#tokens.operator;
  }

  /** The token to be told of a source; '' where there is no such source. */
  pushTokenOf(source: string): string {
    return this.#tokens.push[source]?.[0] ?? '';
  }

  /** A text without secrets and the middle of numbers. */
  readonly redact = (text: string): string => this.#redact(text);

  /** A text without secrets. */
  readonly hide = (text: string): string => this.#hide(text);

  /** Takes tokens that nobody configured from the store, where they are made once. @throws with a sentence for the operator */
  async useStore(store: Kept): Promise<void> {
    this.#store = store;
    this.#adopt(this.#config, await this.#tokensFor(this.settings));
  }

  /** No push is taken from now on. */
  close(): void {
    this.#receiving = { ...this.#receiving, closing: true };
  }

  /** Takes a changed configuration over. Undefined, and the log says why: it was not. */
  async reload(): Promise<{ before: Settings } | undefined> {
    const before = this.settings;
    try {
      const config = await this.#options.load();
      this.#adopt(config, await this.#tokensFor(config.settings));
    } catch (problem) {
      if (problem instanceof ConfigProblems)
        this.#files = [...new Set([...this.#config.files, ...problem.files])];
      this.log.error(`The changed configuration was not taken over:\n${(problem as Error).message}`);
      return undefined;
    }
    return { before };
  }

  /** After a reload: says what of it waits for the next start. */
  tellInForce(): void {
    const now = readAtStartOnly(this.settings);
    const waiting = Object.keys(now).filter((name) => now[name] !== this.#started[name]);
    if (waiting.length === 0) this.log.info('The changed configuration is in force.');
    else
      this.log.warn(
        `The changed configuration is in force, but for ${waiting.join(', ')}: restart the bridge for that.`,
      );
  }

  #adopt(config: Config, tokens: Tokens): void {
    this.#config = config;
    this.#files = config.files;
    this.#tokens = tokens;
    for (const secret of [...config.secrets, ...Object.values(tokens.push).flat(), tokens.operator])
      this.#secrets.add(secret);
    this.#redact = redactor([...this.#secrets]);
    this.#hide = secretHider([...this.#secrets]);
    this.#tellWarnings();
    this.#publicFolder = publicPath(config.settings.listen.publicUrl);
    const { closing } = this.#receiving;
    this.#receiving = { ...receivingOf(config.settings, tokens.push, this.#options.now()), closing };
  }

  async #tokensFor(settings: Settings): Promise<Tokens> {
    const store = this.#store as Kept;
    const push = await pushTokens(settings, {
      store,
      dataDir: this.dataDir,
      moved: (file) =>
        this.log.warn(
          `The push token of ${file} is in the store from now on, and the file is gone. Make a new backup: those of before do not hold it.`,
        ),
    });
    return { push, operator: settings.operator.token ?? (await madeOperatorToken({ store })) };
  }

  #tellWarnings(): void {
    const { warnings } = this.#config;
    for (const warning of warnings.slice(0, mostWarnings)) this.log.warn(warning);
    const more = warnings.length - mostWarnings;
    if (more > 0) this.log.warn(`${counted(more, 'further warning')}: ${ownCommand('check')} has them all.`);
  }
}

/** Settings that a bridge which runs goes on with, though they were changed. */
function readAtStartOnly({ listen, store, receive, log }: Settings): Record<string, unknown> {
  return {
    'listen.host': listen.host,
    'listen.port': listen.port,
    'store.url': store.url,
    'receive.timeout': receive.timeoutMs,
    'log.level': log.level,
  };
}

function receivingOf(settings: Settings, tokens: Tokens['push'], now: Date): Receiving {
  const withTokens = Object.entries(tokens).map(([name, list]) => [name, { tokens: list }] as const);
  return {
    tokens: new TokenTable(Object.fromEntries(withTokens)),
    sources: new Map(
      Object.entries(settings.sources).map(([name, source]) => [
        name,
        {
          allowFrom: new AddressList(source.allowFrom),
          rate: source.rateLimit === undefined ? undefined : new PushRate(source.rateLimit, now.getTime()),
          lapseAfterMs: source.lapseAfterMs,
        },
      ]),
    ),
    proxies: new AddressList(settings.listen.trustedProxies),
    ...settings.receive,
    closing: false,
  };
}
