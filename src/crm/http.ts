import * as z from 'zod';
import type { Tools } from '../connector/contract.ts';
import type { LogIn } from './access.ts';
import { asJson, type Exchange } from './requests.ts';

/** JSON over HTTP, with the token as a bearer's. @param baseUrl what paths are put behind */
export function httpExchange(baseUrl: string, { fetch }: Pick<Tools, 'fetch'>): Exchange {
  return async ({ method, path, headers, body }, token, over) => {
    const isText = typeof body === 'string' || body instanceof URLSearchParams;
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(isText || body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
      redirect: 'manual', // or the token would go wherever it leads
      signal: over,
    });
    const { status } = response;
    return {
      status,
      headers: Object.fromEntries(response.headers.entries()),
      body: asJson(await response.text()),
    };
  };
}

const issuance = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().optional() });

/** OAuth's client credentials. @param path of the token endpoint @param more such as a scope */
export function clientCredentials(
  path: string,
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
  more: Readonly<Record<string, string>> = {},
): LogIn {
  const client = { client_id: clientId, client_secret: clientSecret };
  return {
    secrets: [clientSecret],
    wanted: async () => ({
      request: 'token',
      path,
      form: new URLSearchParams({ grant_type: 'client_credentials', ...client, ...more }),
    }),
    async issued(body) {
      const { access_token: token, expires_in: seconds } = issuance.safeParse(body).data ?? {};
      return token === undefined ? undefined : { token, ...(seconds ? { lastsMs: seconds * 1_000 } : {}) };
    },
  };
}
