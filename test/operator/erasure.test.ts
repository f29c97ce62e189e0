import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ErasureOf } from '../../src/operator/erasure.ts';
import { openDatabase } from '../../src/runtime/sqlite.ts';
import type { Lease } from '../../src/store/leases.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';
import { load } from '../config/with-config.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';
import { newPush, withFolder } from '../support/with-store.ts';

const erasing = suite('erasing a number');

const number = '+61412345678';
const now = new Date('2026-11-02T04:00:00.000Z');
const later = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
const yaml = `{ sources: { acme: { tokens: [a-token-for-acme], region: AU } }, connectors: { box: { type: sandbox } } }`;

/** A store in a file, and what erases the number in it. */
function withCaller(
  use: (at: { store: Store; file: string; folder: string; erasure: ErasureOf }) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const store = await openSqliteStore(file, 'bridge');
    const { settings } = await load(yaml);
    try {
      await use({ store, file, folder, erasure: new ErasureOf(number, store, settings) });
    } finally {
      await store.close();
    }
  });
}

const called = (id: string, caller: string, more: Record<string, string> = {}) =>
  startPush(id, { PLA_Caller_Phone_Number: caller, ...more });

const idsIn = async (store: Store) =>
  (await store.calls({ limit: 100 })).map(({ state }) => state.callId).sort();

erasing('calls go however the number was written, also those of a source that is configured no more', () =>
  withCaller(async ({ store, erasure }) => {
    const spellings = [
      '+61412345678',
      '0412 345 678',
      '(0412) 345-678',
      '61412345678',
      '0412\u00a0345\u00a0678',
      '０４１２３４５６７８',
      '0412.345.678',
      '0412_345_678',
      '0412%20345%20678',
      '0412+345+678',
    ];
    for (const [i, written] of spellings.entries()) {
      await store.record(newPush(called(`a${i}`, written)));
      await store.record(newPush(called(`b${i}`, written), { source: 'gone' }));
    }
    // Named by an earlier push only: the call is somebody else's now.
    await store.record(newPush(called('c', '0412 345 678')));
    await store.record(newPush(called('c', '0411 222 333')));
    await store.record(newPush(called('other', '0412 345 679')));
    await store.record(newPush(endPush('answered', { PLA_Answering_Point: '0412 345 678' })));

    const held = await erasure.holdings();
    assert.equal([held.number, held.calls, held.elsewhere], ['+6141***678', 21, 1]);
    const done = await erasure.erase(now);
    assert.equal([done.erased.calls, done.left, done.elsewhere, done.inLog], [21, 0, 1, false]);
    assert.equal(await idsIn(store), ['answered', 'other']);
  }),
);

erasing('a rejected push that holds the number goes, too, however it is written there', () =>
  withCaller(async ({ store, erasure }) => {
    const bodies = [
      '{"a":"0412 345 678',
      'a=%2B61+412+345+678',
      '{"a":"0412\\u00a0345\\u00a0678"',
      '0412 345 679',
    ];
    const rejection = {
      source: 'acme',
      cause: 'unreadable' as const,
      mark: '',
      reason: 'The body is not JSON.',
      sender: '127.0.0.1',
      firstAt: now,
      lastAt: now,
      count: 1,
    };
    await store.reject(
      bodies.map((body) => ({
        ...rejection,
        body: { bytes: Buffer.from(body), contentType: 'application/json', contentCoding: '' },
      })),
      100_000,
    );
    assert.is((await erasure.erase(now)).erased.unreadable, 3);
    const [left, ...others] = await store.rejections({ limit: 10, headBytes: 100 });
    assert.equal([Buffer.from(left!.head!).toString(), others], ['0412 345 679', []]);
  }),
);

erasing('a rejected push that cannot be searched is told, and goes where that is wanted', () =>
  withCaller(async ({ store, erasure }) => {
    const packed = Buffer.from('{"a":"0412 345 678').toString('base64');
    const bodies: [body: string | Uint8Array, contentCoding?: string][] = [
      [gzipSync('{"a":"0412 345 678'), 'gzip'], // as a later version finds what this one could not unpack
      [gzipSync('{"a":"0412 345 678').subarray(0, 20), 'gzip'],
      ['what zstd makes of it', 'zstd'],
      [packed.repeat(2)],
      [`--x\r\nContent-Transfer-Encoding: base64\r\n\r\n${packed}\r\n--x--`],
      [Uint8Array.of(8, 150, 1, 0x12, 4, 7, 7, 7, 7)],
      ['{"a":"0411 222 333'],
      ['{"a":"\x1b0411 222 333\tand\r\n'],
    ];
    await store.reject(
      bodies.map(([body, contentCoding = '']) => ({
        source: 'acme',
        cause: 'unreadable' as const,
        mark: '',
        reason: 'It cannot be read.',
        sender: '127.0.0.1',
        firstAt: now,
        lastAt: now,
        count: 1,
        body: { bytes: Buffer.from(body), contentType: '', contentCoding },
      })),
      100_000,
    );
    assert.is((await erasure.holdings()).unsearchable, 5);
    const first = await erasure.erase(now);
    assert.equal([first.erased.unreadable, first.unsearchable], [1, 5]);
    const second = await erasure.erase(now, true);
    assert.equal([second.erased.unreadable, second.unsearchable], [5, 0]);
    assert.is((await store.rejections({ limit: 10, headBytes: 1 })).length, 2);
  }),
);

erasing('what a CRM said of another call does not tell the number any more', () =>
  withCaller(async ({ store, erasure }) => {
    await store.record(newPush(called('1', '0411 222 333')));
    const lease = (await store.acquireLease('crm', 'me', now, 60_000)) as Lease;
    const [due] = await store.takeDue('crm', now, 10);
    const reason = 'The CRM answered 400: "0412 345 678 is taken".';
    await store.settle(lease, [
      {
        callRow: due!.callRow,
        revision: due!.revision,
        records: {},
        attempt: {
          at: now,
          tookMs: 1,
          outcome: 'rejected',
          reason,
          notes: ['Left out: +61 412 345 678.'],
          requests: 1,
          batch: 1,
        },
        next: { state: 'failed' },
      },
    ]);
    await erasure.erase(now);
    const said = JSON.stringify([await store.stories('1'), await store.connectorStates()]);
    assert.match(said, 'is taken');
    assert.not.match(said, /345\W*678/);
  }),
);

erasing('a delivery that was under way does not bring the number back, and a later call may', () =>
  withCaller(async ({ store, erasure, file, folder }) => {
    await store.record(newPush(called('1', '0412 345 678')));
    await erasure.erase(now);
    const person = new Map([[number, { type: 'contact', id: '7' }]]);
    const memory = new Map([[`openFollowUps/${number}`, '[]']]);
    const write = async () => {
      await store.rememberPeople('crm', person);
      await store.remember('crm', memory);
      return [
        (await store.findPeople('crm', [number])).size,
        (await store.recall('crm', [...memory.keys()])).size,
      ];
    };
    assert.equal(await write(), [0, 0]);
    await store.rememberPeople('crm', new Map([['+61411222333', { type: 'contact', id: '8' }]]));
    assert.is((await store.findPeople('crm', ['+61411222333'])).size, 1, 'nobody else is concerned');
    assert.not.match(bytesOf(folder), '412345678');

    // A command may have erased it, beside the bridge whose delivery it is.
    const beside = await openSqliteStore(file, 'command');
    await beside.record(newPush(called('2', '0411 222 333')));
    await beside.close();
    assert.equal(await write(), [0, 0]);
    await store.record(newPush(called('3', '+61412345678')));
    assert.equal(await write(), [1, 1]);
  }),
);

erasing('what was under way has ended after an hour, or when the clock was set back', () =>
  withCaller(async ({ store, erasure }) => {
    for (const then of [later(61), later(-5)]) {
      await erasure.erase(now);
      await store.finishErasures(later(30));
      await store.rememberPeople('crm', new Map([[number, { type: 'contact', id: '7' }]]));
      assert.is((await store.findPeople('crm', [number])).size, 0);
      await store.finishErasures(then);
      await store.rememberPeople('crm', new Map([[number, { type: 'contact', id: '7' }]]));
      assert.is((await store.findPeople('crm', [number])).size, 1);
    }
  }),
);

erasing('while somebody reads the file it is said that the log still holds it, and it goes afterwards', () =>
  withCaller(async ({ store, erasure, file, folder }) => {
    await store.record(newPush(called('1', '+61412345678')));
    const reader = openDatabase(file);
    reader.exec('begin; select count(*) from calls;');
    assert.is((await erasure.erase(now)).inLog, true);
    assert.is((await store.finishErasures(now)).inLog, true);
    assert.match(bytesOf(folder), '412345678');
    reader.exec('commit');
    reader.close();
    assert.is((await store.finishErasures(now)).inLog, false);
    assert.not.match(bytesOf(folder), '412345678');
  }),
);

erasing('nothing of what was erased stays behind in the file, where SQLite moved rows about', () =>
  withCaller(async ({ store, erasure, folder }) => {
    for (let i = 0; i < 120; i++) {
      const caller = i % 3 === 1 ? '0411 222 333' : '0412345678';
      const more = {
        PLA_Landing_Page: `https://acme.example/?tel=${caller}&n=${'x'.repeat((i * 37) % 300)}`,
      };
      await store.record(newPush(called(`c${i}`, caller, more)));
      await store.record(newPush(endPush(`c${i}`, { PLA_ExtraTracking: caller.repeat(i % 4) })));
    }
    assert.is((await erasure.erase(now)).erased.calls, 80);
    assert.not.match(bytesOf(folder), '0412345678');
    assert.is((await idsIn(store)).length, 40);
  }),
);

function bytesOf(folder: string): string {
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name)).toString('latin1'))
    .join('\n');
}

erasing.run();
