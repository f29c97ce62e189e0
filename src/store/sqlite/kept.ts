import { type Database, type Statements, statements, value } from '../../runtime/sqlite.ts';
import type { CommitQueue } from './commit-queue.ts';
import { db } from './db.ts';

/** What the bridge keeps for itself, and the links that sign a browser in. */
export class SqliteKept {
  readonly #queue: CommitQueue;
  readonly #do: Statements<typeof queries>;

  constructor(database: Database, queue: CommitQueue) {
    this.#queue = queue;
    this.#do = statements(database, queries);
  }

  text(name: string): string | null {
    return this.#do.kept.get({ name })?.text ?? null;
  }

  async keep(name: string, text: string): Promise<void> {
    await this.#queue.write(() => this.#do.keep.run({ name, text }));
  }

  keepFirst(name: string, text: string): Promise<string> {
    return this.#queue.write(() => {
      this.#do.keepFirst.run({ name, text });
      return this.#do.kept.get({ name })!.text;
    });
  }

  async addLink(digest: string, now: Date, expiresAt: Date): Promise<void> {
    await this.#queue.write(() => {
      this.#do.forgetLinks.run({ now: now.getTime() });
      this.#do.addLink.run({ digest, expiresAt: expiresAt.getTime() });
    });
  }

  useLink(digest: string, now: Date): Promise<boolean> {
    return this.#queue.write(() => this.#do.useLink.run({ digest, now: now.getTime() }) > 0);
  }
}

const insert = db.insertInto('kept').values({ name: value('name'), text: value('text') });
const queries = {
  kept: db.selectFrom('kept').select('text').where('name', '=', value('name')),
  keep: insert.onConflict((conflict) => conflict.column('name').doUpdateSet({ text: value('text') })),
  keepFirst: insert.onConflict((conflict) => conflict.doNothing()),
  forgetLinks: db.deleteFrom('sign_in_links').where('expires_at', '<=', value('now')),
  addLink: db.insertInto('sign_in_links').values({ digest: value('digest'), expires_at: value('expiresAt') }),
  useLink: db
    .deleteFrom('sign_in_links')
    .where('digest', '=', value('digest'))
    .where('expires_at', '>', value('now')),
};
