import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openConnection } from '../bridge/open-connection.ts';
import { parsePush } from '../call/push.ts';
import { systemClock } from '../clock.ts';
import { callOf } from '../config/read-call.ts';
import { createLog } from '../log.ts';
import { type Bridge, startBridge } from '../main.ts';
import { environment } from '../runtime/environment.ts';
import { dataDirOf } from '../store/open.ts';
import { talkTime } from '../text/talk-time.ts';
import { banner } from './banner.ts';
import { pasted } from './command-options.ts';
import { PlayedClock } from './played-clock.ts';
import { dayOf, play, samples } from './send.ts';
import { openMs } from './simulated-day.ts';
import { stopOnSignal } from './start.ts';
import { localTime, table } from './tables.ts';

/** Never the user's own file: made-up calls have no business in a real CRM. */
const config = fileURLToPath(new URL('../../config/demo.yaml', import.meta.url));
const folder = 'data/demo';
const callsOfTheDay = 40;
/** What a call adds to its start until its end push comes, beside the time that is spoken. */
const ringsMs = 15_000;

/**
 * The bridge on settings and a store of its own, and a day of calls through real HTTP: the nine hours up to now, on a
 * clock that is put forward from push to push.
 */
export async function demo({ exit }: { exit?: boolean }): Promise<void> {
  await rm(folder, { recursive: true, force: true }); // the demo's own, from the last time
  const now = Date.now();
  const opens = now - openMs;
  const clock = new PlayedClock(new Date(opens));
  const bridge = await startBridge({
    configPath: config,
    env: environment(),
    overrides: { port: 0, storeUrl: `sqlite:${folder}/bridge.db` },
    log: createLog('warn'),
    clock,
  });
  stopOnSignal(bridge);
  console.log(`The demo listens at ${bridge.url}, with settings and a store of its own.\n`);

  const pushes = [...samples, ...dayOf(callsOfTheDay, 1, opens)];
  const [source = ''] = Object.keys(bridge.settings.sources);
  const { single } = bridge.pushUrls(source);
  console.log(
    `Playing the vendor's two samples and a day of ${callsOfTheDay} calls: ${pushes.length} pushes …`,
  );
  const times = arrivals(pushes);
  let acknowledged = 0;
  for (const [i, push] of pushes.entries()) {
    clock.putTo(new Date(Math.min(times[i] ?? now, now)));
    const [sent] = await play(single, [push], 0, () => {});
    if (sent?.status === 200) acknowledged++;
    await untilDelivered(bridge);
  }
  clock.putTo(new Date());
  console.log(`${acknowledged} of ${pushes.length} were acknowledged. The activities they became:\n`);
  console.log(await activities(bridge));
  const failed = (await bridge.store.openDeliveries()).reduce((sum, one) => sum + one.failed, 0);
  console.log(
    `\n${failed} of them failed at the last write, as a CRM may refuse one. Which, and why: the page below, or\n  ${pasted('calls --state failed', config)}\nTo replay them: the button on that page, or replay --state failed in place of calls.`,
  );
  console.log(`What became of the first: ${pasted('explain 1122334', config)}`);
  if (exit) return bridge.stop();
  // The clock stands right by now, by which the link in it is good for a while. Nobody keeps a demo's secrets.
  console.log(`\n${await banner(bridge, true)}\n\nThe bridge goes on running until Ctrl-C.`);
}

/** When each push arrives: a start as the phone rings, an end after it; an end that overtakes its start comes with it. */
function arrivals(pushes: readonly { body: string }[]): number[] {
  const fields = pushes.map(({ body }) => parsePush(body).fields);
  const startOf = new Map(
    fields.flatMap((known) => {
      const startedAt = Number(known['PLA_CallStartTime'] ?? 0);
      return startedAt > 0 ? [[known['PLA_Call_Id'], startedAt] as const] : [];
    }),
  );
  return fields.map((known) => {
    const startedAt = startOf.get(known['PLA_Call_Id']) ?? 0;
    if (known['PLA_CallStartTime']) return startedAt;
    return startedAt + ringsMs + Number.parseInt(known['PLA_Duration'] ?? '0', 10) * 1000;
  });
}

async function untilDelivered(bridge: Bridge): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await bridge.store.openDeliveries()).some(({ due }) => due > 0)) {
    if (Date.now() > deadline) throw new Error('The sandbox did not take the calls within 30 s.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** As the CRM holds them: read back record by record. */
async function activities(bridge: Bridge): Promise<string> {
  const { settings, store } = bridge;
  const rows: string[][] = [];
  for (const [name, connector] of Object.entries(settings.connectors)) {
    const connection = await openConnection(name, connector, {
      store,
      clock: systemClock,
      log: createLog('warn'),
      dataDir: dataDirOf(`sqlite:${folder}/bridge.db`),
    });
    for (const view of await store.calls({ limit: 1000, connector: name })) {
      const activity = view.deliveries.find((delivery) => delivery.connector === name)?.records.activity;
      const held = activity && (await connection.read?.(activity, AbortSignal.timeout(10_000)));
      const call = callOf(settings, view.state);
      if (!held || !call) continue;
      const text = (property: string) => String(held[property] ?? '');
      const timezone = settings.sources[view.state.source]?.timezone ?? 'UTC';
      rows.push([
        localTime(call.startedAt, timezone),
        text('title'),
        text('status'),
        text('result'),
        text('durationSeconds') && talkTime(Number(text('durationSeconds'))),
        [text('engine'), text('keywords')].filter(Boolean).join(': '),
        text('survey'),
        text('contact') && `contact ${text('contact')}`,
      ]);
    }
    await connection.close();
  }
  rows.sort(([a = ''], [b = '']) => a.localeCompare(b));
  return table(['started', 'activity', 'status', 'result', 'lasted', 'found by', 'survey', 'person'], rows);
}
