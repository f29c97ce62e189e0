import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { assert, suite } from '../support/suite.ts';
import type { BadDay } from './bad-days.ts';
import { type CrmName, crmNames } from './crms.ts';
import { plantedFaults } from './planted-faults.ts';
import { type Beginning, beginningOf, type SimulateOptions, simulate } from './simulate.ts';

/*
 * Some seeds of the simulation, which `npm run simulate` runs by the thousand. One that broke once stands here by its number.
 */
const simulation = suite('simulation');

for (const crm of crmNames) {
  let beginning: Beginning | undefined;

  simulation(`${crm}: a seed makes the same things happen each time`, async () => {
    const [once, again] = [await run(1), await run(1)];
    assert.equal(again, once);
    assert.ok(once.acknowledged > 5 && once.events > 100 && once.hours > 0.1, JSON.stringify(once));
    assert.is.not((await run(2)).digest, once.digest);
  });

  simulation(`${crm}: so it does in another process, in another place and zone`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'elsewhere-'));
    try {
      const program = fileURLToPath(new URL('main.ts', import.meta.url));
      const env = { ...process.env, TZ: 'Pacific/Chatham', LANG: 'de_DE.UTF-8', TMPDIR: folder };
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [program, '--seed', '1', '--crms', crm],
        { cwd: folder, env, maxBuffer: 100_000_000 },
      );
      assert.equal(JSON.parse(stdout.slice(stdout.lastIndexOf('\n{\n'))), await run(1));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  async function run(seed: number) {
    beginning ??= await beginningOf([crm]);
    return simulate(beginning, { seed });
  }
}

/** Each is a world of all CRMs: one bridge costs less than four. */
const seeds = 150;

simulation('whatever goes wrong, what was acknowledged is there once, with its last state', async () => {
  const beginning = await beginningOf(crmNames);
  for (let seed = 1; seed <= seeds; seed++)
    assert.equal((await simulate(beginning, { seed })).broken, [], `seed ${seed}`);
});

simulation('the same with two bridges on one store', async () => {
  const beginning = await beginningOf(crmNames);
  for (let seed = 1; seed <= seeds / 10; seed++)
    assert.equal((await simulate(beginning, { seed, instances: 2 })).broken, [], `seed ${seed}`);
});

simulation(
  'without unique keys, the same; but of what was made after a backup, that knows nothing',
  async () => {
    const beginning = await beginningOf(['unkeyed']);
    for (let seed = 1; seed <= 10; seed++)
      assert.equal(
        (await simulate(beginning, { seed, without: ['backups', 'erasures undone'] })).broken,
        [],
        `seed ${seed}`,
      );
  },
);

simulation(
  'days on end: nights, calls that are older than the store keeps, pauses longer than that',
  async () => {
    const days = await simulate(await beginningOf(crmNames), { seed: 3, days: 5, calls: 12 });
    assert.equal([days.broken, Math.round(days.hours / 24)], [[], 5]);
  },
);

/** Bad days that are younger than the seeds that broke: without them these are what they were. */
const later: BadDay[] = ['late rings', 'erasures undone'];

/** Each broke once, by what is said of it. */
const mended: [what: string, options: SimulateOptions, crms?: readonly CrmName[]][] = [
  ['a call that had waited longest went behind all others when it lapsed', { seed: 37, without: later }],
  [
    'a clock that was set forward took the time in which a late write was waited for',
    { seed: 30001, without: later },
    ['salesforce'],
  ],
  ['a connector that the disk kept from opening after a reload stayed closed', { seed: 153, without: later }],
  ['a connector for which nothing waited any more was said not to get through', { seed: 50133 }],
  ['the activity of an erased call was written over as that of the call that came next', { seed: 200353 }],
  ['after a backup was restored, a receiver took new revisions for those it had', { seed: 204059 }],
  ['a clock set ahead while a connector was opened anew let a late write turn a call back', { seed: 305257 }],
  ['what was under way of an erased call was settled as the call that came next', { seed: 204360 }],
];

for (const [what, options, crms = crmNames] of mended)
  simulation(`seed ${options.seed}: ${what}`, async () => {
    assert.equal((await simulate(await beginningOf(crms), options)).broken, []);
  });

simulation('the faults that are planted to see whether they are found still have their place', () => {
  for (const [name, { file, find }] of Object.entries(plantedFaults)) {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    assert.is(source.split(find).length, 2, name);
  }
});

simulation.run();
