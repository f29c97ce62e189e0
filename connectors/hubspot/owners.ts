import { type Clock, type OwnerOptions, ownerOf } from '../../src/connector/index.ts';
import { Metadata, type OwnerField } from '../../src/crm/index.ts';
import type { Owner } from './answers.ts';
import type { HubSpotApi, ObjectType } from './api.ts';
import { RequestFailed } from './failures.ts';
import { objectTypes } from './holds.ts';
import type { Work } from './work.ts';

/** Why somebody cannot own a record, and what to do. */
export interface Refused {
  problem: string;
  fix: string;
}

interface Users {
  /** By e-mail address in lower case. */
  byEmail: ReadonlyMap<string, Owner>;
  /** Addresses that are no owner's. */
  refused: Map<string, Refused>;
}

export const ownerName = 'hubspot_owner_id';

export function ownerField(api: HubSpotApi): OwnerField {
  return {
    name: ownerName,
    async unowned(records, signal) {
      const unowned = new Set<string>();
      for (const [type, those] of Map.groupBy(records, (record) => record.type)) {
        const ids = those.map(({ id }) => id);
        const what = { properties: [ownerName] };
        for (const { id, properties } of await api.read(objectTypes[type] as ObjectType, ids, what, signal))
          if (!properties[ownerName]) unowned.add(id);
      }
      return unowned;
    },
  };
}

/** The users of the account who may own records: e-mail address → owner. */
export class Owners {
  readonly #api: HubSpotApi;
  readonly #options: OwnerOptions | undefined;
  readonly #users: Metadata<'users', Users>;

  constructor(api: HubSpotApi, options: OwnerOptions | undefined, clock: Clock) {
    this.#api = api;
    this.#options = options;
    this.#users = new Metadata((_, signal) => this.#read(signal), clock);
  }

  /** HubSpot does not take one of them any more. */
  readonly forget = () => {
    this.#users.forget('users');
  };

  /** Finds the owner of each; one who cannot own anything is noted, and the call is written all the same. */
  async find(works: readonly Work[], signal: AbortSignal): Promise<void> {
    const wanted = works.flatMap((work) => {
      const email = ownerOf(this.#options, work.delivery);
      return email === null ? [] : [{ work, email: email.trim().toLowerCase() }];
    });
    if (wanted.length === 0) return;
    try {
      const emails = [...new Set(wanted.map(({ email }) => email))];
      const { byEmail, refused } = await this.#look(emails, signal);
      for (const { work, email } of wanted) {
        work.ownerId = byEmail.get(email)?.id ?? null;
        const why = refused.get(email);
        if (why) work.notes.push(`No owner was set: ${why.problem} ${why.fix}`);
      }
    } catch (thrown) {
      if (!(thrown instanceof RequestFailed)) throw thrown;
      for (const { work } of wanted) work.failures.push(thrown.failure);
    }
  }

  /** Why an address of the configuration names nobody, by address; for `check`. */
  async refused(signal: AbortSignal): Promise<ReadonlyMap<string, Refused>> {
    if (!this.#options) return new Map();
    const { map, otherwise } = this.#options;
    const emails = [...Object.values(map), ...(otherwise === null ? [] : [otherwise])];
    this.forget();
    const { refused } = await this.#look(
      [...new Set(emails.map((email) => email.trim().toLowerCase()))],
      signal,
    );
    return refused;
  }

  async #look(emails: readonly string[], signal: AbortSignal): Promise<Users> {
    // Somebody who is missing may just have been invited.
    const lacks = ({ byEmail }: Users) => emails.some((email) => !byEmail.has(email));
    const known = await this.#users.of('users', signal, lacks);
    for (const email of emails) {
      if (!known.byEmail.has(email) && !known.refused.has(email)) {
        known.refused.set(email, await this.#whyNot(email, signal));
      }
    }
    return known;
  }

  async #read(signal: AbortSignal): Promise<Users> {
    const owners = await this.#api.owners(signal);
    const named = owners.flatMap((owner) =>
      owner.email ? [[owner.email.toLowerCase(), owner] as const] : [],
    );
    const active = named.filter(([, owner]) => isActive(owner));
    const inactive = named.filter(([, owner]) => !isActive(owner));
    const refused = new Map(
      inactive.map(([email]) => [email, { problem: `${email} is deactivated in HubSpot.`, fix: advice }]),
    );
    for (const [email] of active) refused.delete(email);
    return { byEmail: new Map(active), refused };
  }

  async #whyNot(email: string, signal: AbortSignal): Promise<Refused> {
    return (await this.#api.isArchivedOwner(email, signal))
      ? { problem: `${email} was removed from HubSpot.`, fix: advice }
      : {
          problem: `HubSpot has no user ${email}.`,
          fix: 'Invite them, or correct `owner` in the configuration.',
        };
  }
}

const advice = 'Name somebody else in `owner`, or bring the user back.';

function isActive({ archived, userId, userIdIncludingInactive }: Owner): boolean {
  return !archived && !(userId === undefined && userIdIncludingInactive !== undefined);
}
