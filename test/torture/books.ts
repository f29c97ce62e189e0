import { foldFields, kindOf } from '../../src/call/call.ts';
import type { Fields } from '../../src/call/push.ts';
import { callOf, deliveryOf } from '../../src/config/read-call.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { RecordDraft } from '../../src/connector/index.ts';
import type { CallStory } from '../../src/store/calls.ts';
import type { Store } from '../../src/store/store.ts';
import type { Activity, Crm, Person } from './crms.ts';
import type { Delacon, Sent, Unread } from './delacon.ts';

/** What the books ask of a CRM. */
type BookedCrm = Pick<Crm, 'name' | 'activities' | 'people' | 'meddled'>;

/** What is not as it should be, in sentences. Empty lists: the books are balanced. */
export interface Balance {
  /** Acknowledged, and not stored; stored, and not in a CRM. */
  lost: string[];
  /** In a CRM more than once. */
  doubled: string[];
  /** There, but not as it should be. */
  wrong: string[];
  calls: number;
}

/** Compares what was sent, what is stored, and what each CRM holds. */
export async function balance(
  { sent, unread, wronglyAnswered }: Pick<Delacon, 'sent' | 'unread' | 'wronglyAnswered'>,
  store: Store,
  settings: Settings,
  crms: readonly BookedCrm[],
): Promise<Balance> {
  const result: Balance = { lost: [], doubled: [], wrong: [...wronglyAnswered], calls: 0 };
  const stories = await allStories(store, sent);
  result.calls = stories.size;
  for (const push of sent) checkStored(push, stories, result);
  for (const story of stories.values()) checkFolded(story, crms, result);
  for (const one of unread) await checkUnread(one, store, result);
  for (const crm of crms) checkCrm(crm, [...stories.values()], settings, result);
  return result;
}

async function allStories(store: Store, sent: readonly Sent[]): Promise<Map<string, CallStory>> {
  const stories = new Map<string, CallStory>();
  for (const callId of new Set(sent.map(callIdOf))) {
    const [story] = await store.stories(callId);
    if (story) stories.set(callId, story);
  }
  return stories;
}

function checkStored(push: Sent, stories: ReadonlyMap<string, CallStory>, result: Balance): void {
  if (!push.acknowledged) return;
  const callId = callIdOf(push);
  const story = stories.get(callId);
  const stored = story?.pushes.find(({ body }) => body === push.text);
  if (!story || !stored) {
    result.lost.push(`a push of call ${callId} was acknowledged, and is not stored`);
    return;
  }
  if (JSON.stringify(sorted(stored.fields)) !== JSON.stringify(sorted(push.fields)))
    result.wrong.push(`a push of call ${callId} is read as ${JSON.stringify(stored.fields)}`);
  const duration = push.fields['PLA_Duration'];
  if (duration && !push.isCorrected && story.state.fields['PLA_Duration'] !== duration)
    result.wrong.push(`call ${callId}: ${duration} was corrected back, and is not what stands`);
}

/** What was said to be unreadable is kept, and counted: also what was not answered may have come. */
async function checkUnread({ body, sent, refused }: Unread, store: Store, result: Balance): Promise<void> {
  const rows = await store.rejections({ kept: true, limit: 1_000, headBytes: 1_000 });
  const kept = rows.filter(({ cause, head }) => cause === 'unreadable' && head && body.bytes.equals(head));
  const count = kept.reduce((sum, one) => sum + one.count, 0);
  const what = `${JSON.stringify(body.text)}, which cannot be read`;
  if (kept.length > 1) result.doubled.push(`${what}, stands ${kept.length} times in the ledger`);
  if (count < refused)
    result.lost.push(`${what}, was refused ${refused} times, and is counted ${count} times`);
  if (count > sent) result.wrong.push(`${what}, was sent ${sent} times, and is counted ${count} times`);
}

/** A stored push is there with all that belongs to it: the call in its folded state, and a delivery for each connector. */
function checkFolded(
  { state, pushes, deliveries }: CallStory,
  crms: readonly BookedCrm[],
  result: Balance,
): void {
  const call = `call ${state.callId}`;
  const folded = pushes.reduce<Fields | undefined>(
    (known, { fields }) => foldFields(known, fields),
    undefined,
  );
  if (JSON.stringify(sorted(folded ?? {})) !== JSON.stringify(sorted(state.fields)))
    result.wrong.push(`${call} is not what its pushes say together`);
  const kind = kindOf(state.fields);
  if ((state.endReceivedAt !== null) !== (kind === 'end' || kind === 'both'))
    result.wrong.push(`${call}: whether it ended does not agree with its pushes`);
  for (const crm of crms) {
    const delivery = deliveries.find(({ connector }) => connector === crm.name);
    if (!delivery) result.lost.push(`${call} has no delivery for ${crm.name}`);
    else if (delivery.state !== 'delivered')
      result.lost.push(`${call} is ${delivery.state} for ${crm.name}: ${delivery.lastReason}`);
    else if (delivery.deliveredRevision !== delivery.wantedRevision)
      result.wrong.push(
        `${call}: ${crm.name} shows revision ${delivery.deliveredRevision} of ${delivery.wantedRevision}`,
      );
  }
}

function checkCrm(crm: BookedCrm, stories: readonly CallStory[], settings: Settings, result: Balance): void {
  const activities = groupBy(crm.activities(), ({ key }) => key);
  const people = groupBy(crm.people(), ({ number }) => number ?? '');
  for (const [number, same] of people) {
    if (number !== '' && same.length > 1 && !crm.meddled?.has(number))
      result.doubled.push(`${crm.name}: ${same.length} people have the number ${number}`);
  }
  for (const story of stories) {
    const found = activities.get(story.state.callId) ?? [];
    const call = `${crm.name}: call ${story.state.callId}`;
    const number = callOf(settings, story.state)?.caller.number ?? null;
    const isMeddled = number !== null && crm.meddled?.has(number);
    if (found.length === 0 && !isMeddled) result.lost.push(`${call} is not there`);
    if (found.length > 1) result.doubled.push(`${call} is there ${found.length} times`);
    for (const activity of found) checkActivity(call, activity, people, crm, story, settings, result);
    activities.delete(story.state.callId);
  }
  for (const [key] of activities) result.wrong.push(`${crm.name}: an activity of no stored call, "${key}"`);
}

function checkActivity(
  call: string,
  { people: linked, values }: Activity,
  people: ReadonlyMap<string, Person[]>,
  crm: BookedCrm,
  story: CallStory,
  settings: Settings,
  result: Balance,
): void {
  const number = callOf(settings, story.state)?.caller.number ?? null;
  const expected = number === null ? [] : (people.get(number) ?? []).map(({ id }) => id);
  if (linked.join() !== expected.join() && !(number !== null && crm.meddled?.has(number)))
    result.wrong.push(
      `${call} is linked to ${linked.join() || 'nobody'} instead of ${expected.join() || 'nobody'}`,
    );
  for (const [name, value] of Object.entries(draftOf(crm.name, story, settings)?.properties ?? {})) {
    // Of Salesforce's Tasks: written when one is made, by a bridge that has seen a description of them.
    if (name === 'Type' && (values[name] ?? null) === null) continue;
    if (!isSame(values[name], value))
      result.wrong.push(`${call} shows ${name} = ${values[name]}, and should show ${String(value)}`);
  }
}

function draftOf(connector: string, story: CallStory, settings: Settings): RecordDraft | undefined {
  const configured = settings.connectors[connector];
  const delivery = deliveryOf(settings, {
    state: story.state,
    urgency: 'live',
    revision: story.revision,
    records: {},
    failures: 0,
  });
  if (!configured || !delivery) return undefined;
  return configured.definition.draft(configured.options, delivery).find(({ role }) => role === 'activity');
}

/** CRMs keep values in forms of their own: instants as text, numbers as text. */
function isSame(held: unknown, wanted: RecordDraft['properties'][string]): boolean {
  if (wanted instanceof Date) return new Date(String(held)).getTime() === wanted.getTime();
  return String(held ?? '').trim() === String(wanted).trim();
}

function callIdOf({ fields }: Sent): string {
  return fields['PLA_Call_Id'] ?? '';
}

function sorted(fields: Fields): [string, string][] {
  return Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
