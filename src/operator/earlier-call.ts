import type { RecordRef } from '../call/records.ts';
import type { Settings } from '../config/settings.ts';
import type { CallIndex } from '../store/call-index.ts';
import type { CallStory, Calls } from '../store/calls.ts';
import { indexedCall } from './indexed-call.ts';

/** Somebody may call every day. */
const lookedAt = 100;

/** The first, among some, of the caller's earlier calls that went to the same person. */
export async function earlierTo(
  store: Calls & CallIndex,
  settings: Settings,
  { row, state }: CallStory,
  { type, id }: RecordRef,
  connector: string,
): Promise<CallStory | undefined> {
  const { caller } = indexedCall(settings, state);
  if (caller === null) return undefined;
  const search = { callers: [caller], callerEnds: [], exact: true, callIds: [], words: [] };
  const views = await store.views(await store.findCalls({ search, connector }, row, lookedAt));
  const first = views.findLast(({ deliveries }) =>
    deliveries.some(
      ({ connector: to, records: { person } }) =>
        to === connector && person?.type === type && person.id === id,
    ),
  );
  return first && (await store.stories(first.state.callId, first.state.source))[0];
}
