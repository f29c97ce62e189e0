import { readFileSync } from 'node:fs';
import { assert, suite } from '../support/suite.ts';
import { crmNames } from './crms.ts';
import { plantedFaults } from './planted-faults.ts';
import { type Beginning, beginningOf, type SimulateOptions, simulate } from './simulate.ts';

/*
 * Some seeds of the simulation, which `npm run simulate` runs by the thousand. One that broke once stands here by its number.
 */
const simulation = suite('simulation');

/** Of each CRM. */
const seeds = 30;

for (const crm of crmNames) {
  let beginning: Beginning | undefined;

  simulation(`${crm}: a seed makes the same things happen each time`, async () => {
    const [once, again] = [await run(1), await run(1)];
    assert.equal(again, once);
    assert.ok(once.acknowledged > 5 && once.events > 100 && once.hours > 0.1, JSON.stringify(once));
    assert.is.not((await run(2)).digest, once.digest);
  });

  simulation(
    `${crm}: whatever goes wrong, what was acknowledged is there once, with its last state`,
    async () => {
      for (let seed = 1; seed <= seeds; seed++) assert.equal((await run(seed)).broken, [], `seed ${seed}`);
    },
  );

  simulation(`${crm}: the same with two bridges on one store`, async () => {
    for (let seed = 1; seed <= seeds / 3; seed++)
      assert.equal((await run(seed, { instances: 2 })).broken, [], `seed ${seed}`);
  });

  async function run(seed: number, options: Partial<SimulateOptions> = {}) {
    beginning ??= await beginningOf([crm]);
    return simulate(beginning, { seed, ...options });
  }
}

simulation(
  'days on end: nights, calls that are older than the store keeps, pauses longer than that',
  async () => {
    const days = await simulate(await beginningOf(crmNames), { seed: 3, days: 5, calls: 12 });
    assert.equal([days.broken, Math.round(days.hours / 24)], [[], 5]);
  },
);

/** Each broke once, by what is said of it. */
const mended: [what: string, options: SimulateOptions][] = [
  ['a call that had waited longest went behind all others when it lapsed', { seed: 37 }],
];

for (const [what, options] of mended)
  simulation(`seed ${options.seed}: ${what}`, async () => {
    assert.equal((await simulate(await beginningOf(crmNames), options)).broken, []);
  });

simulation('the faults that are planted to see whether they are found still have their place', () => {
  for (const [name, { file, find }] of Object.entries(plantedFaults)) {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    assert.is(source.split(find).length, 2, name);
  }
});

simulation.run();
