import type { CallState } from '../../src/call/call.ts';
import { systemClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { Access } from '../../src/operator/access.ts';
import { Api } from '../../src/operator/api.ts';
import { indexedCall, readingsOf } from '../../src/operator/indexed-call.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { rawBody, rejection, room } from '../support/rejections.ts';
import { assert, suite, until } from '../support/suite.ts';
import { type OperatedStore, withOperator } from '../support/with-operator.ts';

const api = suite('operator API');

const operatorToken = 'an-operator-token-of-tests';
const readerToken = 'a-reader-token-of-tests';
const yaml = `
operator: { token: ${operatorToken}, readOnlyToken: ${readerToken}, maskNumbers: true }
sources: { acme: {} }
connectors: { box: { type: sandbox } }
`;

interface Asked extends OperatedStore {
  api: Api;
  ask(
    path: string,
    body?: unknown,
    token?: string,
  ): Promise<{ status: number; json: ReturnType<JSON['parse']>; text: string; retryAfter: string | null }>;
}

function withApi(use: (asked: Asked) => Promise<void>): Promise<void> {
  return withOperator(yaml, async (operated) => {
    const log = createLog('silent');
    const access = new Access({
      settings: () => operated.settings,
      operatorToken: () => operatorToken,
      useLink: async () => false,
      peer: () => '203.0.113.7',
      clock: systemClock,
      log,
    });
    const served = new Api({ operator: operated.operator, access, log });
    await use({
      ...operated,
      api: served,
      async ask(path, body, token = operatorToken) {
        const answer = await served.routes.request(`http://bridge.example${path}`, {
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          ...(body === undefined
            ? {}
            : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
        });
        const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(await answer.arrayBuffer());
        const isJson = answer.headers.get('content-type')?.startsWith('application/json');
        return {
          status: answer.status,
          text,
          json: isJson ? JSON.parse(text) : null,
          retryAfter: answer.headers.get('retry-after'),
        };
      },
    });
  });
}

api('the document names every route, and no other', () =>
  withApi(async ({ ask, api: { routes } }) => {
    const { json } = await ask('/api/openapi.json');
    assert.is(json.openapi, '3.1.0');
    const told = Object.entries(json.paths as Record<string, object>).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const there = routes.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    assert.equal([...new Set(told)].sort(), [...new Set(there)].sort());
    assert.ok(told.length >= 20, String(told.length));
    const ids = Object.values(json.paths as Record<string, Record<string, { operationId: string }>>).flatMap(
      (operations) => Object.values(operations).map(({ operationId }) => operationId),
    );
    assert.is(new Set(ids).size, ids.length);
    const { parameters } = json.paths['/api/calls'].get;
    const state = parameters.find(({ name }: { name: string }) => name === 'state');
    assert.equal(state.schema.enum, ['due', 'delivered', 'failed', 'skipped', 'unrouted']);
    const skip = json.paths['/api/calls/{source}/{callId}/skip'].post;
    assert.equal(skip.requestBody.content['application/json'].schema.required, ['connector', 'reason']);
  }),
);

api('a call is found, told, replayed and skipped', () =>
  withApi(async ({ ask, receive, index, woken }) => {
    await receive(startPush('1'));
    await receive(startPush('2', { PLA_Dealer_Name: 'Northside Plumbing' }));
    await index();
    const found = await ask('/api/calls?search=north&state=due');
    assert.equal(
      found.json.calls.map(({ callId }: { callId: string }) => callId),
      ['2'],
    );
    const skipped = await ask('/api/calls/acme/2/skip', { connector: 'box', reason: 'A test call.' });
    assert.equal(
      [skipped.status, skipped.json.deliveries[0].state, skipped.json.deliveries[0].reason],
      [200, 'skipped', 'A test call.'],
    );
    assert.is((await ask('/api/overview')).json.calls.skipped, 1);
    assert.equal((await ask('/api/calls/count?connector=box')).json, { calls: 2, deliveries: 1 });
    assert.equal((await ask('/api/replays', { of: { connector: 'box' }, expected: 2 })).json, {
      calls: 2,
      deliveries: 1,
    });
    assert.equal((await ask('/api/calls/acme/2/replay', {})).json, { calls: 1, deliveries: 1 });
    const story = (await ask('/api/calls/acme/2')).json;
    assert.is(story.deliveries[0].state, 'due');
    assert.equal(
      story.decisions.map(({ decision }: { decision: string }) => decision),
      ['skip', 'replay', 'replay'],
    );
    assert.ok(woken.includes('box'));
  }),
);

api('a connector is paused, and says so until it is resumed', () =>
  withApi(async ({ ask }) => {
    const paused = await ask('/api/connectors/box/pause', { reason: 'The CRM is being moved.' });
    assert.equal([paused.json.state, paused.json.reason], ['paused', 'The CRM is being moved.']);
    assert.is((await ask('/api/connectors')).json[0].state, 'paused');
    assert.is((await ask('/api/connectors/box/resume', {})).json.state, 'working');
    for (const what of ['findings', 'plan'])
      assert.is((await ask(`/api/connectors/box/${what}`, {}, readerToken)).json.connector, 'box', what);
  }),
);

/* A GET is begun by any page's image: these cost requests of the day's quota. */
api('what asks a CRM is posted, and a GET of it says so', () =>
  withApi(async ({ ask, receive }) => {
    await receive(startPush('1'));
    assert.is((await ask('/api/calls/acme/1/holds', {}, readerToken)).json.callId, '1');
    for (const path of [
      '/api/connectors/box/findings',
      '/api/connectors/box/plan',
      '/api/calls/acme/1/holds',
    ])
      assert.equal([path, (await ask(path)).status], [path, 405]);
    assert.is((await ask('/api/calls/acme/1?ask=true')).status, 400);
    assert.is((await ask('/api/connectors/box/pause', {}, readerToken)).status, 403);
  }),
);

api('a number is looked for, and erased', () =>
  withApi(async ({ ask, receive, index }) => {
    await receive(startPush('1', { PLA_Caller_Phone_Number: '0412 345 678' }));
    await index();
    assert.equal((await ask('/api/holdings', { number: '+61412345678' })).json, {
      number: '+6141***678',
      calls: 1,
      elsewhere: 0,
      unsearchable: 0,
      inCrm: [],
      waiting: ['box'],
    });
    const erased = (await ask('/api/erasures', { number: '0412345678' })).json;
    assert.equal([erased.erased.calls, erased.left], [1, 0]);
    assert.equal((await ask('/api/calls')).json.calls, []);
  }),
);

api('what was not taken is told, in pages, and what can be read by now becomes a call', () =>
  withApi(async ({ ask, store, woken }) => {
    const at = (minute: number) => new Date(Date.UTC(2026, 10, 2, 3, minute));
    const of = (cause: 'unreadable' | 'too_large', minute: number) =>
      ({ source: 'acme', cause, reason: 'Too hard.', firstAt: at(minute), lastAt: at(minute) }) as const;
    const long = JSON.stringify(startPush('7', { PLA_URL: `https://a.example/${'é'.repeat(4_000)}` }));
    await store.reject(
      [
        rejection({ ...of('unreadable', 1), body: rawBody(long) }),
        rejection({ ...of('unreadable', 2), body: rawBody('{"number": "0412 345 678"') }),
        rejection({ mark: '9f2c', count: 14, firstAt: at(3), lastAt: at(4) }),
        rejection({ ...of('too_large', 5) }),
      ],
      room,
    );
    const first = (await ask('/api/rejected?limit=2')).json;
    const second = (await ask(`/api/rejected?limit=2&after=${first.next}`)).json;
    assert.equal(
      [...first.pushes, ...second.pushes].map(({ cause }: { cause: string }) => cause),
      ['too_large', 'unknown_token', 'unreadable', 'unreadable'],
    );
    assert.is(second.next, null);
    const { id: _, reason: __, sender, ...token } = first.pushes[1];
    assert.equal(token, {
      ...{ source: null, cause: 'unknown_token', tokenEnd: '9f2c', count: 14, isConfigured: false },
      ...{ firstAt: at(3).toISOString(), lastAt: at(4).toISOString(), bytes: null, text: null },
      told: 'A URL with a token that is none of ours: ends …9f2c, 14 pushes since 2026-11-02 14:03',
      mend: 'Was the configuration or the store changed? Compare the URL in the Delacon portal with those that the bridge prints.',
    });
    assert.is(sender, '198.51.100.7');
    const [broken, whole] = (await ask('/api/rejected?kept=true')).json.pushes;
    assert.is(whole.text, long.slice(0, whole.text.length));
    assert.ok(whole.text.length < long.length);
    assert.is((await ask(`/api/rejected/${whole.id}`)).json.text, long);
    for (const path of ['/api/rejected', `/api/rejected/${broken.id}`]) {
      const { status, text } = await ask(path, undefined, readerToken);
      assert.is(status, 200);
      assert.not.match(text, '412 345');
    }
    assert.is((await ask('/api/rejected/999')).status, 404);
    assert.is((await ask('/api/rejected/x')).status, 404);
    assert.is((await ask('/api/rejected?after=x')).status, 400);
    assert.is((await ask('/api/overview')).json.rejected.kept, 2);

    assert.is((await ask('/api/rejected/replay', {}, readerToken)).status, 403);
    assert.is((await ask('/api/rejected/replay', { source: 'acmee' })).status, 404);
    assert.equal((await ask('/api/rejected/replay', {})).json, { read: 1, left: 1, withoutSource: 0 });
    assert.equal(woken, ['box']);
    const { pushes } = (await ask('/api/calls/acme/7')).json;
    assert.equal([pushes.length, pushes[0].receivedAt], [1, at(1).toISOString()]);
    assert.equal((await ask('/api/rejected?kept=true')).json.pushes[0].reason, 'The body is not JSON.');
  }),
);

api('a trial tells what a push would write', () =>
  withApi(async ({ ask }) => {
    const { json } = await ask('/api/trials', { pushes: JSON.stringify(startPush('7')) }, readerToken);
    const [call] = json.calls;
    assert.equal(
      [call.callId, call.connectors[0].connector, call.connectors[0].records[0].key.value],
      ['7', 'box', '+6144***444'],
    );
    for (const pushes of ['{"a":', '[{"a":', '', '{"PLA_City":"Perth"}'])
      assert.is((await ask('/api/trials', { pushes })).status, 400, pushes);
    const two = `${JSON.stringify(startPush('8'))}\n\n${JSON.stringify(endPush('8'))}`;
    const [both] = (await ask('/api/trials', { pushes: two })).json.calls;
    assert.is(both.callId, '8');
    assert.match(JSON.stringify(both.connectors[0].records), '"durationSeconds","value":"50"');
  }),
);

api('what is wrong is refused, with a way out', () =>
  withApi(async ({ ask }) => {
    for (const [path, body, status, message] of [
      ['/api/calls?stat=failed', undefined, 400, /stat/],
      ['/api/calls?state=lost', undefined, 400, /^The query is wrong\. state: /],
      ['/api/calls?since=yesterday', undefined, 400, /since: must be an instant such as/],
      ['/api/calls?after=x', undefined, 400, /begin with the first/],
      ['/api/calls/acme/99', undefined, 404, /No call 99 of acme/],
      ['/api/connectors/bax/plan', {}, 404, /Did you mean "box"/],
      ['/api/calls/acme/99/skip', { connector: 'box' }, 400, /reason/],
      ['/api/replays', { of: {} }, 400, /Which calls/],
      ['/api/replays', { of: { stat: 'failed' } }, 400, /stat/],
      ['/api/holdings', { number: 'abc' }, 400, /no telephone number/],
      ['/api/trials', 'not json', 400, /not JSON/],
      ['/api/nothing', undefined, 404, /openapi/],
    ] as const) {
      const refused = await ask(path, body);
      assert.is(refused.status, status, `${path}: ${refused.text}`);
      assert.match(refused.json.error, message);
    }
  }),
);

api('nobody without a token, and readers see masked numbers and change nothing', () =>
  withApi(async ({ ask, receive, index }) => {
    await receive(startPush('1', { PLA_Caller_Phone_Number: '0412 345 678' }));
    await receive(endPush('1'));
    await index();
    assert.is((await ask('/api/calls', undefined, 'no-token-at-all')).status, 401);
    for (const path of [
      '/api/calls/acme/1/replay',
      '/api/replays',
      '/api/erasures',
      '/api/connectors/box/pause',
    ])
      assert.is((await ask(path, {}, readerToken)).status, 403);
    for (const path of [
      '/api/calls',
      '/api/calls/acme/1',
      '/api/calls.csv',
      '/api/overview',
      '/api/rejected',
    ]) {
      const { status, text } = await ask(path, undefined, readerToken);
      assert.is(status, 200, path);
      assert.not.match(text, /412\W*345\W*678/, path);
    }
    // A few thousand searches would tell what is hidden of a number.
    const found = async (search: string) =>
      (await ask(`/api/calls?search=${encodeURIComponent(search)}`, undefined, readerToken)).json.calls
        .length;
    assert.equal(
      [await found('0412345678'), await found('041234567'), await found('345678'), await found('+61412345')],
      [0, 0, 0, 0],
    );
    assert.is((await ask('/api/delacon', undefined, readerToken)).status, 200);
  }),
);

api('CSV: quoted, no formulas, every page of it', () =>
  withApi(async ({ ask, receive, index }) => {
    await receive(
      startPush('1', {
        PLA_Dealer_Name: '=HYPERLINK("http://a.example")',
        PLA_Keywords_Searched: 'hot, "water"\r\nnow',
        PLA_Dealer_Category: '\t-1+2',
      }),
    );
    for (let n = 2; n <= 502; n++) await receive({ PLA_Call_Id: `${n}`, PLA_Dealer_Name: '@cmd' });
    await index();
    const { text } = await ask('/api/calls.csv');
    assert.is(text.charCodeAt(0), 0xfeff);
    const lines = text.slice(1).split('\r\n');
    assert.match(lines[0]!, /^received,started,source,call id,phase,caller,/);
    assert.is(text.split(/\r\n(?=20\d\d-)/).length, 503);
    assert.match(lines[1]!, ",'@cmd,");
    const last = text.slice(text.lastIndexOf('\r\n20') + 2);
    assert.match(last, `+61444444444,`);
    assert.match(last, `"'=HYPERLINK(""http://a.example"")",'-1+2,"hot, ""water""\r\nnow"`);
    assert.match(last, 'box: due');
    assert.match((await ask('/api/calls.csv?search=cmd&state=failed')).text, /^\u{feff}[^\r]+\r\n$/u);
  }),
);

api('of ten thousand sources, what to paste into the portal is told in pages, or of one', () =>
  withApi(async ({ ask, settings }) => {
    const [known] = Object.values(settings.sources);
    for (let n = 0; n < 10_000; n++) settings.sources[`client-${n}`] = { ...known!, name: `client-${n}` };
    const { text, json } = await ask('/api/delacon');
    assert.ok(text.length < 30_000, `${text.length} characters`);
    const count = Object.keys(settings.sources).length;
    assert.equal([json.sources.length, json.further, json.next], [50, count - 50, json.sources[49].source]);
    const next = (await ask(`/api/delacon?after=${json.next}&limit=2`)).json;
    assert.equal(
      next.sources.map(({ source }: { source: string }) => source),
      Object.keys(settings.sources).slice(50, 52),
    );
    const last = (await ask('/api/delacon?after=client-9997')).json;
    assert.equal([last.sources.length, last.further, last.next], [2, 0, null]);
    assert.is((await ask('/api/delacon?source=client-9')).json.sources[0].source, 'client-9');
    assert.is((await ask('/api/delacon?source=nobody')).status, 404);
  }),
);

api('what is counted, listed to its end or exported is whole, or is refused with how far it is', () =>
  withApi(async ({ ask, receive, index, store, settings }) => {
    const asked = ['/api/calls.csv', '/api/calls/count', '/api/calls?limit=50', '/api/calls.csv?search=cmd'];
    for (let n = 1; n <= 40; n++) await receive({ PLA_Call_Id: `${n}`, PLA_Dealer_Name: '@cmd' });
    for (const path of asked) assert.is((await ask(path)).status, 503, `${path}, nothing indexed`);
    const read = (state: CallState) => indexedCall(settings, state);
    await store.indexCalls(readingsOf(settings), read, 10);
    for (const path of asked) {
      const { status, json, retryAfter } = await ask(path);
      assert.is(status, 503, path);
      assert.match(json.error, 'are being built anew: 25 % of what is stored');
      assert.is(retryAfter, '10');
    }
    assert.is((await ask('/api/calls?limit=5')).json.calls.length, 5, 'the newest are there');
    const replay = { of: { state: 'due' } };
    assert.is(
      (await ask('/api/replays', replay)).status,
      503,
      'a replay of some would be taken for one of all',
    );
    await index();
    assert.is((await ask('/api/calls/count')).json.calls, 40);
    assert.is((await ask('/api/calls.csv')).text.split('\r\n').length, 42);
    // Read otherwise from now on: each call is there, but not yet as it is read.
    await store.indexCalls({ version: 'another', sources: {} }, read, 10);
    assert.is((await ask('/api/calls/count')).json.calls, 40);
    assert.is((await ask('/api/calls/count?missed=true')).status, 503);
  }),
);

/*
 * On a full disk, and for seconds after it, the index stood still: ten of 22 calls were counted, with 200, and a replay of
 * all of them would have left twelve out. Until a thousand pushes were missing, nothing was said.
 */
api('few pushes that the index has not followed for seconds are missed as many are', () =>
  withApi(async ({ ask, receive, index }) => {
    await receive({ PLA_Call_Id: '1' });
    await index();
    await receive({ PLA_Call_Id: '2' });
    assert.is((await ask('/api/calls/count')).json.calls, 1, 'it came just now');
    await receive({ PLA_Call_Id: '3' }, { receivedAt: new Date(Date.now() - 10_000) });
    await index();
    assert.is((await ask('/api/calls/count')).json.calls, 3);
    await receive({ PLA_Call_Id: '4' }, { receivedAt: new Date(Date.now() - 10_000) });
    for (const path of ['/api/calls.csv', '/api/calls/count', '/api/calls?limit=50']) {
      const { status, json } = await ask(path);
      assert.is(status, 503, path);
      assert.match(json.error, '1 push came in that lists and counts do not have yet');
    }
    assert.is((await ask('/api/replays', { of: { state: 'due' } })).status, 503);
    assert.equal((await ask('/api/overview')).json.index, { behind: 1, late: true, rebuilding: null });
    await index();
    assert.is((await ask('/api/calls/count')).json.calls, 4);
  }),
);

api('an export that breaks off does not look whole', () =>
  withApi(async ({ receive, index, store, api: served }) => {
    for (let n = 1; n <= 150; n++) await receive({ PLA_Call_Id: `${n}` });
    await index();
    const views = store.views.bind(store);
    let pages = 0;
    store.views = async (rows) => {
      if (++pages > 1) throw new Error('the disk is gone');
      return views(rows);
    };
    const answer = await served.routes.request('http://bridge.example/api/calls.csv', {
      headers: { authorization: `Bearer ${operatorToken}` },
    });
    let text = '';
    const decoder = new TextDecoder();
    let broke: unknown;
    try {
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>)
        text += decoder.decode(chunk);
    } catch (reason) {
      broke = reason;
    }
    assert.match(String(broke), 'the disk is gone');
    assert.match(text, /\r\n"NOT WHOLE: the bridge could not read on\. Export again\."\r\n$/);
  }),
);

api('a change is told to who listens', () =>
  withApi(async ({ api: served, changes }) => {
    const answer = await served.routes.request('http://bridge.example/api/changes', {
      headers: { authorization: `Bearer ${operatorToken}` },
    });
    const reader = answer.body!.getReader();
    let told = '';
    const reading = (async () => {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        told += new TextDecoder().decode(value);
      }
    })();
    changes.calls([{ source: 'acme', callId: '1', isNew: true }]);
    changes.calls([{ source: 'acme', callId: '1', isNew: false }]);
    await until('the change to be told', () => told.includes('data:'));
    assert.equal(JSON.parse(/data: (.*)/.exec(told)![1]!), {
      calls: [{ source: 'acme', callId: '1', isNew: true }],
      more: false,
      connectors: false,
      rejected: false,
    });
    served.close();
    await reading;
  }),
);

api.run();
