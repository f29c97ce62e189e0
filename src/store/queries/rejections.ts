import { type Selectable, sql } from 'kysely';
import { searchable } from '../../call/kept-body.ts';
import type { RawBody } from '../../call/refusal.ts';
import type { RejectedFilter, RejectedKept, Rejection, StoredRejection } from '../rejections.ts';
import type { RejectedTable } from '../schema.ts';
import { type Db, first, type Question, rows } from './question.ts';

export type RejectedRow = Omit<Selectable<RejectedTable>, 'body'>;

/** All but the body, which may be long. */
export const rejectedColumns = [
  'id',
  'source',
  'cause',
  'mark',
  'count',
  'first_at',
  'last_at',
  'reason',
  'sender',
  'content_type',
  'content_coding',
  'bytes',
] as const;

/** The latest first. */
export function* rejections(
  db: Db,
  { since, source, kept, before, limit, headBytes }: RejectedFilter,
): Question<StoredRejection[]> {
  let query = db
    .selectFrom('rejected')
    .select(rejectedColumns)
    .select(sql<Uint8Array | null>`substr(body, 1, ${headBytes})`.as('head'))
    .where('last_at', '>=', since?.getTime() ?? 0)
    .orderBy('last_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit);
  if (source !== undefined) query = query.where('source', '=', source);
  if (kept !== undefined) query = query.where('bytes', kept ? 'is not' : 'is', null);
  if (before) query = query.where(sql<boolean>`(last_at, id) < (${before.lastAt.getTime()}, ${before.row})`);
  return (yield* rows(query)).map((row) => ({
    ...rejectionOf(row),
    row: row.id,
    bytes: row.bytes,
    head: keptOf(row.bytes, row.head),
  }));
}

/** With its whole body. */
export function* rejection(db: Db, id: number): Question<StoredRejection | null> {
  const row = yield* first(db.selectFrom('rejected').selectAll().where('id', '=', id));
  return row ? { ...rejectionOf(row), row: id, bytes: row.bytes, head: keptOf(row.bytes, row.body) } : null;
}

/** By source and cause; tokens and addresses one by one. The words are those of the last one. */
export function* tallyRejected(db: Db, since: Date): Question<Rejection[]> {
  const mark = sql<string>`case when bytes is null then mark else '' end`;
  const all = sql`partition by source, cause, ${mark}`;
  const query = db
    .selectFrom(
      db
        .selectFrom('rejected')
        .select(['id', 'source', 'cause', mark.as('mark'), 'reason', 'sender'])
        .select([
          sql<number>`sum(count) over (${all})`.as('count'),
          sql<number>`min(first_at) over (${all})`.as('first_at'),
          'last_at',
          sql<number>`row_number() over (${all} order by last_at desc, id desc)`.as('place'),
        ])
        .where('last_at', '>=', since.getTime())
        .as('each'),
    )
    .selectAll()
    .where('place', '=', 1)
    .orderBy('last_at', 'desc')
    .orderBy('id', 'desc');
  return (yield* rows(query)).map(rejectionOf);
}

export function* rejectedKept(db: Db): Question<RejectedKept[]> {
  const kept = yield* rows(
    db
      .selectFrom('rejected')
      .select(({ fn }) => ['source', fn.countAll<number>().as('bodies'), fn.sum<number>('bytes').as('bytes')])
      .where('bytes', 'is not', null)
      .groupBy('source')
      .orderBy('source'),
  );
  return kept.map((row) => ({ ...row }));
}

/** Those with a body of which that is so; one body after the other is read for it. */
export function* rejectedWith(
  db: Db,
  is: (read: ReturnType<typeof searchable>) => boolean,
): Question<number[]> {
  const found: number[] = [];
  const kept = yield* rows(
    db.selectFrom('rejected').select('id').where('bytes', 'is not', null).orderBy('id'),
  );
  for (const { id } of kept) {
    const row = yield* first(db.selectFrom('rejected').selectAll().where('id', '=', id));
    if (row && is(searchable(bodyOf(row)!))) found.push(id);
  }
  return found;
}

export function rejectionOf(row: Omit<RejectedRow, 'content_type' | 'content_coding' | 'bytes'>): Rejection {
  return {
    source: row.source,
    cause: row.cause,
    mark: row.mark,
    reason: row.reason,
    sender: row.sender,
    firstAt: new Date(row.first_at),
    lastAt: new Date(row.last_at),
    count: row.count,
  };
}

/** Null: none is kept. An empty one is read as null by some drivers. */
function keptOf(bytes: number | null, body: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : (body ?? new Uint8Array());
}

export function bodyOf(row: Selectable<RejectedTable>): RawBody | null {
  const bytes = keptOf(row.bytes, row.body);
  return bytes && { bytes, contentType: row.content_type ?? '', contentCoding: row.content_coding ?? '' };
}
