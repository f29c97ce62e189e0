import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../clock.ts';
import { openConnection } from '../connector/open.ts';
import { createLog } from '../log.ts';
import { type Bridge, startBridge } from '../main.ts';
import { callOf } from '../reading.ts';
import { dataDirOf } from '../store/open.ts';
import { banner } from './banner.ts';
import { dayOf, play, samples } from './send.ts';
import { stopOnSignal } from './start.ts';
import { localTime, table } from './tables.ts';

/** Never the user's own file: made-up calls have no business in a real CRM. */
const builtIn = fileURLToPath(new URL('../../config/default.yaml', import.meta.url));
const folder = 'data/demo';
const callsOfTheDay = 40;

/** The bridge on its built-in settings, with a store of its own, and a day of calls through real HTTP. */
export async function demo({ exit }: { exit?: boolean }): Promise<void> {
  await rm(folder, { recursive: true, force: true }); // the demo's own, from the last time
  const bridge = await startBridge({
    configPath: builtIn,
    env: process.env,
    overrides: { port: 0, storeUrl: `sqlite:${folder}/bridge.db` },
    log: createLog('warn'),
  });
  stopOnSignal(bridge);
  console.log(`${banner(bridge)}\n`);

  const pushes = [...samples, ...dayOf(callsOfTheDay, 1)];
  const [urls] = bridge.pushUrls();
  console.log(
    `Playing the vendor's two samples and a day of ${callsOfTheDay} calls: ${pushes.length} pushes …`,
  );
  const sent = await play(urls?.single ?? '', pushes, 0, () => {});
  const acknowledged = sent.filter((push) => push.status === 200).length;
  await untilDelivered(bridge);
  console.log(`${acknowledged} of ${sent.length} were acknowledged. The activities they became:\n`);
  console.log(await activities(bridge));
  if (exit) return bridge.stop();
  console.log(`\nThe bridge goes on running at ${bridge.url}/ until Ctrl-C.`);
}

async function untilDelivered(bridge: Bridge): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await bridge.store.countDeliveries()).some(({ state }) => state === 'due')) {
    if (Date.now() > deadline) throw new Error('The sandbox did not take the calls within 30 s.');
    await new Promise((resolve) => setTimeout(resolve, 50));
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
        text('durationSeconds') && `${text('durationSeconds')} s`,
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
