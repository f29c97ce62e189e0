import { sign } from 'node:crypto';
import { RefreshTokens, type Tools } from '../../src/connector/index.ts';
import type { SalesforceOptions } from './options.ts';

type Auth = SalesforceOptions['auth'];

/** Salesforce takes assertions that end within three minutes; the fourth part of one is for clocks that differ. */
const assertionSeconds = 135;

/** What is sent to the token endpoint, for each way to log in. */
export class Grant {
  readonly #auth: Auth;
  readonly #tools: Tools;
  readonly #refreshTokens: RefreshTokens | undefined;

  constructor(auth: Auth, tools: Tools) {
    this.#auth = auth;
    this.#tools = tools;
    this.#refreshTokens =
      auth.flow === 'refreshToken' ? new RefreshTokens(auth.refreshToken, tools) : undefined;
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
          refresh_token: (await this.#refreshTokens?.current()) ?? auth.refreshToken,
        };
    }
  }

  /** Keeps a refresh token that came with an access token, before anything is done with either. */
  async keep(issued: string | undefined): Promise<void> {
    await this.#refreshTokens?.keep(issued);
  }

  /** Texts that must never be shown. */
  get secrets(): string[] {
    return this.#refreshTokens?.secrets ?? [];
  }
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
