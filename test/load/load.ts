import { readFileSync } from 'node:fs';
import { pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { startPush } from '../support/build-push.ts';
import { type BadSenders, type Kind, sendBadly } from './bad-senders.ts';

export interface LoadReport {
  /** Bad connections at once. */
  mostOpen: number;
  /** Pushes sent over connections of their own while the bad ones were there, and what they were answered. */
  pushes: Record<string, number>;
  /** How long the slowest of them took. */
  slowestMs: number;
  /** Of the calls that were acknowledged, how many are in the store. */
  stored: number;
  /** Of each kind, how many the bridge had not ended when it should have. */
  left: Partial<Record<Kind, number>>;
  /** What each kind was answered. */
  answered: Partial<Record<Kind, string[]>>;
  /** Of the bridge: before, and after each wave. */
  memoryMb: number[];
  /** The most that it was seen to have. */
  peakMb: number;
}

export interface Siege {
  kinds: readonly Kind[];
  ofEach: number;
  /** `receive.timeout` of the bridge. */
  timeoutSeconds: number;
  /** How often the bad senders come. */
  waves: number;
  /** How long they may keep their connections, until that is a failure. */
  patienceMs: number;
}

/** A real bridge, besieged by bad senders, while good ones push. All on this machine, and bounded in number and time. */
export async function besiege(siege: Siege): Promise<LoadReport> {
  const { kinds, ofEach, timeoutSeconds, waves, patienceMs } = siege;
  return withBridgeFolder(async (folder) => {
    folder.configure(`receive: { timeout: ${timeoutSeconds}s }
sources: { acme: { tokens: [${pushToken}] } }
connectors: { try-it: { type: sandbox } }
`);
    const bridge = await folder.start();
    const report: LoadReport = {
      mostOpen: 0,
      pushes: {},
      slowestMs: 0,
      left: {},
      answered: {},
      memoryMb: [],
      peakMb: 0,
      stored: 0,
    };
    const openOf = (senders: BadSenders) => kinds.reduce((sum, kind) => sum + senders.open(kind), 0);
    let besieged = true;
    const pushing = (async () => {
      for (let n = 0; besieged; n++) {
        const begun = performance.now();
        const { status } = await bridge.push(startPush(`c${n}`)).catch(() => ({ status: 'no answer' }));
        report.pushes[status] = (report.pushes[status] ?? 0) + 1;
        report.slowestMs = Math.max(report.slowestMs, Math.round(performance.now() - begun));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    report.memoryMb.push(memoryMb(bridge.pid));
    for (let wave = 0; wave < waves; wave++) {
      const senders = sendBadly(Number(new URL(bridge.url).port), `/push/${pushToken}`, kinds, ofEach);
      try {
        await senders.allThere;
        const ends = Date.now() + patienceMs;
        while (openOf(senders) > 0 && Date.now() < ends) {
          report.mostOpen = Math.max(report.mostOpen, openOf(senders));
          report.peakMb = Math.max(report.peakMb, memoryMb(bridge.pid));
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        for (const kind of kinds) {
          report.left[kind] = (report.left[kind] ?? 0) + senders.open(kind);
          report.answered[kind] = senders.answered(kind);
        }
      } finally {
        senders.end();
      }
      report.memoryMb.push(memoryMb(bridge.pid));
    }
    besieged = false;
    await pushing;
    const listed = await folder.run('calls', '--limit', '100000', '--json');
    report.stored = (JSON.parse(listed.stdout) as unknown[]).length;
    await bridge.kill('SIGTERM');
    return report;
  });
}

/** What a process has of the machine's memory. */
function memoryMb(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return Math.round((pages * 4096) / 1e6);
}
