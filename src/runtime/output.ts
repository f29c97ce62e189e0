import { constants, fstatSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import sonicBoom from 'sonic-boom';

/*
 * Standard output and error, which whoever reads them may stop reading: a paused terminal, a log shipper that is stuck.
 * Nothing waits for that. So much is held as is written here, and what is beyond is counted and said.
 */

const mostHeldBytes = 1024 ** 2;
/** At the end of the process, for what is held. */
const lastPatienceMs = 500;

/**
 * A terminal, opened once more for us alone, so that its shell goes on as it was. A write to one that is paused (Ctrl-S) would
 * hold a thread, without which Node does not end, whatever signal comes.
 */
function withoutWaiting(fd: number): number {
  try {
    return openSync(`/dev/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd; // there is no such folder, or it is another user's terminal
  }
}

export class Output {
  readonly #stream: sonicBoom.SonicBoom;
  readonly #tellOmission: (lines: number) => string;
  #omitted = 0;
  /** Since when something waits to be written that does not get on; by `performance.now()`. */
  #waitingSince: number | null = null;
  #isEnding = false;
  /** The last write failed: at the end the library would try it again for ever. */
  #fails = false;

  /**
   * @param fd 1 or 2. A pipe is made one that does not block, as the runtimes themselves do.
   * @param tellOmission the line that says how many could not be held
   */
  constructor(fd: 1 | 2, tellOmission: (lines: number) => string) {
    this.#tellOmission = tellOmission;
    void (fd === 1 ? process.stdout : process.stderr).isTTY; // looking at it does
    const endsBy = () => (this.#waitingSince ?? 0) + lastPatienceMs;
    this.#stream = new sonicBoom.SonicBoom({
      fd: isatty(fd) ? withoutWaiting(fd) : fd,
      sync: fstatSync(fd).isFile(), // which holds nobody up, and has each line at once
      maxLength: mostHeldBytes,
      retryEAGAIN: () => !this.#isEnding || performance.now() < endsBy(),
    });
    this.#stream.on('drop', () => this.#omitted++);
    this.#stream.on('write', () => (this.#waitingSince = performance.now()));
    this.#stream.on('write', () => (this.#fails = false));
    this.#stream.on('drain', () => this.#drained());
    // The reader is gone, or the log's disk is full: it is held, and tried again with the next line.
    this.#stream.on('error', () => (this.#fails = true));
    process.on('exit', () => this.#end());
  }

  /** Whole lines, each with its end. */
  write(lines: string): void {
    this.#waitingSince ??= performance.now();
    this.#stream.write(lines);
  }

  /** For who is about to end the process: a write that is under way then is left to chance. */
  async written(): Promise<void> {
    const end = performance.now() + lastPatienceMs;
    while (this.#waitingSince !== null && !this.#fails && performance.now() < end) await sleep(5);
  }

  #drained(): void {
    this.#waitingSince = null;
    if (this.#omitted === 0) return;
    const omitted = this.#omitted;
    this.#omitted = 0;
    this.write(this.#tellOmission(omitted));
  }

  /** Who has not read for long will not now, and a terminal that is paused would hold the end up. */
  #end(): void {
    this.#isEnding = true;
    const now = performance.now();
    if (this.#fails || this.#waitingSince === null || now - this.#waitingSince > lastPatienceMs) return;
    this.#waitingSince = now;
    try {
      this.#stream.flushSync();
    } catch {
      // Nobody is left who could be told.
    }
  }
}
