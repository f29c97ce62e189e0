import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { StoreUnavailable } from '../store.ts';

/*
 * SQLite goes on writing to the file that it has open, also when that has been removed, or another one has its name: what
 * is acknowledged then is gone with the process. So the names are looked at between each commit and its answers, and by
 * the clock while nothing comes.
 */

/** What became of the store's file. */
export interface Loss {
  /**
   * `moved`: its name leads to another file, or to none; what it holds can be read still.
   * `overwritten`: another one's content was put into it.
   * `log`: SQLite's log or its index beside it was taken away, or our claim, and what was in the log can be put into the
   * file still.
   */
  kind: 'moved' | 'overwritten' | 'log';
  /** For the operator. */
  sentence: string;
}

const lookEveryMs = 500;

/** A database's header (https://sqlite.org/fileformat.html): what is read of it, and where. */
const headerBytes = 100;
const writeVersionAt = 18;
const userVersionAt = 60;

export class OpenedFile {
  readonly #named: string;
  readonly #mark: number;
  readonly #fd: number;
  readonly #files: { path: string; was: Stats }[];
  readonly #header = Buffer.alloc(headerBytes);
  readonly #timer: NodeJS.Timeout;
  readonly #told = Promise.withResolvers<Loss>();
  #isMarked = false;
  #loss: Loss | null = null;

  /**
   * @param named as the operator named it: a link may come to lead elsewhere
   * @param path of the file itself, which the store has open and has written to
   * @param mark the user version that it was given, which no copy has that is older than this bridge
   */
  constructor(named: string, path: string, mark: number) {
    this.#named = named;
    this.#mark = mark;
    // Never closed before the database: the system then drops every lock that this process has on the file.
    this.#fd = openSync(path, 'r');
    this.#files = [named, `${path}-wal`, `${path}-shm`, `${path}.lock`].map((name) => ({
      path: name,
      was: statSync(name),
    }));
    this.#timer = setInterval(() => {
      try {
        this.#look();
      } catch {
        // It cannot be told, as when a folder may not be entered for a while. What is written meanwhile is refused.
      }
    }, lookEveryMs).unref();
  }

  /** Resolves when the file is the store's no more. */
  get lost(): Promise<Loss> {
    return this.#told.promise;
  }

  /** What `lost` told, if it did. */
  get loss(): Loss | null {
    return this.#loss;
  }

  /** Before something is written, so that it is not written into what somebody has just put there. @throws when lost */
  mustHaveItsContent(): void {
    this.#must(() => this.#lookAtContent());
  }

  /** After it was written, before that is acknowledged. @throws when lost */
  mustBeThere(): void {
    this.#must(() => this.#look());
  }

  #must(look: () => void): void {
    try {
      if (!this.#loss) look();
    } catch (cause) {
      throw new StoreUnavailable(`${this.#named} cannot be looked at (${(cause as Error).message}).`, {
        cause,
      });
    }
    if (this.#loss) throw new StoreUnavailable(this.#loss.sentence);
  }

  /** After the database was closed. */
  close(): void {
    clearInterval(this.#timer);
    closeSync(this.#fd);
  }

  #look(): void {
    if (!this.#lookAtNames()) this.#lookAtContent();
  }

  /** Whether one of them was lost. */
  #lookAtNames(): boolean {
    for (const { path, was } of this.#files) {
      const now = statSync(path, { throwIfNoEntry: false });
      if (now && now.ino === was.ino && now.dev === was.dev) continue;
      const what = now ? 'replaced by another file' : 'removed or renamed';
      // Said first of all by the file's own name, since with its folder all names are gone.
      this.#lose(path === this.#named ? 'moved' : 'log', `${path} was ${what} while the bridge ran.`);
      return true;
    }
    return false;
  }

  #lookAtContent(): void {
    const header = this.#header;
    const isWhole = readSync(this.#fd, header, 0, headerBytes, 0) === headerBytes;
    const mark = header.readUInt32BE(userVersionAt);
    // Until SQLite has brought it from its log into the file, there is the one before.
    if (isWhole && mark === this.#mark) this.#isMarked = true;
    const isOurs =
      isWhole &&
      header[writeVersionAt] === 2 && // with a write-ahead log, as no backup has it
      (!this.#isMarked || mark === this.#mark);
    // Without our claim it may be another bridge's mark: its log is not ours to save.
    if (!isOurs && !this.#lookAtNames())
      this.#lose('overwritten', `${this.#named} was overwritten while the bridge ran.`);
  }

  #lose(kind: Loss['kind'], what: string): void {
    this.#loss = {
      kind,
      sentence: `${what} Pushes are refused, and the bridge ends. Stop it before you touch its files.`,
    };
    clearInterval(this.#timer);
    this.#told.resolve(this.#loss);
  }
}
