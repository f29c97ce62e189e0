/*
 * `npm run simulate -- --seed 7` tells the story of one seed; `--seeds 1000` runs many and tells, of each that broke, what
 * broke and the command for its shortest story; `--planted` plants faults and tells after how many seeds each is found, and
 * the command for its story; `--plant NAME` plants one.
 *
 *   --crms hubspot,salesforce,sandbox,webhook   --instances 2   --from 1   --without "hangs,clock"   --minutes 4   --calls 8   --days 30
 */
import { execFileSync, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { BadDay } from './bad-days.ts';
import type { CrmName } from './crms.ts';
import { plant, plantedFaults } from './planted-faults.ts';
import type { SimulateOptions } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    crms: { type: 'string', default: 'hubspot,salesforce,sandbox,webhook' },
    without: { type: 'string', default: '' },
    instances: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '4' },
    calls: { type: 'string', default: '8' },
    days: { type: 'string', default: '0' },
    planted: { type: 'boolean', default: false },
    plant: { type: 'string' },
    /** Of a process among several: it ends at the first seed that breaks, or prints figures alone. */
    part: { type: 'string' },
  },
});
const self = fileURLToPath(import.meta.url);
const realNow = performance.now.bind(performance);

if (values.plant !== undefined && !Object.hasOwn(plantedFaults, values.plant)) {
  console.error(`There is no such fault: ${values.plant}. Faults: ${Object.keys(plantedFaults).join(', ')}.`);
  process.exit(2);
}
if (values.planted) findPlanted();
else if (values.seed === undefined && values.part === undefined) await runParts();
else await runHere();
process.exit();

interface Sum {
  seeds: number;
  broken: number;
  hours: number;
  kills: number;
  acknowledged: number;
  requests: number;
  events: number;
}

/** All processors at once, with a part of the seeds each. */
async function runParts(): Promise<void> {
  const started = realNow();
  const [from, seeds] = [Number(values.from), Number(values.seeds)];
  const parts = Math.min(availableParallelism(), seeds);
  const rest = process.argv.slice(2);
  const sums = await Promise.all(
    Array.from({ length: parts }, (_, part) => {
      const first = from + Math.floor((seeds * part) / parts);
      const next = from + Math.floor((seeds * (part + 1)) / parts);
      return runPart([
        ...rest,
        '--from',
        String(first),
        '--seeds',
        String(next - first),
        '--part',
        'of several',
      ]);
    }),
  );
  const sum = sums.reduce((all, one) => {
    for (const name of Object.keys(all) as (keyof Sum)[]) all[name] += one[name];
    return all;
  });
  const seconds = ((realNow() - started) / 1000).toFixed(1);
  console.log(
    `${sum.seeds} seeds, ${sum.hours.toFixed(0)} simulated hours in ${seconds} s: ${sum.broken} broke. ${sum.kills} kills, ${sum.acknowledged} pushes acknowledged, ${sum.requests} requests to CRMs, ${sum.events} events`,
  );
  if (sum.broken > 0) process.exitCode = 1;
}

function runPart(args: string[]): Promise<Sum> {
  const child = spawn(process.execPath, [self, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (last + text).split('\n');
    last = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('{"seeds"')) last = line;
      else console.log(line);
    }
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      try {
        resolve(JSON.parse(last) as Sum);
      } catch {
        reject(new Error(`a part of the seeds came to no end: ${args.join(' ')}`));
      }
    });
  });
}

async function runHere(): Promise<void> {
  if (values.plant !== undefined) plant(plantedFaults[values.plant]!);
  // Not before: what is planted has to be there when they are loaded.
  const { badDays } = await import('./bad-days.ts');
  const { crmNames, otherCrmNames } = await import('./crms.ts');
  const known = [...crmNames, ...otherCrmNames];
  const { beginningOf, shorten, simulate } = await import('./simulate.ts');
  const all = Object.keys(badDays) as BadDay[];
  const crms = values.crms.split(',') as CrmName[];
  const without = values.without.split(',').filter((name) => name !== '') as BadDay[];
  const unknown = [
    ...without.filter((name) => !all.includes(name)),
    ...crms.filter((name) => !known.includes(name)),
  ];
  if (unknown.length > 0) {
    console.error(
      `Not known: ${unknown.join(', ')}. Bad days: ${all.join(', ')}. CRMs: ${known.join(', ')}.`,
    );
    process.exit(2);
  }
  const options = (seed: number): SimulateOptions => ({
    seed,
    without,
    instances: values.instances === '2' ? 2 : 1,
    minutes: Number(values.minutes),
    calls: Number(values.calls),
    days: Number(values.days),
  });
  const beginning = await beginningOf(crms);

  if (values.seed !== undefined) {
    const tell = (line: string) => console.log(line);
    const ending = await simulate(beginning, { ...options(Number(values.seed)), tell });
    console.log(JSON.stringify(ending, null, 2));
    if (ending.broken.length > 0) process.exitCode = 1;
    return;
  }
  const sum: Sum = { seeds: 0, broken: 0, hours: 0, kills: 0, acknowledged: 0, requests: 0, events: 0 };
  const [first, count] = [Number(values.from), Number(values.seeds)];
  for (let seed = first; seed < first + count; seed++) {
    const ending = await simulate(beginning, options(seed));
    sum.seeds++;
    for (const key of ['hours', 'kills', 'acknowledged', 'requests', 'events'] as const)
      sum[key] += ending[key];
    if (ending.broken.length === 0) continue;
    sum.broken++;
    if (values.plant !== undefined) {
      console.log(`  ${ending.broken[0]?.slice(0, 160)}`);
      break;
    }
    const short = await shorten(beginning, options(seed), all);
    const needed = all.filter((name) => !short.without.includes(name));
    console.log(`seed ${seed} broke (${needed.join(', ') || 'with no bad day at all'}):`);
    for (const what of short.ending.broken) console.log(`  ${what.slice(0, 400)}`);
    const same = `--crms ${crms} --instances ${values.instances} --minutes ${values.minutes} --calls ${values.calls} --days ${values.days}`;
    console.log(`  npm run simulate -- --seed ${seed} ${same} --without "${short.without}"`);
  }
  console.log(JSON.stringify(sum));
}

/** Whether each fault is found, and how soon. */
function findPlanted(): void {
  for (const [name, fault] of Object.entries(plantedFaults)) {
    const { instances = 1, crms = values.crms, days = 0 } = fault;
    const calls = days > 0 ? '20' : values.calls;
    const world = [
      '--crms',
      crms,
      '--instances',
      String(instances),
      '--days',
      String(days),
      '--calls',
      calls,
    ];
    const args = ['--plant', name, ...world, '--from', values.from, '--seeds', '1000', '--part', 'one'];
    const started = realNow();
    const lines = execFileSync(process.execPath, [self, ...args], { encoding: 'utf8' })
      .trim()
      .split('\n');
    const { seeds, broken } = JSON.parse(lines.at(-1) ?? '') as Sum;
    const seconds = ((realNow() - started) / 1000).toFixed(1);
    const found = broken > 0 ? `found after ${seeds} seeds, ${seconds} s, by` : `NOT FOUND in ${seeds} seeds`;
    console.log(`${name}: ${found}\n${lines.slice(0, -1).join('\n')}`);
    if (broken === 0) process.exitCode = 1;
    else {
      const seed = Number(values.from) + seeds - 1;
      console.log(`  npm run simulate -- --plant "${name}" --seed ${seed} ${world.join(' ')}`);
    }
  }
}
