import { sql } from 'kysely';
import type { RawBody } from '../../call/refusal.ts';
import { type Database, type Statements, statements, value } from '../../runtime/sqlite.ts';
import { bodyMark } from '../body-mark.ts';
import type { NewPush, Recorded } from '../intake.ts';
import {
  bodyOf,
  type RejectedRow,
  rejectedColumns,
  rejectedWith,
  rejectionOf,
} from '../queries/rejections.ts';
import type { KeptPush, NewRejection, ReadAgain, Rejection } from '../rejections.ts';
import { db } from './db.ts';
import type { Prepared } from './prepared.ts';

type Row = RejectedRow;

/** Of a source and cause: tokens or addresses that are told apart. Of further ones the sum is kept. */
const mostMarks = 200;
/** What a body is counted as at least: its row takes room, too. */
const leastBytes = 4_096;
/** Of what is read again in one commit, for which pushes wait. */
const readAtOnce = 50;
const bytesAtOnce = 1024 ** 2;

const noRoomForMark = 'One of many: only so many are told apart.';
const noRoomForBody =
  'The body was let go to make room: retention.rejectedBytes is what is kept of a source.';

/** Pushes that were not taken. Runs within the store's commits. */
export class SqliteLedger {
  readonly #sql: Prepared;
  readonly #do: Statements<typeof queries>;

  constructor(database: Database, sql: Prepared) {
    this.#sql = sql;
    this.#do = statements(database, queries);
  }

  /** @param bytesPerSource of bodies; the latest is kept whatever its length */
  add(rejections: readonly NewRejection[], bytesPerSource: number): Rejection[] {
    return rejections.map((rejection) => {
      const { body, source, cause } = rejection;
      const mark = body ? bodyMark(body) : rejection.mark;
      const row = this.#put({ ...rejection, mark }, body);
      if (body) this.#makeRoom(source, row.id, bytesPerSource);
      else if (mark !== '' && row.count === rejection.count) this.#mergeMarks(source, cause, row.id);
      return rejectionOf(row);
    });
  }

  #put(
    { source, cause, mark, reason, sender, firstAt, lastAt, count }: Rejection,
    body: RawBody | null,
  ): Row {
    return this.#do.put.get({
      source,
      cause,
      mark,
      count,
      firstAt: firstAt.getTime(),
      lastAt: lastAt.getTime(),
      reason,
      sender,
      contentType: body?.contentType ?? null,
      contentCoding: body?.contentCoding ?? null,
      bytes: body?.bytes.length ?? null,
      body: body?.bytes ?? null,
    }) as Row;
  }

  /** Of marks beyond the most, those that came once go first, then those that were not seen for longest. */
  #mergeMarks(source: string, cause: Rejection['cause'], added: number): void {
    const excess = (this.#do.countMarks.get({ source, cause })?.n ?? 0) - mostMarks;
    if (excess <= 0) return;
    for (const row of this.#do.marksToMerge.all({ source, cause, added, excess }))
      this.#merge(row, noRoomForMark);
  }

  #makeRoom(source: string, added: number, bytesPerSource: number): void {
    let over = (this.#do.bytesOf.get({ source, least: leastBytes })?.n ?? 0) - bytesPerSource;
    while (over > 0) {
      const oldest = this.#do.oldestBody.get({ source, added });
      if (!oldest) return;
      over -= Math.max(oldest.bytes as number, leastBytes);
      this.#merge(oldest, noRoomForBody);
    }
  }

  #merge(row: Row, reason: string): void {
    this.#do.remove.run({ id: row.id });
    this.#put({ ...rejectionOf(row), mark: '', reason }, null);
  }

  /**
   * One step of reading bodies again, in the order they came first.
   * @param record records what can be read by now
   */
  readAgain(
    source: string | undefined,
    afterRow: number,
    read: (kept: KeptPush) => NewPush | { reason: string } | null,
    record: (push: NewPush, kept: KeptPush) => Recorded,
  ): ReadAgain {
    const done: ReadAgain = { taken: [], left: 0, passed: 0, lastRow: null };
    let bytes = 0;
    const rows = this.#do.bodiesAfter.all({ source: source ?? null, after: afterRow, limit: readAtOnce });
    for (const [i, { id }] of rows.entries()) {
      const row = this.#do.one.get({ id })!;
      const kept: KeptPush = { ...rejectionOf(row), body: bodyOf(row)! };
      bytes += kept.body.bytes.length;
      const found = read(kept);
      if (found !== null && 'callId' in found) {
        this.#do.remove.run({ id });
        done.taken.push({ push: found, recorded: record(found, kept) });
      } else if (found === null) done.passed++;
      else {
        done.left++;
        if (found.reason !== row.reason) this.#do.setReason.run({ id, reason: found.reason });
      }
      if (bytes >= bytesAtOnce || i === readAtOnce - 1) {
        done.lastRow = id;
        break;
      }
    }
    return done;
  }

  /** Removes what last came before a time. */
  purge(before: Date, limit: number): number {
    return this.#do.purge.run({ before: before.getTime(), limit });
  }

  /** Removes bodies of which the text `holds`, and those that cannot be searched whole, where these are to go, too. */
  erase(holds: (text: string) => boolean, unsearchable: boolean): number {
    const ids = this.#sql.answer(
      rejectedWith(db, ({ text, isAll }) => holds(text) || (unsearchable && !isAll)),
    );
    for (const id of ids) this.#do.remove.run({ id });
    return ids.length;
  }
}

const from = () => db.selectFrom('rejected').select(rejectedColumns);
const queries = {
  put: db
    .insertInto('rejected')
    .values({
      source: value('source'),
      cause: value('cause'),
      mark: value('mark'),
      count: value('count'),
      first_at: value('firstAt'),
      last_at: value('lastAt'),
      reason: value('reason'),
      sender: value('sender'),
      content_type: value('contentType'),
      content_coding: value('contentCoding'),
      bytes: value('bytes'),
      body: value('body'),
    })
    .onConflict((conflict) =>
      conflict.columns(['source', 'cause', 'mark']).doUpdateSet({
        count: sql`rejected.count + excluded.count`,
        first_at: sql`min(rejected.first_at, excluded.first_at)`,
        last_at: sql`max(rejected.last_at, excluded.last_at)`,
        reason: sql`excluded.reason`,
        sender: sql`excluded.sender`,
      }),
    )
    .returning(rejectedColumns),
  countMarks: db
    .selectFrom('rejected')
    .select(({ fn }) => fn.countAll<number>().as('n'))
    .where('source', '=', value('source'))
    .where('cause', '=', value('cause'))
    .where('mark', '!=', '')
    .where('bytes', 'is', null),
  marksToMerge: from()
    .where('source', '=', value('source'))
    .where('cause', '=', value('cause'))
    .where('mark', '!=', '')
    .where('bytes', 'is', null)
    .where('id', '!=', value('added'))
    .orderBy(sql`count > 1`)
    .orderBy('last_at')
    .orderBy('id')
    .limit(sql<number>`${value('excess')}`),
  bytesOf: db
    .selectFrom('rejected')
    .select(sql<number>`coalesce(sum(max(bytes, ${value('least')})), 0)`.as('n'))
    .where('source', '=', value('source'))
    .where('bytes', 'is not', null),
  oldestBody: from()
    .where('source', '=', value('source'))
    .where('bytes', 'is not', null)
    .where('id', '!=', value('added'))
    .orderBy('last_at')
    .orderBy('id')
    .limit(sql.lit(1)),
  one: db.selectFrom('rejected').selectAll().where('id', '=', value('id')),
  bodiesAfter: db
    .selectFrom('rejected')
    .select('id')
    .where('bytes', 'is not', null)
    .where('id', '>', value('after'))
    .where(sql<boolean>`(${value('source')} is null or source = ${value('source')})`)
    .orderBy('id')
    .limit(sql<number>`${value('limit')}`),
  setReason: db
    .updateTable('rejected')
    .set({ reason: value('reason') })
    .where('id', '=', value('id')),
  remove: db.deleteFrom('rejected').where('id', '=', value('id')),
  purge: db
    .deleteFrom('rejected')
    .where(
      'id',
      'in',
      sql<number>`(select id from rejected where last_at < ${value('before')} limit ${value('limit')})`,
    ),
};
