import type { Config } from '../config/load.ts';
import type { RecordRef } from '../connector/contract.ts';
import { callOf, routingOf } from '../reading.ts';
import { type Call, kindOf } from '../receive/call.ts';
import type { Attempt, CallStory, DeliveryView, Store } from '../store/store.ts';
import type { Common } from './main.ts';
import { patience, withConnection, withStore } from './opened.ts';
import { print } from './plain-text.ts';
import { localTime, printJson } from './tables.ts';

/** The whole story of a call. */
export async function explain(callId: string, options: Common & { source?: string }): Promise<void> {
  await withStore(options.config, async (config, store) => {
    const stories = await store.stories(callId, options.source);
    if (stories.length === 0) {
      throw new Error(`No call ${callId} was received. The latest ones: delacon-bridge calls`);
    }
    if (options.json) {
      return printJson(
        stories.map((story) => ({
          ...story,
          call: callOf(config.settings, story.state),
          routing: routingOf(config.settings, story.state),
        })),
      );
    }
    for (const story of stories) await tell(story, config, store);
  });
}

async function tell(story: CallStory, config: Config, store: Store): Promise<void> {
  const { settings } = config;
  const timezone = settings.sources[story.state.source]?.timezone ?? 'UTC';
  const time = (instant: Date) => localTime(instant, timezone);
  print(`Call ${story.state.callId} of source ${story.state.source} (times in ${timezone})`);

  print('\nWhat arrived');
  for (const push of story.pushes) {
    const again = push.lastRepeatAt
      ? `, and the same ${push.repeats} times more, last at ${time(push.lastRepeatAt)}`
      : '';
    print(
      `  ${time(push.receivedAt)}  ${kindOf(push.fields)}, ${Object.keys(push.fields).length} fields${again}`,
    );
  }

  const call = callOf(settings, story.state);
  print(`\nWhat it says (revision ${story.revision})`);
  if (!call) print(`  The source ${story.state.source} is configured no more.`);
  for (const [name, value] of call ? knownNames(call) : []) print(`  ${name.padEnd(32)} ${value}`);
  for (const note of call?.notes ?? []) print(`  note: ${note}`);

  print('\nWhere it goes');
  const routing = routingOf(settings, story.state);
  for (const { route, matched, why } of routing.looked) {
    print(`  route ${route} ${matched ? 'matches' : 'does not match'}: ${why}`);
  }
  if (story.deliveries.length === 0)
    print('  No route took it. After mending the routes: delacon-bridge replay');

  const blocked = new Map(
    (await store.connectorStates()).map((state) => [state.connector, state.blockedReason]),
  );
  for (const delivery of story.deliveries) {
    print(`\n${delivery.connector}: ${stateOf(delivery, time)}`);
    const reason = blocked.get(delivery.connector);
    if (reason) print(`  the connector is blocked: ${reason}`);
    await showRecords(delivery, config, store);
    const attempts = story.attempts.filter((made) => made.connector === delivery.connector);
    for (const { first, last, count } of runsOf(attempts)) {
      const until = count > 1 ? `, and ${count - 1} times more until ${time(last.at)}` : '';
      const beside = first.batch > 1 ? `, with ${first.batch - 1} other calls` : '';
      print(
        `  ${time(first.at)}  attempt ${first.n}: ${first.outcome}${until}, revision ${last.revision}, ${first.tookMs} ms, ${first.requests} requests${beside}`,
      );
      if (first.reason) print(`      ${first.reason}`);
      for (const note of first.notes) print(`      note: ${note}`);
    }
  }
  print();
}

/** A blocked connector probes for hours and is told the same each time: such attempts are told once. */
function runsOf(attempts: readonly Attempt[]): { first: Attempt; last: Attempt; count: number }[] {
  const runs: { first: Attempt; last: Attempt; count: number }[] = [];
  for (const attempt of attempts) {
    const run = runs.at(-1);
    if (
      run &&
      attempt.outcome === 'blocked' &&
      run.last.outcome === 'blocked' &&
      run.last.reason === attempt.reason
    ) {
      run.last = attempt;
      run.count++;
    } else runs.push({ first: attempt, last: attempt, count: 1 });
  }
  return runs;
}

function stateOf(delivery: DeliveryView, time: (instant: Date) => string): string {
  const shows =
    delivery.deliveredRevision > 0 ? `, the CRM shows revision ${delivery.deliveredRevision}` : '';
  switch (delivery.state) {
    case 'delivered':
      return `delivered${shows}`;
    case 'failed':
      return `failed, until replayed or until the call changes${shows}`;
    case 'due':
      return `due${delivery.dueAt ? ` since or at ${time(delivery.dueAt)}` : ''}${shows}`;
  }
}

/** The records, and what they hold where the connector can say so. */
async function showRecords(
  { connector, records }: DeliveryView,
  config: Config,
  store: Store,
): Promise<void> {
  const known = Object.entries(records) as [string, RecordRef][];
  const line = (role: string, record: RecordRef) => `  ${role}: ${record.type} ${record.id}`;
  const settings = config.settings.connectors[connector];
  if (known.length === 0) return;
  if (!settings) {
    for (const [role, record] of known) print(line(role, record));
    return;
  }
  await withConnection(connector, settings, config, store, async (connection) => {
    for (const [role, record] of known) {
      print(`${line(role, record)}  ${connection.link(record) ?? ''}`.trimEnd());
      const held = await connection
        .read?.(record, patience())
        .catch((reason: Error) => ({ 'not shown': reason.message }));
      for (const [name, value] of Object.entries(held ?? {}))
        print(`    ${name.padEnd(30)} ${String(value)}`);
    }
  });
}

/** The names templates use, with the values that are known. */
function knownNames(call: Call): [string, string][] {
  return valuesOf(call, 'call').filter(([name]) => !name.startsWith('call.fields.') && name !== 'call.notes');
}

function valuesOf(value: unknown, path: string): [string, string][] {
  if (value === null || value === undefined || value === '') return [];
  if (value instanceof Date) return [[path, value.toISOString()]];
  if (Array.isArray(value)) return value.length > 0 ? [[path, value.join(' ')]] : [];
  if (typeof value === 'object') {
    return Object.entries(value).flatMap(([name, inner]) => valuesOf(inner, `${path}.${name}`));
  }
  return [[path, String(value)]];
}
