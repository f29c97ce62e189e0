import type {
  Connection,
  Delivery,
  DryConnection,
  DryRun,
  RecordDraft,
  Tools,
} from '../connector/contract.ts';
import { keepingRotated } from '../connector/refresh-tokens.ts';
import type { Asked, Exchange } from './requests.ts';

/*
 * A dry run takes the place of a transport's exchange: whatever a connection asks, each request is told, and only what is
 * known to read reaches the CRM. So it holds for records that a connector learns to write later, too.
 */

/** A CRM that is set up, and holds nothing but what was written in this dry run. */
export interface PretendedCrm {
  /** A field that a record is drafted with is there. */
  learn(field: string): void;
  /** Whether it only reads. Whatever is not known to, does not. */
  reads(asked: Asked): boolean;
  answer(asked: Asked): PretendedAnswer;
  /** What of a read the real CRM can be asked: nothing that was made up here. Undefined: nothing is left to ask. */
  forReal(asked: Asked): Asked | undefined;
  /** What the real CRM answered to a read, with what was written in this dry run. */
  complete(asked: Asked, body: unknown): unknown;
}

export interface PretendedAnswer {
  status: number;
  body?: unknown;
}

/** What a transport is opened with: the exchange as it is, or in a dry run. */
export type Wrap = (exchange: Exchange) => Exchange;

export const sendingAll: Wrap = (exchange) => exchange;

/** A connection that writes nothing. Online, what reads and what logs in is sent; offline, nothing is. */
export async function dryConnection(
  crm: PretendedCrm,
  dryRun: DryRun,
  tools: Tools,
  draft: (delivery: Delivery) => RecordDraft[],
  open: (tools: Tools, wrap: Wrap) => Promise<Connection>,
): Promise<DryConnection> {
  const memory = keepingRotated(tools.memory, dryRun);
  const connection = await open({ ...tools, memory }, (exchange) => inDryRun(exchange, crm, dryRun));
  return {
    deliver(batch, signal) {
      for (const { properties } of batch.flatMap(draft)) Object.keys(properties).forEach(crm.learn, crm);
      return connection.deliver(batch, signal);
    },
    close: () => connection.close(),
  };
}

function inDryRun(exchange: Exchange, crm: PretendedCrm, { online, plan }: DryRun): Exchange {
  return async (asked, token, over) => {
    const { method, path, body } = asked;
    const isLogIn = body instanceof URLSearchParams;
    const real = !online ? undefined : isLogIn ? asked : crm.reads(asked) ? crm.forReal(asked) : undefined;
    // A log-in is nothing but secrets.
    plan({ method, path, ...(isLogIn || body === undefined ? {} : { body }), sent: real !== undefined });
    if (!real) return { headers: {}, body: undefined, ...crm.answer(asked) };
    const answer = await exchange(real, token, over);
    const isRead = !isLogIn && answer.status >= 200 && answer.status < 300;
    return isRead ? { ...answer, body: crm.complete(asked, answer.body) } : answer;
  };
}

/** A record that a dry run wrote. */
export interface MadeUp {
  id: string;
  fields: Record<string, unknown>;
}

/** Everything that a dry run wrote, by kind of record. */
export class MadeUpRecords {
  readonly #byKind = new Map<string, MadeUp[]>();
  readonly #idOf: (kind: string, nth: number) => string;

  /** @param idOf the id of the nth of a kind, from 1: as the CRM takes one, and never has it */
  constructor(idOf: (kind: string, nth: number) => string) {
    this.#idOf = idOf;
  }

  create(kind: string, fields: MadeUp['fields']): MadeUp {
    const all = this.of(kind);
    const one = { id: this.#idOf(kind, all.length + 1), fields: { ...fields } };
    this.#byKind.set(kind, [...all, one]);
    return one;
  }

  of(kind: string): readonly MadeUp[] {
    return this.#byKind.get(kind) ?? [];
  }

  /** @param field undefined: by its id */
  find(kind: string, field: string | undefined, value: string): MadeUp | undefined {
    return this.of(kind).find(
      ({ id, fields }) => (field === undefined ? id : String(fields[field])) === value,
    );
  }

  /** The one that was changed, if it is one of these. */
  update(kind: string, id: string, fields: MadeUp['fields']): MadeUp | undefined {
    const one = this.find(kind, undefined, id);
    if (one) Object.assign(one.fields, fields);
    return one;
  }
}

/** A request's path and query, apart. */
export function partsOf({ path }: Pick<Asked, 'path'>): { path: string; query: URLSearchParams } {
  const { pathname, searchParams } = new URL(path, 'https://crm.invalid');
  return { path: pathname, query: searchParams };
}

/** Names of properties, wherever a mapping has some: the pretended CRM has them all. */
export function mappedNames(options: unknown): string[] {
  if (typeof options !== 'object' || options === null) return [];
  return Object.entries(options).flatMap(([name, value]) =>
    name === 'properties' && typeof value === 'object' && value !== null
      ? Object.keys(value)
      : mappedNames(value),
  );
}
