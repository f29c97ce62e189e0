/*
 * `npm run load -- --connections 10000`: slow, silent, oversized and broken senders against a real bridge on this
 * machine, while good ones push. Exit code 1 when one of the good ones is refused, or a bad one is not ended.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type Kind, kinds } from './bad-senders.ts';
import { besiege } from './load.ts';

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

const all = Object.keys(kinds) as Kind[];
const ofEach = Math.ceil(connections / all.length);
const report = await besiege({ kinds: all, ofEach, timeoutSeconds: 10, waves: 3, patienceMs: 60_000 });
console.log(`three waves of ${all.length * ofEach} bad connections, ${report.mostOpen} open at once`);
for (const kind of all)
  console.log(
    `  ${kind.padEnd(32)} answered ${report.answered[kind]?.join(', ') || 'nothing'}, not ended: ${report.left[kind]}`,
  );
console.log(`pushes meanwhile: ${JSON.stringify(report.pushes)}, of which ${report.stored} are stored`);
console.log(`memory before, and after each wave: ${report.memoryMb.join(', ')} MB`);
const isLeft = all.some((kind) => report.left[kind] !== 0);
const isRefused = report.pushes['200'] !== report.stored || Object.keys(report.pushes).length > 1;
process.exit(isLeft || isRefused ? 1 : 0);
