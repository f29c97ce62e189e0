import { join } from 'node:path';
import { kyselyOver, openDatabase } from '../../src/runtime/sqlite.ts';
import { callsAndDeliveries } from '../../src/store/migrations/001-calls-and-deliveries.ts';
import { rejected } from '../../src/store/migrations/009-rejected.ts';
import { rejections } from '../../src/store/queries/rejections.ts';
import type { Tables } from '../../src/store/schema.ts';
import { Prepared } from '../../src/store/sqlite/prepared.ts';
import { assert, suite } from '../support/suite.ts';
import { withFolder } from '../support/with-store.ts';

const migration = suite('unreadable pushes of an older store');

migration('they are kept, the very same body once, and can be read again', () =>
  withFolder(async (folder) => {
    const database = openDatabase(join(folder, 'bridge.db'));
    const db = kyselyOver<Tables>(database);
    await callsAndDeliveries.up(db);
    const add = database.prepare(
      'insert into unreadable (received_at, source, reason, body) values (?, ?, ?, ?)',
    );
    for (const [at, source, reason, body] of [
      [1_000, 'acme', 'The body is not JSON.', '{"a": "é'],
      [2_000, 'acme', 'The body is empty.', ''],
      [3_000, 'acme', 'Newer.', '{"a": "é'],
      [4_000, 'other', 'The body is not JSON.', '{"a": "é'],
    ] as const)
      add.run(at, source, reason, body);
    await rejected.up(db);
    const kept = new Prepared(database).answer(rejections(db, { kept: true, limit: 10, headBytes: 100 }));
    assert.equal(
      kept.map((one) => [
        one.source,
        one.cause,
        one.reason,
        one.count,
        one.firstAt.getTime(),
        one.lastAt.getTime(),
        Buffer.from(one.head!).toString(),
      ]),
      [
        ['other', 'unreadable', 'The body is not JSON.', 1, 4_000, 4_000, '{"a": "é'],
        ['acme', 'unreadable', 'Newer.', 2, 1_000, 3_000, '{"a": "é'],
        ['acme', 'unreadable', 'The body is empty.', 1, 2_000, 2_000, ''],
      ],
    );
    database.close();
  }),
);

migration.run();
