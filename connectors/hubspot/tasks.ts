import { type Memory, OpenFollowUps } from '../../src/connector/index.ts';
import { settleFollowUps } from '../../src/crm/index.ts';
import { linksTo } from './associations.ts';
import type { Failure } from './failures.ts';
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
    const told = await settleFollowUps(
      this.#open,
      works.map(({ delivery }) => delivery),
      async (ids) => {
        const values = { hs_task_status: 'COMPLETED' };
        const drafts = ids.map((id) => ({ id, objectWriteTraceId: id, values, timezone: 'UTC' }));
        const written = await this.#records.update('tasks', drafts, signal);
        return new Map([...written].map(([id, { failure }]) => [id, failure]));
      },
    );
    for (const work of works) {
      const { notes = [], failures = [] } = told.get(work.delivery) ?? {};
      work.notes.push(...notes);
      work.failures.push(...(failures as Failure[]));
    }
  }
}
