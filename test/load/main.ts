/*
 * `npm run load -- --connections 10000`: slow, silent, oversized and broken senders against a real bridge on this
 * machine, while good ones push. Exit code 1 when one of the good ones is refused, when a bad one is not ended, or when
 * those that have to be waited for were not all there at once.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type Kind, kinds, patient } from './bad-senders.ts';
import { besiege, type Siege } from './load.ts';

const { values } = parseArgs({ options: { connections: { type: 'string', default: '10000' } } });
const wanted = Number(values.connections);
if (!(wanted > 0)) {
  console.error('usage: npm run load -- [--connections 10000]');
  process.exit(2);
}
// Both ends are on this machine, in a process each.
const limit = Number(spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout) - 200;
const connections = Math.min(wanted, limit || wanted);
if (connections < wanted)
  console.log(`A process here may open no more than ${connections} connections (ulimit -n).`);

const isWell = [
  // With time for all of them to be there at once.
  await show('that have to be waited for', {
    kinds: patient,
    timeoutSeconds: 30,
    waves: 3,
    patienceMs: 90_000,
  }),
  await show('of every kind', {
    kinds: Object.keys(kinds) as Kind[],
    timeoutSeconds: 10,
    waves: 3,
    patienceMs: 60_000,
  }),
];
process.exit(isWell.every(Boolean) ? 0 : 1);

async function show(what: string, siege: Omit<Siege, 'ofEach'>): Promise<boolean> {
  const ofEach = Math.ceil(connections / siege.kinds.length);
  const all = ofEach * siege.kinds.length;
  const report = await besiege({ ...siege, ofEach });
  console.log(`${siege.waves} waves of ${all} bad connections ${what}, ${report.mostOpen} open at once`);
  for (const kind of siege.kinds)
    console.log(
      `  ${kind.padEnd(32)} answered ${report.answered[kind]?.join(', ') || 'nothing'}, not ended: ${report.left[kind]}`,
    );
  const { pushes, stored, slowestMs, memoryMb, peakMb } = report;
  console.log(
    `pushes meanwhile: ${JSON.stringify(pushes)}, of which ${stored} are stored; slowest ${slowestMs} ms`,
  );
  console.log(`memory before, and after each wave: ${memoryMb.join(', ')} MB; at most ${peakMb} MB`);
  const isLeft = siege.kinds.some((kind) => report.left[kind] !== 0);
  const isRefused = pushes['200'] !== stored || Object.keys(pushes).length > 1;
  const isFew = siege.kinds === patient && report.mostOpen < all;
  return !isLeft && !isRefused && !isFew;
}
