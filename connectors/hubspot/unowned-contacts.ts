import type { Memory } from '../../src/connector/index.ts';
import type { HubSpotApi } from './api.ts';
import { RequestFailed } from './failures.ts';
import type { Records } from './records.ts';
import type { Work } from './work.ts';

const owner = 'hubspot_owner_id';

/**
 * Contacts that were made while the phone rang, when nobody could tell who would answer. They are given an owner when a
 * call of theirs names one, unless somebody has taken them meanwhile.
 */
export class UnownedContacts {
  readonly #api: HubSpotApi;
  readonly #records: Records;
  readonly #memory: Memory;

  constructor(api: HubSpotApi, records: Records, memory: Memory) {
    this.#api = api;
    this.#records = records;
    this.#memory = memory;
  }

  /** Before they are made: a crash in between then leaves none without. */
  async expect(numbers: readonly string[]): Promise<void> {
    if (numbers.length === 0) return;
    await this.#memory.remember(new Map(numbers.map((number) => [nameOf(number), 'yes'])));
  }

  async give(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const wanted = works.flatMap((work) => {
      const { number } = work.delivery.call.caller;
      const { ownerId, contactId } = work;
      return number !== null && ownerId !== null && contactId !== null
        ? [{ work, number, ownerId, contactId }]
        : [];
    });
    if (wanted.length === 0) return;
    const names = [...new Set(wanted.map(({ number }) => nameOf(number)))];
    const known = await this.#memory.recall(names);
    const unowned = new Map(
      wanted.filter(({ number }) => known.has(nameOf(number))).map((one) => [one.contactId, one]),
    );
    if (unowned.size === 0) return;
    try {
      const rows = await this.#api.read('contacts', [...unowned.keys()], { properties: [owner] }, signal);
      const drafts = rows
        .filter(({ properties }) => !properties[owner])
        .flatMap(({ id }) => {
          const values = { [owner]: unowned.get(id)?.ownerId ?? '' };
          return unowned.has(id) ? [{ id, objectWriteTraceId: id, values, timezone: 'UTC' }] : [];
        });
      const written = await this.#records.update('contacts', drafts, signal);
      const done: string[] = [];
      for (const [contactId, { work, number }] of unowned) {
        const { failure, notes = [] } = written.get(contactId) ?? {};
        work.notes.push(...notes);
        if (failure && failure.cure?.what !== 'gone') work.failures.push(failure);
        else done.push(nameOf(number));
      }
      if (done.length > 0) await this.#memory.forget(done);
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      for (const { work } of unowned.values()) work.failures.push(thrown.failure);
    }
  }
}

/** The number comes last: erasing a caller erases what ends with it. */
function nameOf(number: string): string {
  return `unownedContact/${number}`;
}
