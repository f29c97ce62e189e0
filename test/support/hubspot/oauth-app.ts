import { randomUUID } from 'node:crypto';

interface Credentials {
  clientId: string;
  clientSecret: string;
  refreshToken: string;
}

interface Answer {
  status: number;
  body: unknown;
}

/** The first endpoints of OAuth "will return errors" from then on. */
const firstEndpointsEnd = Date.parse('2027-02-16T00:00:00Z');

/** An app that is installed in the account, and the endpoints where it logs in. */
export class OAuthApp {
  /** Access tokens that are good. */
  readonly issued = new Set<string>();
  refreshToken: string;
  readonly #credentials: Credentials;
  readonly #now: () => Date;
  readonly #rotates: boolean;
  #isInstalled = true;

  constructor(credentials: Credentials, { now, rotates }: { now(): Date; rotates: boolean }) {
    this.#credentials = credentials;
    this.refreshToken = credentials.refreshToken;
    this.#now = now;
    this.#rotates = rotates;
  }

  uninstall(): void {
    this.#isInstalled = false;
    this.issued.clear();
  }

  /** Undefined: this is no log-in. */
  answer(path: string, contentType: string | undefined, text: string): Answer | undefined {
    const version = /^\/oauth\/([\w-]+)\/token$/.exec(path)?.[1];
    if (version === undefined) return undefined;
    const isThere =
      version === 'v1' ? this.#now().getTime() < firstEndpointsEnd : ['2026-03', '2026-09'].includes(version);
    if (!isThere) return refusal(404, 'NOT_FOUND', 'invalid_request', `There is no ${path}.`);
    if (!contentType?.startsWith('application/x-www-form-urlencoded'))
      return refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'invalid_request', 'The parameters belong into a form.');
    return this.#logIn(new URLSearchParams(text));
  }

  #logIn(form: URLSearchParams): Answer {
    const { clientId, clientSecret } = this.#credentials;
    if (form.get('grant_type') !== 'refresh_token')
      return refusal(400, 'BAD_GRANT_TYPE', 'unsupported_grant_type', 'unknown grant type');
    if (form.get('client_id') !== clientId)
      return refusal(400, 'BAD_CLIENT_ID', 'invalid_client', 'missing or unknown client id');
    if (form.get('client_secret') !== clientSecret)
      return refusal(400, 'BAD_CLIENT_SECRET', 'invalid_client', 'missing or invalid client secret');
    const shown = form.get('refresh_token');
    if (!this.#isInstalled || shown !== this.refreshToken)
      return refusal(400, 'BAD_REFRESH_TOKEN', 'invalid_grant', `missing or invalid refresh token ${shown}`);
    const fresh = `CJ-${randomUUID()}`;
    this.issued.add(fresh);
    if (this.#rotates) this.refreshToken = `refresh-${randomUUID()}`;
    return {
      status: 200,
      body: {
        access_token: fresh,
        refresh_token: this.refreshToken,
        expires_in: 1800,
        token_type: 'bearer',
        hub_id: 1234567,
      },
    };
  }
}

/** The form of the error guide, with what OAuth itself names. */
function refusal(status: number, code: string, error: string, message: string): Answer {
  return {
    status,
    body: { status: code, message, correlationId: randomUUID(), error, error_description: message },
  };
}
