/*
 * `npm run simulate -- --seed 7` tells the story of one seed; `--seeds 1000` runs many and tells, of each that broke, the
 * shortest story. --crms hubspot,salesforce · --instances 2 · --from 1 · --without hangs,clock · --minutes 4 · --calls 8
 */
import { parseArgs } from 'node:util';
import { type BadDay, badDays } from './bad-days.ts';
import { type CrmName, crmNames } from './crms.ts';
import { beginningOf, type SimulateOptions, shorten, simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    crms: { type: 'string', default: crmNames.join() },
    without: { type: 'string', default: '' },
    instances: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '4' },
    calls: { type: 'string', default: '8' },
  },
});
const all = Object.keys(badDays) as BadDay[];
const crms = values.crms.split(',') as CrmName[];
const without = values.without.split(',').filter((name) => name !== '') as BadDay[];
const unknown = [
  ...without.filter((name) => !all.includes(name)),
  ...crms.filter((name) => !crmNames.includes(name)),
];
if (unknown.length > 0) {
  console.error(
    `Not known: ${unknown.join(', ')}. Bad days: ${all.join(', ')}. CRMs: ${crmNames.join(', ')}.`,
  );
  process.exit(2);
}
const { performance: realTime } = globalThis;
const now = realTime.now.bind(realTime);
const options = (seed: number): SimulateOptions => ({
  seed,
  without,
  instances: values.instances === '2' ? 2 : 1,
  minutes: Number(values.minutes),
  calls: Number(values.calls),
});
const beginning = await beginningOf(crms);

if (values.seed !== undefined) {
  const ending = await simulate(beginning, {
    ...options(Number(values.seed)),
    tell: (line) => console.log(line),
  });
  console.log(JSON.stringify(ending, null, 2));
  if (ending.broken.length > 0) process.exitCode = 1;
} else {
  const first = Number(values.from);
  const count = Number(values.seeds);
  const sum = { hours: 0, kills: 0, acknowledged: 0, requests: 0, events: 0 };
  let broken = 0;
  const started = now();
  for (let seed = first; seed < first + count; seed++) {
    const ending = await simulate(beginning, options(seed));
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += ending[key];
    if (ending.broken.length === 0) continue;
    broken++;
    const short = await shorten(beginning, options(seed), all);
    const needed = all.filter((name) => !short.without.includes(name));
    console.log(`seed ${seed} broke (${needed.join(', ') || 'with no bad day at all'}):`);
    for (const what of short.ending.broken) console.log(`  ${what}`);
    console.log(
      `  npm run simulate -- --seed ${seed} --crms ${crms} --instances ${values.instances} --minutes ${values.minutes} --calls ${values.calls} --without "${short.without}"`,
    );
  }
  const seconds = (now() - started) / 1000;
  console.log(
    `${count} seeds in ${seconds.toFixed(1)} s: ${broken} broke; ${sum.hours.toFixed(0)} hours, ${sum.kills} kills, ${sum.acknowledged} pushes acknowledged, ${sum.requests} requests, ${sum.events} events`,
  );
  if (broken > 0) process.exitCode = 1;
}
process.exit();
