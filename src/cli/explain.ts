import { runsOf, type Story } from '../operator/story.ts';
import { type CommandOptions, pasted } from './command-options.ts';
import { withOperator } from './opened.ts';
import { print } from './plain-text.ts';
import { noCall } from './selection.ts';
import { localTime, printJson } from './tables.ts';

/** The whole story of a call, as the operator page tells it. */
export async function explain(callId: string, options: CommandOptions & { source?: string }): Promise<void> {
  await withOperator(options.config, async (operator) => {
    const stories = await operator.stories(callId, options.source, true);
    if (stories.length === 0) throw noCall(callId, options.config);
    if (options.json) return printJson(stories);
    for (const story of stories) tell(story, options.config);
  });
}

type Delivery = Story['deliveries'][number];

function tell(story: Story, config: string): void {
  const time = (instant: string) => localTime(new Date(instant), story.timezone);
  print(`Call ${story.callId} of source ${story.source} (times in ${story.timezone})`);
  print(`  ${story.summary[0]?.text}`);

  print('\nWhat arrived');
  for (const push of story.pushes) {
    const again = push.lastRepeatAt
      ? `, and the same ${push.repeats} times more, last at ${time(push.lastRepeatAt)}`
      : '';
    const said =
      push.says.length > 0 ? `; says ${push.says.join(', ')}` : '; says nothing that is not said later';
    print(`  ${time(push.receivedAt)}  ${push.kind}, ${push.fieldCount} fields${again}${said}`);
  }

  print(`\nWhat it says (revision ${story.revision})`);
  if (!story.isKnownSource) print(`  The source ${story.source} is configured no more.`);
  for (const { name, value } of story.values) print(`  ${name.padEnd(32)} ${value}`);
  for (const note of story.notes) print(`  note: ${note}`);

  print('\nWhere it goes');
  for (const { place, matched, why } of story.routing)
    print(`  ${place} ${matched ? 'matches' : 'does not match'}: ${why}`);
  if (story.deliveries.length === 0)
    print(`  No route took it. After mending the routes: ${pasted(`replay ${story.callId}`, config)}`);
  for (const delivery of story.deliveries) tellDelivery(delivery, time);

  if (story.decisions.length > 0) print('\nWhat was decided');
  for (const { at, decision, connector, reason, revision } of story.decisions)
    print(
      `  ${time(at)}  ${decision}, ${connector ?? 'every connector'}, at revision ${revision}${reason ? `: ${reason}` : ''}`,
    );
  print();
}

function tellDelivery(delivery: Delivery, time: (instant: string) => string): void {
  print(`\n${delivery.connector}: ${stateOf(delivery, time)}`);
  const { connectorReason, connectorTriesAt } = delivery;
  if (connectorReason) print(`  the connector writes nothing: ${connectorReason}`);
  if (connectorReason && connectorTriesAt) print(`  it is tried next at ${time(connectorTriesAt)}`);
  for (const { role, type, id, link, holds } of delivery.records) {
    print(`  ${role}: ${type} ${id}  ${link ?? ''}`.trimEnd());
    if (role === 'person' && delivery.person) print(`    ${whyPerson(delivery.person, time)}`);
    for (const [name, value] of Object.entries(holds ?? {})) print(`    ${name.padEnd(30)} ${value}`);
  }
  for (const { first, last, count } of runsOf(delivery.attempts)) {
    const until = count > 1 ? `, and ${count - 1} times more until ${time(last.at)}` : '';
    const beside = first.batch > 1 ? `, with ${first.batch - 1} other calls` : '';
    print(
      `  ${time(first.at)}  attempt ${first.n}: ${first.outcome}${until}, revision ${last.revision}, ${first.tookMs} ms, ${first.requests} requests${beside}`,
    );
    if (first.reason) print(`      ${first.reason}`);
    for (const note of first.notes) print(`      note: ${note}`);
  }
}

function whyPerson(
  { why, known }: NonNullable<Delivery['person']>,
  time: (instant: string) => string,
): string {
  if (!known) return why;
  const first = `The first was call ${known.callId} at ${time(known.receivedAt)}`;
  return `${why} ${first}${known.why ? `: ${known.why}` : '.'}`;
}

function stateOf(delivery: Delivery, time: (instant: string) => string): string {
  const shows =
    delivery.deliveredRevision > 0 ? `, the CRM shows revision ${delivery.deliveredRevision}` : '';
  switch (delivery.state) {
    case 'delivered':
      return `delivered${shows}${delivery.rewriteAt ? `; written once more after ${time(delivery.rewriteAt)}, as an earlier write was not answered and may come late` : ''}`;
    case 'failed':
      return `failed, until replayed or until the call changes${shows}`;
    case 'skipped': {
      const since = delivery.isBehind ? ', and the call has changed since' : '';
      return `skipped until replayed${since}${shows}: ${delivery.reason}`;
    }
    case 'due': {
      // While its connector writes nothing, when it would be its turn is no news.
      const at = delivery.connectorReason ? null : delivery.dueAt;
      const when =
        at === null ? '' : `${new Date(at) > new Date() ? ', next attempt at' : ' since'} ${time(at)}`;
      return `due${when}${shows}`;
    }
  }
}
