import { callOf } from '../config/read-call.ts';
import type { Settings } from '../config/settings.ts';
import type { CallView } from '../store/calls.ts';
import type { CommandOptions } from './command-options.ts';
import { withStore } from './opened.ts';
import { filterOf, refuseUnknown, type Selection } from './selection.ts';
import { localTime, printJson, table } from './tables.ts';

/** The latest calls, a line each. */
export async function calls(options: CommandOptions & Selection & { limit: number }): Promise<void> {
  await withStore(options.config, async ({ settings }, store) => {
    const filter = filterOf(options, options.limit);
    const views = await store.calls(filter);
    if (views.length === 0) refuseUnknown(options, settings);
    if (options.json)
      return printJson(views.map((view) => ({ ...view, call: callOf(settings, view.state) })));
    if (views.length === 0) {
      const isFiltered = Object.keys(filter).length > 1;
      return console.log(
        isFiltered ? 'No call matches.' : `No call was received yet: ${settings.store.url} holds none.`,
      );
    }
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
