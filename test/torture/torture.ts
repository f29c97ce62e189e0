import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { openStore } from '../../src/store/open.ts';
import { seeded } from '../support/random.ts';
import { type Balance, balance } from './books.ts';
import { Life, type Runtime } from './bridge.ts';
import { type Crm, tortureHubSpot, tortureSalesforce } from './crms.ts';
import { Delacon } from './delacon.ts';

/*
 * A bridge is killed again and again while Delacon pushes and the CRMs fail; then everything calms down, what waits is
 * delivered, and the books are balanced.
 */

export interface TortureOptions {
  runtime: Runtime;
  seed: number;
  /** Ends when as many lives were ended, or the time is over. */
  kills: number;
  minutes: number;
  /** Told after each life. */
  progress?(soFar: Report): void;
}

export interface Report {
  seed: number;
  runtime: Runtime;
  pushes: number;
  acknowledged: number;
  /** Lives that ended at a step of their own choosing, and at a moment of ours. */
  kills: { atStep: number; atMoment: number };
  /** The last step at which one ended. */
  deepestStep: number;
  faults: Record<string, number>;
  requests: number;
  seconds: number;
}

export type Result = Report & Balance;

const token = 'a-push-token-for-torture';
const pushesInALife = 12;
const longestStartMs = 10_000;
const longestLifeMs = 1_500;
const longestCalmMs = 180_000;

export async function torture(options: TortureOptions): Promise<Result> {
  const random = seeded(options.seed);
  const folder = mkdtempSync(join(tmpdir(), 'torture-'));
  const crms = [await tortureHubSpot(), await tortureSalesforce()];
  try {
    const port = await freePort();
    const configPath = join(folder, 'bridge.yaml');
    writeFileSync(configPath, yamlFor(folder, port, crms));
    return await run(options, random, configPath, `http://127.0.0.1:${port}`, crms);
  } finally {
    await Promise.all(crms.map((crm) => crm.close()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function yamlFor(folder: string, port: number, crms: readonly Crm[]): string {
  return `listen: { host: 127.0.0.1, port: ${port} }
store: { url: "sqlite:${folder}/bridge.db" }
log: { level: warn }
delivery: { retry: [20ms, 100ms, 300ms], giveUpAfter: 7d, probe: [100ms, 300ms] }
sources: { acme: { tokens: [${token}], lapseAfter: 3s } }
connectors:
${crms.map(({ name, yaml }) => `  ${name}: ${yaml}`).join('\n')}
`;
}

async function run(
  { runtime, seed, kills, minutes, progress }: TortureOptions,
  random: () => number,
  configPath: string,
  url: string,
  crms: readonly Crm[],
): Promise<Result> {
  const started = Date.now();
  const deadline = started + minutes * 60_000;
  const delacon = new Delacon(`${url}/push/${token}`, seed, random);
  for (const crm of crms) for (const phone of typedIn) crm.typeIn(phone);
  const report: Report = {
    seed,
    runtime,
    pushes: 0,
    acknowledged: 0,
    kills: { atStep: 0, atMoment: 0 },
    deepestStep: 0,
    faults: {},
    requests: 0,
    seconds: 0,
  };
  const count = () => {
    report.pushes = delacon.sent.length;
    report.acknowledged = delacon.sent.filter(({ acknowledged }) => acknowledged).length;
    report.requests = crms.reduce((sum, crm) => sum + crm.requests(), 0);
    report.seconds = Math.round((Date.now() - started) / 1000);
  };

  const killed = () => report.kills.atStep + report.kills.atMoment;
  for (let step = 1; killed() < kills && Date.now() < deadline; ) {
    // Every other life ends at the next step in turn, the others at any moment.
    const crashAt = killed() % 2 === 0 ? step : 0;
    const life = new Life(runtime, configPath, crashAt);
    await live(life, crashAt === 0, random, url, delacon, crms, report);
    if (life.endedBy === 'exit') throw new Error(`seed ${seed}: the bridge ended by itself:\n${life.output}`);
    const bySelf = life.diedBySelf;
    if (bySelf && crashAt > 0) {
      report.kills.atStep++;
      report.deepestStep = Math.max(report.deepestStep, crashAt);
    } else report.kills.atMoment++;
    if (crashAt > 0) step = bySelf ? step + 1 : 1;
    await life.kill();
    count();
    progress?.(report);
  }

  for (const crm of crms) crm.calm();
  const last = new Life(runtime, configPath, 0);
  try {
    if (!(await last.isReady(url, longestStartMs)))
      throw new Error(`the bridge does not start again:\n${last.output}`);
    await allDelivered(configPath, last);
  } finally {
    await last.kill();
  }
  const { settings } = await loadConfig(configPath, { env: {} });
  const store = await openStore(settings.store.url, 'command');
  try {
    count();
    return { ...report, ...(await balance(delacon.sent, store, settings, crms)) };
  } finally {
    await store.close();
  }
}

/** One life under load: until it ends itself, or is ended at any moment, or its time is over. */
async function live(
  life: Life,
  endAtAnyMoment: boolean,
  random: () => number,
  url: string,
  delacon: Delacon,
  crms: readonly Crm[],
  report: Report,
): Promise<void> {
  if (!(await life.isReady(url, longestStartMs))) return;
  const ending = setTimeout(() => void life.kill(), endAtAnyMoment ? random() * 600 : longestLifeMs);
  for (let n = 0; n < pushesInALife && life.endedBy === null; n++) {
    if (random() < 0.5) {
      const name = crms[Math.floor(random() * crms.length)]!.fail(random);
      report.faults[name] = (report.faults[name] ?? 0) + 1;
    }
    const sending = delacon.send();
    if (random() < 0.7)
      await sending; // the others come side by side
    else await new Promise((resolve) => setTimeout(resolve, random() * 10));
  }
  await life.dead;
  clearTimeout(ending);
}

/** Some callers are in the CRMs already, as people type numbers. */
const typedIn = Array.from({ length: 300 }, (_, n) => {
  const digits = String(n * 3).padStart(3, '0');
  return [`0491 570 ${digits}`, `+61 491 570 ${digits}`, `(0491) 570-${digits}`, `61491570${digits}`][
    n % 4
  ] as string;
});

async function allDelivered(configPath: string, life: Life): Promise<void> {
  const { settings } = await loadConfig(configPath, { env: {} });
  const until = Date.now() + longestCalmMs;
  for (;;) {
    const store = await openStore(settings.store.url, 'command');
    const open = (await store.countDeliveries()).filter(({ state }) => state !== 'delivered');
    const ringing = await store.nextLapseAt();
    await store.close();
    if (open.length === 0 && ringing === null) return;
    if (Date.now() > until) return; // the books tell which
    if (life.endedBy !== null) throw new Error(`the bridge ended by itself:\n${life.output}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
