/*
 * `npm run fuzz -- --inputs 1000000 --seed 7`: feeds what reads from outside with broken inputs. Exit code 1 when
 * something throws what it should not, answers what it should not, or takes too long.
 */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

const { values } = parseArgs({
  options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const inputs = Number(values.inputs);
if (!(inputs > 0) || !Number.isInteger(seed)) {
  console.error('usage: npm run fuzz -- [--inputs 1000000] [--seed 7]');
  process.exit(2);
}
const report = await fuzz(seed, inputs, (done) => {
  const line = `${done} of ${inputs} inputs`;
  if (process.stderr.isTTY) process.stderr.write(`\r${line}   `);
  else if (done % 100_000 === 0) console.error(line);
});
if (process.stderr.isTTY) process.stderr.write('\n');
console.log(`seed ${seed}`);
for (const [name, count] of Object.entries(report.inputs))
  console.log(`${name.padEnd(24)} ${String(count).padStart(9)} inputs, slowest ${report.slowest[name]} ms`);
console.log(`heap grew by ${report.grewMb} MB in the second half`);
for (const sentence of report.broken) console.log(sentence);
console.log(report.broken.length === 0 ? 'nothing broke' : `${report.broken.length} broke`);
process.exit(report.broken.length > 0 ? 1 : 0);
