import { LRUCache } from 'lru-cache';
import { type Clock, type Delivery, type OwnerOptions, ownerOf } from '../../src/connector/index.ts';
import { isBelieved, type OwnerField } from '../../src/crm/index.ts';
import type { Row } from './answers.ts';
import type { SalesforceApi } from './api.ts';
import { RequestFailed } from './failures.ts';
import type { Draft } from './fields.ts';
import { objects } from './holds.ts';
import { isIn } from './soql.ts';

/** Who may own records under an address: a user's id, or why nobody. */
export type Owner = { id: string; refusal?: undefined } | { refusal: string; id?: undefined };

export function ownerField(api: SalesforceApi): OwnerField {
  return {
    name: 'OwnerId',
    async unowned(records, signal) {
      const statements = [...Map.groupBy(records, ({ type }) => objects[type])].map(([object, those]) => {
        const ids = those.map(({ id }) => id);
        return `SELECT Id,OwnerId FROM ${object} WHERE ${isIn('Id', ids)}`;
      });
      const found = await api.query(statements, signal, 'queryAll'); // archived Tasks, too
      return new Set(
        found.flatMap(({ rows, failure }) => {
          if (failure) throw new RequestFailed(failure);
          return rows.flatMap((row) => (row['OwnerId'] === api.user?.id ? [row.Id] : []));
        }),
      );
    },
  };
}

/** Finds the users whom the configuration names by e-mail address or username. */
export class Owners {
  readonly #api: SalesforceApi;
  readonly #clock: Clock;
  readonly #known = new LRUCache<string, { owner: Owner; at: number }>({ max: 1_000 });

  constructor(api: SalesforceApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /** Addresses in `OwnerId` become ids. Where nobody is found, the record goes without, and a note says what to do. */
  async settle(drafts: readonly Draft[], signal: AbortSignal): Promise<void> {
    const owned = drafts.filter(({ values }) => isAddress(values['OwnerId']));
    const owners = await this.find(
      owned.map(({ values }) => String(values['OwnerId'])),
      signal,
    );
    for (const draft of owned) {
      const { OwnerId, ...values } = draft.values;
      const { id, refusal } = owners.get(String(OwnerId)) as Owner;
      draft.values = id === undefined ? values : { ...values, OwnerId: id };
      if (refusal !== undefined && !draft.notes.includes(refusal)) draft.notes.push(refusal);
    }
  }

  /** The user whom `owner` names, of the calls for which there is one. @throws RequestFailed */
  async of(
    options: OwnerOptions | undefined,
    deliveries: readonly Delivery[],
    signal: AbortSignal,
  ): Promise<Map<Delivery, string>> {
    const named = new Map(deliveries.map((delivery) => [delivery, ownerOf(options, delivery) ?? '']));
    const owners = await this.find([...named.values()].filter(isAddress), signal);
    return new Map(
      [...named].flatMap(([delivery, owner]) => {
        const id = isAddress(owner) ? owners.get(owner)?.id : owner;
        return id ? [[delivery, id] as const] : [];
      }),
    );
  }

  async find(addresses: readonly string[], signal: AbortSignal): Promise<Map<string, Owner>> {
    const now = this.#clock.now().getTime();
    const all = [...new Set(addresses)];
    const unknown = all.filter((address) => {
      const known = this.#known.get(address);
      return !known || !isBelieved(known.at, known.owner.id === undefined, now);
    });
    if (unknown.length > 0) {
      try {
        const rows = await this.#ask(unknown, signal);
        for (const address of unknown)
          this.#known.set(address, { owner: ownerAmong(rows, address), at: now });
      } catch (thrown) {
        // What was told long ago is better than nothing.
        if (!(thrown instanceof RequestFailed && unknown.every((one) => this.#known.has(one)))) throw thrown;
      }
    }
    return new Map(all.map((address) => [address, (this.#known.get(address) as { owner: Owner }).owner]));
  }

  async #ask(addresses: readonly string[], signal: AbortSignal): Promise<Row[]> {
    const whose = `${isIn('Username', addresses)} OR ${isIn('Email', addresses)}`;
    const statement = `SELECT Id,Username,Email,IsActive,UserType FROM User WHERE ${whose}`;
    const [found] = await this.#api.query([statement], signal);
    if (found?.rows) return found.rows;
    throw new RequestFailed(
      found?.failure ?? { kind: 'retry', reason: 'Salesforce did not answer the query for owners.' },
    );
  }
}

/** A username names one user; an address may be that of several, of whom some may have left. */
function ownerAmong(rows: readonly Row[], address: string): Owner {
  const has = (row: Row, field: string) => String(row[field] ?? '').toLowerCase() === address.toLowerCase();
  const named = rows.filter((row) => has(row, 'Username'));
  const theirs = named.length > 0 ? named : rows.filter((row) => has(row, 'Email'));
  const active = theirs.filter((row) => row['IsActive'] === true);
  const people = active.filter((row) => row['UserType'] === 'Standard');
  const candidates = people.length > 0 ? people : active;
  const [owner] = candidates;
  if (owner && candidates.length === 1) return { id: owner.Id };
  if (theirs.length === 0)
    return refused(address, 'no user of Salesforce has this address. Correct it, or create the user');
  if (active.length === 0)
    return refused(address, 'the user is inactive in Salesforce. Map somebody else, or activate the user');
  return refused(address, 'several active users have this address. Write the username of one of them');
}

function refused(address: string, why: string): Owner {
  return { refusal: `Nobody was made the owner: ${address} is in \`owner\`, but ${why}.` };
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && value.includes('@');
}
