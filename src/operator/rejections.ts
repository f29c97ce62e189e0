import { connectorsFor } from '../config/read-call.ts';
import type { Settings } from '../config/settings.ts';
import { pushAgain } from '../receive/push-again.ts';
import type { NewPush, Recorded } from '../store/intake.ts';
import type { ReadAgain, Rejections } from '../store/rejections.ts';
import { OperatorProblem } from './problem.ts';
import {
  type ReadAgainDone,
  type RejectedPush,
  type RejectedPushes,
  type RejectedQuery,
  rejectedOf,
  shownBytes,
} from './rejected.ts';

type TimeText = (at: Date) => string;

/** @throws OperatorProblem */
export async function listRejected(
  store: Rejections,
  settings: Settings,
  { after, limit, source, kept }: RejectedQuery & { limit: number },
  timeOf: TimeText,
): Promise<RejectedPushes> {
  const place = /^(\d{1,15})\.(\d{1,15})$/.exec(after ?? '');
  if (after !== undefined && !place)
    throw new OperatorProblem('wrong', 'after is not the `next` of a page: begin with the first one.');
  const found = await store.rejections({
    limit: limit + 1,
    headBytes: shownBytes,
    source,
    ...(kept === undefined ? {} : { kept }),
    ...(place ? { before: { lastAt: new Date(Number(place[1])), row: Number(place[2]) } } : {}),
  });
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    pushes: page.map((one) => rejectedOf(one, settings, timeOf)),
    next: last && found.length > limit ? `${last.lastAt.getTime()}.${last.row}` : null,
  };
}

/** @throws OperatorProblem */
export async function oneRejected(
  store: Rejections,
  settings: Settings,
  id: string,
  timeOf: TimeText,
): Promise<RejectedPush> {
  const found = /^\d{1,15}$/.test(id) ? await store.rejection(Number(id)) : null;
  if (found) return rejectedOf(found, settings, timeOf);
  throw new OperatorProblem(
    'not found',
    'There is no such push: it was read again, erased, or is older than retention.rejected keeps.',
  );
}

/** Reads kept bodies again. @param read is told of the calls, step by step */
export async function readAgain(
  bridge: { store: Rejections; settings(): Settings; taken(push: NewPush, recorded: Recorded): void },
  source: string | undefined,
  read: (pushes: readonly NewPush[]) => void,
): Promise<ReadAgainDone> {
  const done: ReadAgainDone = { read: 0, left: 0, withoutSource: 0 };
  for (let row: number | null = 0; row !== null; ) {
    const step: ReadAgain = await bridge.store.readAgain(source, row, (kept) => {
      const settings = bridge.settings();
      const from = settings.sources[kept.source];
      return from ? pushAgain(kept, from, (state) => connectorsFor(settings, state)) : null;
    });
    for (const { push, recorded } of step.taken) bridge.taken(push, recorded);
    read(step.taken.map(({ push }) => push));
    done.read += step.taken.length;
    done.left += step.left + step.passed;
    done.withoutSource += step.passed;
    row = step.lastRow;
    await new Promise(setImmediate); // pushes come first
  }
  return done;
}
