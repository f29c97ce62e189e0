import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
import { Outages } from './outages.ts';
import { StoreFile } from './store-file.ts';

/*
 * A bridge is killed again and again while Delacon pushes, the CRMs fail or are out for a while, gateways answer in their
 * place, the disk is full and somebody is at the store's file; then everything calms down, what waits is delivered, and
 * the books are balanced.
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
  /** Of the CRMs, and of what stands before them. */
  faults: Record<string, number>;
  /** Of the machine: disks that were full, and what was done to the store's file. */
  harms: Record<string, number>;
  requests: number;
  seconds: number;
}

export type Result = Report & Balance;

const token = 'a-push-token-for-torture';
const pushesInALife = 12;
const longestStartMs = 60_000;
const longestLifeMs = 1_500;
const usualStartMs = 1_000;
const longestCalmMs = 240_000;
/** How long a bridge whose file is lost may take to end. */
const longestEndMs = 30_000;
/** Of the lives: how many see a full disk, and how many see somebody at the file. */
const fullDiskShare = 0.08;
const harmShare = 0.04;

export async function torture(options: TortureOptions): Promise<Result> {
  const random = seeded(options.seed);
  const folder = mkdtempSync(join(tmpdir(), 'torture-'));
  const crms = [await tortureHubSpot(), await tortureSalesforce()];
  try {
    const port = await freePort();
    const configPath = join(folder, 'bridge.yaml');
    writeFileSync(configPath, yamlFor(folder, port, crms));
    mkdirSync(join(folder, 'data'));
    const file = join(folder, 'data/bridge.db');
    return await run(options, random, configPath, file, `http://127.0.0.1:${port}`, crms);
  } finally {
    await Promise.all(crms.map((crm) => crm.close()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function yamlFor(folder: string, port: number, crms: readonly Crm[]): string {
  return `listen: { host: 127.0.0.1, port: ${port} }
store: { url: "sqlite:${folder}/data/bridge.db" }
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
  file: string,
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
    harms: {},
    requests: 0,
    seconds: 0,
  };
  const count = () => {
    report.pushes = delacon.sent.length;
    report.acknowledged = delacon.sent.filter(({ acknowledged }) => acknowledged).length;
    report.requests = crms.reduce((sum, crm) => sum + crm.requests(), 0);
    report.seconds = Math.round((Date.now() - started) / 1000);
  };

  const first = new Life(runtime, configPath, 0);
  if (!(await first.isReady(url, longestStartMs))) throw new Error(`it does not start:\n${first.output}`);
  // Where others use the machine, a life has to be longer to get as far.
  const slowness = Math.min(10, Math.max(1, (Date.now() - started) / usualStartMs));
  await first.stop();
  const outages = new Outages(crms, seeded(seed + 2), report.faults);
  const diskRandom = seeded(seed + 3);
  const fileRandom = seeded(seed + 4);
  const wrong: string[] = [];
  const killed = () => report.kills.atStep + report.kills.atMoment;
  for (let step = 1; killed() < kills && Date.now() < deadline; ) {
    // Every other life ends at the next step in turn, the others at any moment.
    const crashAt = killed() % 2 === 0 ? step : 0;
    if (fileRandom() < harmShare) {
      const life = new Life(runtime, configPath, 0);
      const harmed = new StoreFile(file, fileRandom);
      await liveWithHarm(life, harmed, fileRandom, url, delacon, wrong);
      report.harms[harmed.harm] = (report.harms[harmed.harm] ?? 0) + 1;
      continue;
    }
    const life = new Life(runtime, configPath, crashAt);
    const disk = diskRandom() < fullDiskShare ? fullDisk(diskRandom) : null;
    const lifeMs = slowness * (crashAt === 0 ? random() * 600 : longestLifeMs);
    await live(life, lifeMs, disk, random, url, delacon, crms, report, wrong);
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

  outages.end();
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
    const books = await balance(delacon, store, settings, crms);
    return { ...report, ...books, wrong: [...wrong, ...books.wrong] };
  } finally {
    await store.close();
  }
}

/** One life under load: until it ends itself, or is ended at any moment, or its time is over. */
async function live(
  life: Life,
  ms: number,
  disk: FullDisk | null,
  random: () => number,
  url: string,
  delacon: Delacon,
  crms: readonly Crm[],
  report: Report,
  wrong: string[],
): Promise<void> {
  if (!(await life.isReady(url, longestStartMs))) return;
  const ending = setTimeout(() => void life.kill(), ms);
  for (let n = 0; n < pushesInALife && life.endedBy === null; n++) {
    if (random() < 0.5) {
      const name = crms[Math.floor(random() * crms.length)]!.fail(random);
      report.faults[name] = (report.faults[name] ?? 0) + 1;
    }
    if (n === disk?.from) {
      life.limitFiles(disk.bytes);
      const name = `disk full, ${disk.bytes === 1 ? 'of all files' : 'of long files'}`;
      report.harms[name] = (report.harms[name] ?? 0) + 1;
    }
    const isOver = n === disk?.until;
    if (isOver) life.limitFiles('unlimited');
    const sending = delacon.send();
    const isFull = disk !== null && disk.from <= n && n < disk.until;
    if (isFull || isOver) {
      const answer = await sending;
      if (isFull && disk.bytes === 1 && answer === 'acknowledged')
        wrong.push('a push was acknowledged that no disk had room for');
      if (isOver && answer === 'refused') wrong.push('a push was refused though there was room again');
    } else if (random() < 0.7)
      await sending; // the others come side by side
    else await new Promise((resolve) => setTimeout(resolve, random() * 10));
  }
  await life.dead;
  clearTimeout(ending);
}

/** From one push of a life until another one. */
interface FullDisk {
  from: number;
  until: number;
  /** Longer, no file can be written to. */
  bytes: number;
}

function fullDisk(random: () => number): FullDisk {
  const from = Math.floor(random() * 6);
  const until = from + 1 + Math.floor(random() * 5);
  // Sometimes the log has room for some of a commit.
  return { from, until, bytes: random() < 0.6 ? 1 : Math.floor(random() * 400_000) };
}

/** One life at whose file somebody is: it must refuse what comes, say what to do, and end. That is then done. */
async function liveWithHarm(
  life: Life,
  file: StoreFile,
  random: () => number,
  url: string,
  delacon: Delacon,
  wrong: string[],
): Promise<void> {
  if (!(await life.isReady(url, longestStartMs))) return life.kill();
  await file.backUp();
  const sendings: Promise<unknown>[] = [];
  for (let n = Math.floor(random() * 10); n > 0; n--) {
    const sending = delacon.send();
    sendings.push(sending);
    if (random() < 0.7) await sending;
  }
  if (file.needsQuiet) {
    await Promise.all(sendings);
    await file.backUp();
  }
  if (life.endedBy !== null) throw new Error(`the bridge ended by itself:\n${life.output}`);
  file.doHarm();
  const dies = file.canBePutBack && random() < 0.3;
  const death = setTimeout(() => void life.kill(), dies ? random() * 5_000 : longestEndMs);
  while (life.endedBy === null) {
    const answer = await delacon.send();
    if (answer === 'acknowledged' || answer === 'unread')
      wrong.push(`a push was ${answer}, though the file was ${file.harm}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  clearTimeout(death);
  await life.dead;
  if (!dies && life.exitCode !== 1)
    wrong.push(`the bridge ended with ${life.exitCode}, when its file was ${file.harm}:\n${life.output}`);
  file.mend(life.output);
  file.tidy();
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
    const open = await store.openDeliveries();
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
