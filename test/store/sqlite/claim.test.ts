import { linkSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isMountPoint } from '../../../src/store/sqlite/claim.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import { startPush } from '../../support/build-push.ts';
import { assert, suite } from '../../support/suite.ts';
import { newPush, withFolder } from '../../support/with-store.ts';

const claims = suite('claim');

async function refusal(file: string, role: 'bridge' | 'command' = 'bridge'): Promise<string> {
  try {
    await (await openSqliteStore(file, role)).close();
  } catch (reason) {
    return (reason as Error).message;
  }
  return 'it was opened';
}

/* Each name had a lock of its own: two bridges ran on one file. */
claims('a second bridge is refused whatever name it has for the file', () =>
  withFolder(async (folder) => {
    const data = join(folder, 'data');
    mkdirSync(data);
    symlinkSync('data', join(folder, 'linked-folder'));
    symlinkSync('data/bridge.db', join(folder, 'link.db')); // the file is not there yet
    symlinkSync('link.db', join(folder, 'link-to-link.db'));
    const names = [
      join(data, 'bridge.db'),
      join(folder, 'link.db'),
      join(folder, 'link-to-link.db'),
      join(folder, 'linked-folder', 'bridge.db'),
      relative(process.cwd(), join(data, 'bridge.db')),
    ];
    for (const first of names) {
      const bridge = await openSqliteStore(first, 'bridge');
      await bridge.record(newPush(startPush(first)));
      for (const second of names)
        assert.is(
          await refusal(second),
          `Another delacon-bridge runs on ${second}. Stop it first, or give this one another store.url.`,
        );
      const command = await openSqliteStore(names[1] as string, 'command');
      assert.is((await command.stories(first)).length, 1);
      await command.close();
      await bridge.close();
    }
    const bridge = await openSqliteStore(names[0] as string, 'bridge');
    assert.is((await bridge.calls({ limit: 10 })).length, names.length, 'all of them in one file');
    await bridge.close();
  }),
);

/* SQLite's log goes by the name: two of them beside one file destroyed it. */
claims('a file with two names (hard links) is refused by both, to bridges and commands', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'bridge.db');
    const other = join(folder, 'other.db');
    await (await openSqliteStore(file, 'bridge')).close();
    linkSync(file, other);
    for (const name of [file, other])
      for (const role of ['bridge', 'command'] as const)
        assert.is(
          await refusal(name, role),
          `${name} has 2 names (hard links), and whoever opened it by another one would destroy it. ` +
            `Remove the others (find them with: find / -xdev -samefile ${name}), or put a copy in its place.`,
        );
  }),
);

claims('what is no file is refused', async () => {
  assert.is(
    await refusal('/dev/null'),
    '/dev/null is no file. Set store.url to a file in a folder of its own.',
  );
});

claims('a file that is mounted by itself is told from one in a mounted folder', () => {
  const mounts = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
44 26 254:0 /srv/bridge.db /data/bridge.db rw,relatime - ext4 /dev/vda rw
45 26 254:0 /srv/b\\040ridge.db /data/my\\040bridge.db rw,relatime - ext4 /dev/vda rw
46 26 254:0 /srv /mounted rw,relatime - ext4 /dev/vda rw
`;
  assert.is(isMountPoint('/data/bridge.db', mounts), true);
  assert.is(isMountPoint('/data/my bridge.db', mounts), true);
  assert.is(isMountPoint('/mounted/bridge.db', mounts), false);
  assert.is(isMountPoint('/srv/bridge.db', mounts), false);
});

claims.run();
