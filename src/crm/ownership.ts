import { cacheOf } from '../cache.ts';
import type { RecordRef } from '../call/records.ts';
import type { Delivery } from '../connector/contract.ts';
import type { Memory } from '../connector/memory.ts';
import { isOfGone, RequestFailed } from './failure.ts';
import type { PersonRecords, Updated } from './person-updates.ts';

/** How a CRM tells whose its records are. */
export interface OwnerField {
  name: string;
  /** What the ids of those look like who may own records. Undefined: one word with digits. */
  ids?: RegExp;
  /** Ids of those that are there and have nobody, or none but the bridge's own user. @throws RequestFailed */
  unowned(records: readonly RecordRef[], signal: AbortSignal): Promise<ReadonlySet<string>>;
}

/**
 * The owners of activities. An owner is given once, to an activity that nobody has: from then on it is people's to say
 * whose it is, whatever a later state of its call says.
 */
export class ActivityOwners {
  readonly #field: OwnerField;
  /** Those that have an owner. */
  readonly #owned = cacheOf<string, true>(5_000);

  constructor(field: OwnerField) {
    this.#field = field;
  }

  /** It was written with an owner. */
  given(id: string): void {
    this.#owned.set(id, true);
  }

  /** Those of these activities that may be given an owner: looked at once for all. @throws RequestFailed */
  async free(activities: readonly RecordRef[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const asked = activities.filter(({ id }) => !this.#owned.has(id));
    if (asked.length === 0) return new Set();
    const free = await this.#field.unowned(asked, signal);
    for (const { id } of asked) if (!free.has(id)) this.given(id);
    return free;
  }
}

/** A call that names who is to have its caller. */
export interface Claimed {
  delivery: Delivery;
  person: RecordRef;
  /** The CRM's id of the user. */
  ownerId: string;
}

/**
 * People who were made while the phone rang, when nobody could tell who would answer. They are given an owner when a call
 * of theirs names one, unless somebody has taken them meanwhile.
 */
export class UnownedPeople {
  readonly #field: OwnerField;
  readonly #people: Pick<PersonRecords, 'write'>;
  readonly #memory: Memory;

  constructor(field: OwnerField, people: Pick<PersonRecords, 'write'>, memory: Memory) {
    this.#field = field;
    this.#people = people;
    this.#memory = memory;
  }

  /** Before they are made: a crash in between then leaves none without. */
  async expect(numbers: readonly string[]): Promise<void> {
    if (numbers.length === 0) return;
    await this.#memory.remember(new Map(numbers.map((number) => [nameOf(number), 'yes'])));
  }

  /** Answers what there is to tell. A person whom the CRM does not let be given costs no call. */
  async give(claims: readonly Claimed[], signal: AbortSignal): Promise<Map<Delivery, Updated>> {
    const told = new Map<Delivery, Updated>();
    const named = claims.flatMap((claim) => {
      const { number } = claim.delivery.call.caller;
      return number === null ? [] : [{ ...claim, name: nameOf(number) }];
    });
    if (named.length === 0) return told;
    const known = await this.#memory.recall([...new Set(named.map(({ name }) => name))]);
    const expected = new Map(named.filter(({ name }) => known.has(name)).map((one) => [one.person.id, one]));
    if (expected.size === 0) return told;
    try {
      const people = [...expected.values()].map(({ person }) => person);
      const free = await this.#field.unowned(people, signal);
      const changes = [...expected.values()].flatMap(({ person, ownerId }) =>
        free.has(person.id) ? [{ person, values: { [this.#field.name]: ownerId } }] : [],
      );
      const answers = changes.length === 0 ? [] : await this.#people.write(changes, signal);
      const written = new Map(changes.map(({ person }, place) => [person.id, answers[place]]));
      const done: string[] = [];
      for (const [id, { delivery, name }] of expected) {
        const { notes = [], failure }: Partial<Updated> = written.get(id) ?? {};
        const isPeoples = failure?.kind === 'rejected' && !isOfGone(failure);
        const isOver = !failure || isOfGone(failure) || isPeoples;
        const why = isPeoples ? [`The person was not given to who answered. ${failure.reason}`] : [];
        told.set(delivery, isOver ? { notes: [...notes, ...why] } : { notes, failure });
        if (isOver) done.push(name);
      }
      if (done.length > 0) await this.#memory.forget(done);
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      for (const { delivery } of expected.values())
        told.set(delivery, { notes: [], failure: thrown.failure });
    }
    return told;
  }
}

/** The number comes last: erasing a caller erases what ends with it. */
function nameOf(number: string): string {
  return `unownedContact/${number}`;
}
