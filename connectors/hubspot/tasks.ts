import { type Memory, OpenFollowUps } from '../../src/connector/index.ts';
import { linksTo } from './associations.ts';
import type { Job } from './job.ts';
import type { KeyedRecords } from './keyed-records.ts';
import type { HubSpotOptions } from './options.ts';
import type { Records } from './records.ts';
import { taskDraft } from './task-draft.ts';
import type { Work } from './work.ts';

/** The follow-ups: a task for each call that somebody should return, made once and completed when that has happened. */
export class Tasks {
  readonly #keyed: KeyedRecords;
  readonly #records: Records;
  readonly #options: HubSpotOptions;
  readonly #open: OpenFollowUps;

  constructor(keyed: KeyedRecords, records: Records, options: HubSpotOptions, memory: Memory) {
    this.#keyed = keyed;
    this.#records = records;
    this.#options = options;
    this.#open = new OpenFollowUps(options.followUp, memory);
  }

  async write(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const jobs = works.flatMap((work) => this.#job(work) ?? []);
    const made: Work[] = [];
    for (const [{ work }, { id, isNew, notes, failure }] of await this.#keyed.write(jobs, signal)) {
      work.notes.push(...notes);
      if (id !== null) work.records = { ...work.records, followUp: { type: 'task', id } };
      if (id !== null && isNew) made.push(work);
      if (failure) {
        const reason = `The call is in HubSpot, its follow-up is not done yet. ${failure.reason}`;
        work.failures.push({ ...failure, reason });
      }
    }
    // Remembered before anything says that it is made: a crash in between finds it made, and remembers it then.
    await this.#open.add(
      made.flatMap(({ delivery, records: { followUp } }) => (followUp ? [{ delivery, followUp }] : [])),
    );
  }

  #job(work: Work): (Job & { work: Work }) | undefined {
    const { delivery, contactId, companyId, ownerId } = work;
    const draft = taskDraft(this.#options, delivery, ownerId);
    const known = delivery.records.followUp;
    if (!draft || known) return undefined;
    return {
      work,
      key: delivery.key,
      values: draft.properties,
      timezone: delivery.source.timezone,
      links: linksTo(contactId, companyId),
      known: null,
    };
  }

  /** Completes the follow-ups of earlier calls that these calls settle. */
  async complete(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const workOf = new Map(works.map((work) => [work.delivery, work]));
    const settled = await this.#open.settledBy([...workOf.keys()]);
    if (settled.length === 0) return;
    // Two calls may settle one task.
    const drafts = new Map(
      settled.map(({ followUp: { id }, by }) => [
        id,
        {
          id,
          objectWriteTraceId: id,
          values: { hs_task_status: 'COMPLETED' },
          timezone: by.source.timezone,
        },
      ]),
    );
    const written = await this.#records.update('tasks', [...drafts.values()], signal);
    const done = settled.filter(({ followUp, by }) => {
      const failure = written.get(followUp.id)?.failure;
      const work = workOf.get(by);
      if (!failure) work?.notes.push(`The follow-up ${followUp.id} of an earlier call was completed.`);
      else if (failure.kind === 'rejected' && failure.cure?.what !== 'gone')
        work?.notes.push(`The follow-up ${followUp.id} of an earlier call stays open. ${failure.reason}`);
      else if (failure.cure?.what !== 'gone') {
        const reason = `The call is in HubSpot, the follow-up ${followUp.id} of an earlier one is not completed yet. ${failure.reason}`;
        work?.failures.push({ ...failure, reason });
        return false;
      }
      return true;
    });
    await this.#open.remove(done);
  }
}
