import type { Rehearsal } from './contract.ts';

/*
 * A rehearsal at the level of HTTP: whatever a connector sends, each request is told, and only what is known to read
 * reaches the CRM. So it holds for records that a connector learns to write later, too.
 */

/** A request to a CRM. */
export interface Asked {
  method: string;
  /** Without its query. */
  path: string;
  query: URLSearchParams;
  /** Of JSON, what it says; of anything else, the text. */
  body: unknown;
}

export interface Answered {
  status: number;
  /** As JSON. Undefined: none. */
  body?: unknown;
}

/** A CRM that is set up, and holds nothing but what was written in this rehearsal. */
export interface PretendedCrm {
  /** `write` for everything that is not known to be something else. */
  kindOf(asked: Asked): 'login' | 'read' | 'write';
  answer(asked: Asked): Answered;
  /** What of a read the real CRM can be asked: nothing that was made up here. Null: nothing is left to ask. */
  forReal(asked: Asked): Asked | null;
  /** What the real CRM answered to a read, with what was written in this rehearsal. */
  complete(asked: Asked, answered: Answered): Answered;
}

/** Fetches nothing that writes. Online, what reads and what logs in is sent with `send`; offline, nothing is. */
export function rehearsedFetch(crm: PretendedCrm, rehearsal: Rehearsal, send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const method = init?.method ?? 'GET';
    const asked = { method, path: url.pathname, query: url.searchParams, body: readBody(init?.body) };
    const kind = crm.kindOf(asked);
    const real = !rehearsal.online || kind === 'write' ? null : kind === 'login' ? asked : crm.forReal(asked);
    rehearsal.plan({
      method,
      path: `${url.pathname}${url.search}`,
      // A log-in is nothing but secrets.
      ...(kind === 'login' || asked.body === undefined ? {} : { body: asked.body }),
      sent: real !== null,
    });
    if (!real) return responseOf(crm.answer(asked));
    if (real !== asked) url.search = real.query.toString();
    const response = await send(url, real === asked ? init : { ...init, body: JSON.stringify(real.body) });
    if (kind === 'login' || !response.ok) return response;
    const answered = { status: response.status, body: readBody(await response.text()) };
    return responseOf(crm.complete(asked, answered), response.headers);
  };
}

function readBody(body: unknown): unknown {
  if (typeof body !== 'string' || body === '') return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
}

function responseOf({ status, body }: Answered, from?: Headers): Response {
  const headers = new Headers(from);
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) headers.delete(name);
  headers.set('content-type', 'application/json;charset=utf-8');
  return new Response(body === undefined ? null : JSON.stringify(body), { status, headers });
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
