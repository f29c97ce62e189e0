import type { Settings } from '../config/settings.ts';
import { callOf } from '../reading.ts';
import type { CallView } from '../store/store.ts';
import type { CommandOptions } from './command-options.ts';
import { withStore } from './opened.ts';
import { filterOf, type Selection } from './selection.ts';
import { localTime, printJson, table } from './tables.ts';

/** The latest calls, a line each. */
export async function calls(options: CommandOptions & Selection & { limit: number }): Promise<void> {
  await withStore(options.config, async ({ settings }, store) => {
    const views = await store.calls(filterOf(options, options.limit));
    if (options.json)
      return printJson(views.map((view) => ({ ...view, call: callOf(settings, view.state) })));
    if (views.length === 0) return console.log('No calls.');
    const headings = ['received', 'call', 'source', 'caller', 'dealer', 'phase', 'result', 'delivered'];
    console.log(
      table(
        headings,
        views.map((view) => rowOf(settings, view)),
      ),
    );
  });
}

function rowOf(settings: Settings, { state, deliveries }: CallView): string[] {
  const call = callOf(settings, state);
  const timezone = settings.sources[state.source]?.timezone ?? 'UTC';
  return [
    localTime(state.firstReceivedAt, timezone),
    state.callId,
    state.source,
    call?.caller.display ?? '',
    call?.dealer.name ?? '',
    call?.phase ?? '',
    call?.resultText ?? '',
    deliveries.map((delivery) => `${delivery.connector}: ${delivery.state}`).join(', ') || 'unrouted',
  ];
}
