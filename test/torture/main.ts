/*
 * `npm run torture -- --kills 1000 --runtime bun --seed 7`: kills a bridge under load and balances the books. Exit code 1
 * when anything is lost, doubled or wrong; the seed that is printed plays the same load and faults again.
 */
import { parseArgs } from 'node:util';
import { type Report, type Result, torture } from './torture.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string' },
    runtime: { type: 'string', default: 'node' },
    json: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const runtime = values.runtime === 'bun' ? 'bun' : 'node';
const kills = Number(values.kills);
if (!Number.isInteger(kills) || !Number.isInteger(seed) || !(Number(values.minutes) > 0)) {
  console.error(
    'usage: npm run torture -- [--kills 1000] [--minutes 60] [--seed 7] [--runtime node|bun] [--json]',
  );
  process.exit(2);
}

console.error(`seed ${seed}, ${runtime}, ${kills} kills`);
const result = await torture({ runtime, seed, kills, minutes: Number(values.minutes), progress });
if (process.stderr.isTTY) process.stderr.write('\n');
if (values.json) console.log(JSON.stringify(result, null, 2));
else print(result);
process.exit(result.lost.length + result.doubled.length + result.wrong.length > 0 ? 1 : 0);

function progress({ kills: { atStep, atMoment }, pushes, seconds }: Report): void {
  const done = atStep + atMoment;
  const line = `${done} of ${kills} kills, ${pushes} pushes, ${seconds} s`;
  if (process.stderr.isTTY) process.stderr.write(`\r${line}   `);
  else if (done % 50 === 0) console.error(line);
}

function print(found: Result): void {
  const { kills: ended, faults, harms, lost, doubled, wrong } = found;
  const rows: [string, string | number][] = [
    [
      'kills',
      `${ended.atStep + ended.atMoment} (${ended.atStep} at a step, the last at step ${found.deepestStep}; ${ended.atMoment} at any moment)`,
    ],
    ['pushes sent', `${found.pushes}, ${found.acknowledged} acknowledged, of ${found.calls} calls stored`],
    ...summedUp('faults of the CRMs and before them', faults),
    ...summedUp('disks full, and files harmed', harms),
    ['requests to the CRMs', found.requests],
    ['lost', lost.length],
    ['doubled', doubled.length],
    ['wrong', wrong.length],
    ['time', `${found.seconds} s`],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(44)} ${value}`);
  for (const sentence of [...lost, ...doubled, ...wrong].slice(0, 50)) console.log(`  ${sentence}`);
}

function summedUp(name: string, counts: Record<string, number>): [string, number][] {
  const rows = Object.entries(counts).sort();
  const sum = rows.reduce((total, [, count]) => total + count, 0);
  return [[name, sum], ...rows.map(([one, count]): [string, number] => [`  ${one}`, count])];
}
