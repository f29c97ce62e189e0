import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fields } from '../../src/call/push.ts';
import type { NewPush } from '../../src/store/intake.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';

export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'delacon-bridge-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A store in a folder of its own, gone afterwards. */
export function withSqliteStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    const store = await openNewStore(join(folder, 'bridge.db'));
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  });
}

let image: Promise<Buffer> | undefined;

/** Opens a new store in `file`. It is a copy of one that was made once: making the tables costs more than most tests. */
export async function openNewStore(file: string): Promise<Store> {
  image ??= withFolder(async (folder) => {
    const made = join(folder, 'bridge.db');
    await (await openSqliteStore(made, 'bridge')).close();
    return readFile(made);
  });
  await writeFile(file, await image, { mode: 0o600, flag: 'wx' });
  return openSqliteStore(file, 'bridge');
}

/** A push as receiving makes it, from its fields. It goes to `crm`, unless another route is given. */
export function newPush(fields: Fields, more: Partial<NewPush> = {}): NewPush {
  return {
    source: 'acme',
    callId: fields['PLA_Call_Id'] ?? '',
    fields,
    body: JSON.stringify(fields),
    receivedAt: new Date('2026-11-02T03:15:00.000Z'),
    lapseAfterMs: 3_600_000,
    route: () => ['crm'],
    ...more,
  };
}
