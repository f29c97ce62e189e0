import { Hono } from 'hono';
import type { Settings } from '../../src/config/settings.ts';
import { createLog } from '../../src/log.ts';
import { Access, securityHeaders } from '../../src/operator/access.ts';
import { Live } from '../../src/operator/live.ts';
import { pageRoutes } from '../../src/operator/page.ts';
import { VirtualTime } from './virtual-clock.ts';
import { type OperatedStore, withOperator } from './with-operator.ts';

export const token = 'the-operator-token';
export const readOnlyToken = 'the-read-only-token';
export const pushToken = 'a-push-token-for-tests';
const yaml = (operator = '') => `operator: { token: ${token}, readOnlyToken: ${readOnlyToken}${operator} }
sources: { acme: { tokens: [${pushToken}] } }
connectors: { box: { type: sandbox, followUp: {} } }
`;

export interface Opened extends OperatedStore {
  /** As a browser that is signed in. */
  get(path: string): Promise<{ status: number; text: string; headers: Headers }>;
  post(
    path: string,
    fields?: Record<string, string>,
  ): Promise<{ status: number; text: string; headers: Headers }>;
}

/** The page over a real store, looked at with a token. */
export function withPage(
  as: string,
  use: (opened: Opened) => Promise<void>,
  operatorYaml = '',
): Promise<void> {
  const urls = ['create', 'update', 'single'].map((kind) => [
    kind,
    `https://a.example/push/${pushToken}/${kind}`,
  ]);
  return withOperator(
    yaml(operatorYaml),
    async (operated) => {
      const clock = new VirtualTime().clock();
      const settings = (): Settings => operated.settings;
      const log = createLog('silent');
      const app = new Hono();
      app.use(securityHeaders);
      app.route(
        '/',
        pageRoutes({
          operator: operated.operator,
          access: new Access({
            settings,
            operatorToken: () => token,
            useLink: async () => false,
            peer: () => '192.0.2.7',
            clock,
            log,
          }),
          live: new Live(clock, () => () => {}),
          settings,
          now: () => new Date(),
          log,
        }),
      );
      const browser = { host: 'bridge.example', 'sec-fetch-site': 'same-origin' };
      const ask = async (path: string, init: RequestInit & { headers?: Record<string, string> }) => {
        await operated.index();
        const answer = await app.request(path, { ...init, headers: { ...browser, ...init.headers } });
        return { status: answer.status, text: await answer.text(), headers: answer.headers };
      };
      const signedIn = await ask('/sign-in', { method: 'POST', body: new URLSearchParams({ token: as }) });
      const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? '';
      const csrf = /name="csrf" value="([^"]*)"/.exec(
        (await ask('/rejected', { headers: { cookie } })).text,
      )?.[1];
      await use({
        ...operated,
        get: (path) => ask(path, { headers: { cookie } }),
        post: (path, fields = {}) =>
          ask(path, {
            method: 'POST',
            headers: { cookie },
            body: new URLSearchParams({ csrf: csrf ?? '', ...fields }),
          }),
      });
    },
    { pushUrls: () => Object.fromEntries(urls) as never },
  );
}
