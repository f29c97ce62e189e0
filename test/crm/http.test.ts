import { clientCredentials, FailingCrm, httpExchange, Requests } from '../../src/crm/index.ts';
import { testTools } from '../support/connector-tools.ts';
import { serveEmulator } from '../support/emulator-server.ts';
import { movingClock } from '../support/moving-clock.ts';
import { assert, suite } from '../support/suite.ts';

const http = suite('requests over HTTP');

http(
  'a token is asked for when first needed and ahead of its end, and goes with each request, nowhere else',
  async () => {
    const asked: string[] = [];
    const served = await serveEmulator('CRM', async ({ method, path, headers, body }) => {
      const { authorization = '-', 'content-type': type = '-' } = headers;
      asked.push(`${method} ${path} ${authorization} ${type} ${body}`);
      const answer =
        path === '/token' ? { access_token: `t${asked.length}`, expires_in: '300' } : { got: body };
      const moved = path === '/moved' ? { location: 'http://127.0.0.1:1/elsewhere' } : {};
      return { status: path === '/moved' ? 302 : 200, headers: moved, body: JSON.stringify(answer) };
    });
    const { clock, pass } = movingClock();
    const tools = testTools({ clock });
    const crm = new FailingCrm('CRM');
    const failureOf = ({ status }: { status: number }) =>
      ({ kind: 'rejected', reason: `${status}` }) as const;
    const access = clientCredentials(
      '/token',
      { clientId: 'app', clientSecret: 's3c&ret' },
      { scope: 'all' },
    );
    const requests = new Requests(
      {
        crm,
        timeoutMs: 5_000,
        access,
        exchange: httpExchange(served.url, tools),
        paced: (_, send) => send(),
        heed() {},
        failureOf,
        failureOfLogIn: failureOf,
        circumstances: (where) => where,
      },
      tools,
    );
    const signal = AbortSignal.timeout(5_000);
    const { body } = await requests.ask(
      { request: 'make', method: 'POST', path: '/a?b=1', body: { c: 1 } },
      signal,
    );
    assert.equal(body, { got: '{"c":1}' });
    pass(299_000);
    const moved = await requests
      .ask({ request: 'look', method: 'GET', path: '/moved' }, signal)
      .catch((thrown: Error) => thrown.message);
    assert.is(
      moved,
      'CRM answered look with 302. Redirects are not followed: if it stays so, put the address that it leads to (at http://127.0.0.1:1) into the configuration.',
    );
    const form = 'grant_type=client_credentials&client_id=app&client_secret=s3c%26ret&scope=all';
    const logIn = `POST /token - application/x-www-form-urlencoded;charset=UTF-8 ${form}`;
    assert.equal(asked, [
      logIn,
      'POST /a?b=1 Bearer t1 application/json {"c":1}',
      logIn,
      'GET /moved Bearer t3 - ',
    ]);
    assert.equal(access.secrets, ['s3c&ret']);
    assert.is(await access.issued({ token: 'of another form' }), undefined);
    await served.close();
  },
);

http.run();
