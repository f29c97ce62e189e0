import { createHash, sign } from 'node:crypto';
import type { Memory, Rehearsal, Tools } from '../../src/connector/contract.ts';
import type { SalesforceOptions } from './options.ts';

type Auth = SalesforceOptions['auth'];

/** Salesforce takes assertions that end within three minutes; the fourth part of one is for clocks that differ. */
const assertionSeconds = 135;

/** Under which name the memory keeps the refresh token that replaced the configured one. */
const rotatedName = 'refreshToken';

/** What is sent to the token endpoint, for each way to log in. */
export class Grant {
  readonly #auth: Auth;
  readonly #tools: Tools;
  /** Issued and not yet kept: the store could not take it. */
  #unkept: string | undefined;

  constructor(auth: Auth, tools: Tools) {
    this.#auth = auth;
    this.#tools = tools;
  }

  /** The parameters of a request for a token, without the client's own. */
  async parameters(): Promise<{ grant_type: string; [name: string]: string }> {
    const auth = this.#auth;
    switch (auth.flow) {
      case 'clientCredentials':
        return { grant_type: 'client_credentials' };
      case 'jwtBearer':
        return {
          grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
          assertion: assertionFor(auth, this.#tools.clock.now()),
        };
      case 'refreshToken':
        return {
          grant_type: 'refresh_token',
          refresh_token: this.#unkept ?? (await this.#rotated(auth.refreshToken)) ?? auth.refreshToken,
        };
    }
  }

  /** Keeps a refresh token that came with an access token, before anything is done with either: the one before is used up. */
  async keep(issued: string | undefined): Promise<void> {
    if (this.#auth.flow !== 'refreshToken') return;
    const token = issued ?? this.#unkept;
    if (!token) return;
    this.#unkept = token;
    const text = JSON.stringify({ token, of: digest(this.#auth.refreshToken) });
    await this.#tools.memory.remember(new Map([[rotatedName, text]]));
    this.#unkept = undefined;
  }

  /** The one that replaced the configured one, unless somebody has configured another since. */
  async #rotated(configured: string): Promise<string | undefined> {
    const text = (await this.#tools.memory.recall([rotatedName])).get(rotatedName);
    if (text === undefined) return undefined;
    const { token, of } = JSON.parse(text) as { token: string; of: string };
    return of === digest(configured) ? token : undefined;
  }
}

/** A memory for a rehearsal: a refresh token that was really replaced is really kept. */
export function keepingRotated(memory: Memory, { keep }: Rehearsal): Memory {
  return {
    ...memory,
    async remember(texts) {
      const rotated = texts.get(rotatedName);
      if (rotated !== undefined) await keep?.(new Map([[rotatedName, rotated]]));
      await memory.remember(texts);
    },
  };
}

/** Texts of the log-in that must never be shown. */
export function secretsOf(auth: Auth): string[] {
  switch (auth.flow) {
    case 'clientCredentials':
      return [auth.clientSecret];
    case 'jwtBearer':
      return [auth.privateKey];
    case 'refreshToken':
      return [auth.refreshToken, auth.clientSecret ?? ''];
  }
}

/** What to look at when Salesforce refuses a log-in. */
export function adviceOn(auth: Auth): string {
  switch (auth.flow) {
    case 'clientCredentials':
      return 'Check auth.clientId, auth.clientSecret and auth.loginUrl (My Domain), and that the app has the client credentials flow with a Run As user.';
    case 'jwtBearer':
      return 'Check auth.clientId, auth.username and auth.loginUrl, that the app has the certificate of auth.privateKey, and that the user is pre-authorised for it.';
    case 'refreshToken':
      return 'Log in to the app again and put the new refresh token into auth.refreshToken: the old one was revoked, or used up.';
  }
}

/** A signed statement of who asks. https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm */
function assertionFor(auth: Extract<Auth, { flow: 'jwtBearer' }>, now: Date): string {
  const header = { alg: 'RS256' };
  const claims = {
    iss: auth.clientId,
    sub: auth.username,
    aud: auth.audience ?? audienceOf(auth.loginUrl),
    exp: Math.floor(now.getTime() / 1000) + assertionSeconds,
  };
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), auth.privateKey).toString('base64url')}`;
}

/** Orgs name the log-in host as the audience, sandboxes that of sandboxes. */
function audienceOf(loginUrl: string): string {
  const { hostname } = new URL(loginUrl);
  const isSandbox = hostname === 'test.salesforce.com' || hostname.includes('.sandbox.');
  return isSandbox ? 'https://test.salesforce.com' : 'https://login.salesforce.com';
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
