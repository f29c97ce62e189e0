/*
 * `npm run bench -- [--rows receiving,live] [--runtime node|bun] [--seconds 5] [--rounds 3] [--json]`
 *
 * Every figure is a ratio, or a time held against a bar, within one run on one machine. A row is a file beside this one.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { drain } from './drain.ts';
import { endlessAnswer } from './endless-answer.ts';
import { live } from './live.ts';
import { liveFirst } from './live-first.ts';
import { operator } from './operator.ts';
import { outage } from './outage.ts';
import { binary, type Runtime } from './processes.ts';
import { receiving } from './receiving.ts';
import { requests } from './requests.ts';
import type { Bench, Row } from './row.ts';
import { sources } from './sources.ts';
import { startUp } from './start-up.ts';

const benches: Record<string, Bench> = {
  receiving,
  live,
  startUp,
  requests,
  drain,
  liveFirst,
  outage,
  operator,
  sources,
  endlessAnswer,
};

/** Those whose worker runs in the process of the bench: for the other runtime, that is one of the other runtime. */
const ofThisProcess = new Set<Bench>([liveFirst, outage]);
const own: Runtime = process.versions['bun'] ? 'bun' : 'node';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: Object.keys(benches).join(',') },
    runtime: { type: 'string', default: 'node,bun' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});

const rows: Row[] = [];
for (const runtime of values.runtime.split(',') as Runtime[]) {
  for (const name of values.rows.split(',')) {
    const bench = benches[name];
    if (!bench) throw new Error(`There is no row "${name}". Known: ${Object.keys(benches).join(', ')}.`);
    console.error(`measuring ${name} on ${runtime} …`);
    const options = { runtime, seconds: Number(values.seconds), rounds: Number(values.rounds) };
    rows.push(
      ...(ofThisProcess.has(bench) && runtime !== own ? inProcessOf(runtime, name) : await bench(options)),
    );
  }
}

function inProcessOf(runtime: Runtime, name: string): Row[] {
  const { stdout, stderr } = spawnSync(
    binary(runtime),
    [import.meta.filename, '--rows', name, '--runtime', runtime, '--json'],
    { encoding: 'utf8' },
  );
  if (!stdout) throw new Error(stderr); // a row whose bar was missed ends with 1, too
  return JSON.parse(stdout) as Row[];
}

if (values.json) console.log(JSON.stringify(rows, null, 2));
else {
  const table = new Table({
    head: ['runtime', 'what', 'measured', 'bar', ''],
    style: { head: [], border: [] },
  });
  for (const { runtime, what, measured, bar, met } of rows) {
    table.push([runtime, what, measured, bar, met === undefined ? '' : met ? 'met' : 'MISSED']);
  }
  console.log(table.toString());
}
if (rows.some((row) => row.met === false)) process.exitCode = 1;
