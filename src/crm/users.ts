import { cacheOf } from '../cache.ts';
import type { Clock } from '../clock.ts';
import type { Finding } from '../connector/contract.ts';
import type { OwnerOptions } from '../connector/owner.ts';
import type { Values } from '../connector/values.ts';
import { RequestFailed } from './failure.ts';
import { isBelieved } from './metadata.ts';
import type { OwnerField } from './ownership.ts';

/** Whom an address names: a user's id, or why nobody, and what to do. */
export type User = { id: string; problem?: undefined } | { id?: undefined; problem: string; fix: string };

type Ask = (addresses: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, User>>;

/** The users of a CRM who may own records, by the addresses that the configuration has of them. */
export class Users {
  /** Where records say whose they are. */
  readonly field: string;
  readonly #ask: Ask;
  readonly #ids: RegExp;
  readonly #clock: Clock;
  readonly #known = cacheOf<string, { user: User; at: number }>(5_000);

  constructor(ask: Ask, { name, ids = usualIds }: Pick<OwnerField, 'name' | 'ids'>, clock: Clock) {
    this.#ask = ask;
    this.field = name;
    this.#ids = ids;
    this.#clock = clock;
  }

  /** Whether it has to be looked up: sent as an id, what is none would be refused with all that was sent along. */
  isAddress(owner: unknown): owner is string {
    return typeof owner === 'string' && owner.trim() !== '' && !this.#ids.test(owner.trim());
  }

  /** The CRM does not take one of them any more. */
  forget(): void {
    this.#known.clear();
  }

  /** By address, as it was asked for. @throws RequestFailed where one was never told of */
  async find(addresses: readonly string[], signal: AbortSignal): Promise<Map<string, User>> {
    const now = this.#clock.now().getTime();
    const unknown = [...new Set(addresses.map(plain))].filter((address) => {
      const known = this.#known.get(address);
      // Somebody who is missing may just have been invited.
      return !known || !isBelieved(known.at, known.user.id === undefined, now);
    });
    if (unknown.length > 0) {
      try {
        for (const [address, user] of await this.#ask(unknown, signal))
          this.#known.set(plain(address), { user, at: now });
      } catch (thrown) {
        // What was told long ago is better than nothing.
        if (!(thrown instanceof RequestFailed && unknown.every((one) => this.#known.has(one)))) throw thrown;
      }
    }
    return new Map(
      addresses.flatMap((address) => {
        const known = this.#known.get(plain(address));
        return known ? [[address, known.user] as const] : [];
      }),
    );
  }

  /** The user's id that an owner of the configuration stands for, of what was found; it may be one itself. */
  idOf(owner: string | null): string | undefined {
    if (owner === null || !this.isAddress(owner)) return owner ?? undefined;
    return this.#known.get(plain(owner))?.user.id;
  }

  /**
   * Addresses of owners become ids. Where nobody is found, the record goes without, and a note says what to do.
   * @throws RequestFailed
   */
  async settle(drafts: readonly { values: Values; notes: string[] }[], signal: AbortSignal): Promise<void> {
    const owned = drafts.flatMap((draft) => {
      const owner = draft.values[this.field];
      return this.isAddress(owner) ? [{ draft, owner }] : [];
    });
    const users = await this.find(
      owned.map(({ owner }) => owner),
      signal,
    );
    for (const { draft, owner } of owned) {
      const { [this.field]: _, ...values } = draft.values;
      const user = users.get(owner);
      draft.values = user?.id === undefined ? values : { ...values, [this.field]: user.id };
      if (user?.problem !== undefined) draft.notes.push(`No owner was set: ${user.problem} ${user.fix}`);
    }
  }
}

/** No address is one word with digits, and neither is most of what stands in place of one. */
const usualIds = /^(?=.*\d)[\w-]+$/;

function plain(address: string): string {
  return address.trim().toLowerCase();
}

/** Whether all whom the configuration names may own records. @throws RequestFailed */
export async function checkOwners(
  users: Users,
  { map, otherwise }: OwnerOptions,
  signal: AbortSignal,
): Promise<Finding[]> {
  users.forget();
  const addresses = [...Object.values(map), otherwise].filter((one) => users.isAddress(one));
  return [...(await users.find([...new Set(addresses)], signal))].map(([address, user]): Finding => {
    const subject = `owner ${address}`;
    if (user.problem === undefined) return { level: 'ok', subject, message: `User ${user.id}.` };
    return { level: 'problem', subject, message: user.problem, fix: user.fix };
  });
}
