import { copyFileSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../../runtime/folder.ts';
import type { Database } from '../../runtime/sqlite.ts';
import { StoreUnavailable } from '../store.ts';
import type { CommitQueue } from './commit-queue.ts';
import { removeLeftOverLog } from './left-over-log.ts';
import type { OpenedFile } from './opened-file.ts';

/** Marks our database files in the header, so that a foreign one is refused ("delB"). */
export const applicationId = 0x64656c42;
/** How long a look at whether the store can be written to waits for one: whoever asks does not wait for long. */
const probePatienceMs = 1_000;
/**
 * A push as receiving stores one, taken back: it meets what a push would meet of the pages that it changes. What is not
 * taken back writes one page as it was, which meets the disk.
 */
const probe = `pragma application_id=${applicationId};
savepoint probe;
insert into calls (source, call_id, revision, lane, first_received_at, last_received_at, lapsed, lapse_at)
  values ('', '', 1, '', 0, 0, 0, 0);
insert into pushes (call, received_at, body, repeats) values (last_insert_rowid(), 0, '{}', 0);
insert into calls_to_index (call, push) select call, id from pushes where id = last_insert_rowid();
insert into deliveries
  (call, connector, state, wanted_revision, delivered_revision, due_at, attempts, failures, records)
  select max(id), '', 'due', 1, 0, 0, 0, 0, '{}' from calls;
rollback to probe;
release probe;`;

/** Once a write did not fit, a page that does tells nothing of the next: as much as the longest push takes, and gone again. */
const room = [
  "insert or replace into kept (name, text) values ('room', hex(zeroblob(200 * 1024)))",
  "delete from kept where name = 'room'",
];

/** The file that the store is, as its keeper sees it. */
export class SqliteFile {
  readonly #path: string;
  readonly #database: Database;
  readonly #queue: CommitQueue;
  readonly #opened: OpenedFile | undefined;

  /** @param opened the bridge's eye on the file */
  constructor(path: string, database: Database, queue: CommitQueue, opened: OpenedFile | undefined) {
    this.#path = path;
    this.#database = database;
    this.#queue = queue;
    this.#opened = opened;
  }

  /** @throws StoreUnavailable once the file is lost */
  mustBeThere(): void {
    if (this.#opened?.loss) throw new StoreUnavailable(this.#opened.loss.sentence);
  }

  async size(): Promise<Record<string, number>> {
    const bytesOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    return { database: bytesOf(this.#path), wal: bytesOf(`${this.#path}-wal`) };
  }

  async backup(file: string): Promise<void> {
    // A reader among others: the bridge writes on meanwhile, and the copy is as of now.
    this.#database.prepare('vacuum into ?').run(file);
  }

  async checkWritable(): Promise<void> {
    await this.#queue.write(() => this.#database.exec(probe), probePatienceMs);
    if (this.#queue.damage) throw this.#queue.damage;
    if (!this.#queue.wantsRoom) return;
    for (const sql of room) await this.#queue.write(() => this.#database.exec(sql), probePatienceMs);
    this.#queue.wantsRoom = false;
  }

  watch(changed: () => void): () => void {
    const version = this.#database.prepare('pragma data_version');
    const read = () => version.get()?.['data_version'];
    let seen = read();
    const timer = setInterval(() => {
      let now: typeof seen;
      try {
        now = read();
      } catch {
        return; // whoever needs the store says what is wrong with it; the next look may be let
      }
      if (now === seen) return;
      seen = now;
      changed();
    }, 500);
    timer.unref();
    return () => clearInterval(timer);
  }

  get lost(): Promise<string> {
    return this.#opened?.lost.then(({ sentence }) => sentence) ?? new Promise(() => {});
  }

  async rescue(): Promise<string> {
    const path = this.#path;
    const at = new Date().toISOString().replace(/[:.]/g, '-');
    switch (this.#opened?.loss?.kind) {
      case undefined:
        return 'Nothing was lost.';
      case 'log':
        this.#database.exec('pragma wal_checkpoint(truncate)');
        return `All that it held has been put into ${path}: nothing was lost.`;
      case 'moved': {
        const copy = `${path}.saved-${at}`;
        makeFolder(dirname(copy)); // it may be the folder that was renamed
        await this.backup(copy);
        return `All that it held is saved as ${copy}. To go on with that, put it where store.url points before you start the bridge.`;
      }
      case 'overwritten':
        // When it is closed, or opened again, SQLite would write the log of the one over the other.
        copyFileSync(`${path}-wal`, `${path}-wal.saved-${at}`);
        truncateSync(`${path}-wal`);
        removeLeftOverLog(path);
        return `What it held is gone, but for the latest changes: SQLite's log is saved as ${path}-wal.saved-${at}.`;
    }
  }
}
