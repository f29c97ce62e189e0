import { endPush, startPush } from '../support/build-push.ts';
import { rawBody, rejection, room } from '../support/rejections.ts';
import { assert, suite } from '../support/suite.ts';
import { pushToken, readOnlyToken, token, withPage } from '../support/with-page.ts';

const page = suite('operator page');

const paths = [
  '/',
  '/?period=30d',
  '/calls',
  '/calls?state=failed',
  '/calls/acme/1',
  '/connectors',
  '/connectors/box',
  '/rejected',
  '/try?sample=true',
  '/try?call=acme%2F1',
  '/set-up-delacon',
];

const unreadable = (body: string, reason = 'not JSON') =>
  rejection({ cause: 'unreadable', source: 'acme', reason, body: rawBody(body) });

/** Texts that a browser would read as markup, were they not escaped. */
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>'&lt;`;

/** The tags of a page, as a browser would find them in text that is rightly escaped. */
const tagsOf = (html: string) => html.match(/<[a-z!/][^>]*>/gi) ?? [];

page('every page answers, to the operator and to the reader', async () => {
  for (const as of [token, readOnlyToken])
    await withPage(as, async ({ get, receive, store }) => {
      await receive(startPush('1'));
      await receive(endPush('1'));
      await store.reject([unreadable('{')], room);
      for (const path of paths) {
        const { status, text, headers } = await get(path);
        assert.is(status, 200, path);
        assert.match(text, '<h1>');
        assert.match(headers.get('content-security-policy') ?? '', "script-src 'self';");
      }
    });
});

page('a call is told as in the CRM: what happened first, then all that is known, but for the recording', () =>
  withPage(token, async ({ get, receive }) => {
    await receive(startPush('1', { PLA_City: 'Melbourne', PLA_Keywords_Searched: 'plumber' }));
    await receive(
      endPush('1', { PLA_CallResult: 'Unanswered', PLA_VoicemailLeft: 'Yes', PLA_dtmf: 'Sales' }),
    );
    const { text } = await get('/calls/acme/1');
    assert.match(text, /<p>Voicemail · .+ · \d+:\d\d · rang at .+<\/p>/);
    for (const [name, value] of [
      ['Menu choice', 'Sales'],
      ['Keywords', 'plumber'],
    ])
      assert.match(text, `<dt>${name}</dt><dd class="words">${value}</dd>`);
    assert.match(text, /<dt>Caller<\/dt><dd class="words">[^<]*Melbourne/);
    assert.not.match(text, '<dt>Recording</dt>');
    assert.not.match(text, /Says [^.]*Call_Id/);
    assert.match((await get('/calls')).text, /<span class="tag wait">Voicemail<\/span> \d+:\d\d</);
  }),
);

page('a recording that cannot be played is told as it was sent', () =>
  withPage(token, async ({ get, receive }) => {
    await receive({ ...startPush('1'), ...endPush('1', { PLA_RecordingFile: '/abc.wav' }) });
    const { text } = await get('/calls/acme/1');
    assert.match(text, '<dt>Recording</dt><dd class="words">&quot;/abc.wav&quot;</dd>');
    assert.not.match(text, '<audio');
  }),
);

page('a call of very many long pushes is told in a page that a browser can show', () =>
  withPage(token, async ({ get, receive }) => {
    for (let n = 0; n < 6; n++) await receive(startPush('1', { PLA_ExtraTracking: `${n}`.repeat(240_000) }));
    const { text } = await get('/calls/acme/1');
    assert.ok(text.length < 1_500_000, String(text.length));
    assert.match(text, 'Push 4 as it came');
    assert.match(text, 'the pushes of this call are very long together');
  }),
);

page('what comes from outside is text, wherever it is shown', () =>
  withPage(token, async ({ get, post, receive, store }) => {
    const fields = Object.fromEntries(
      [...Object.keys(startPush('1')), ...Object.keys(endPush('1'))].map((name) => [
        name,
        `${name}${hostile}`,
      ]),
    );
    await receive({ ...fields, PLA_Call_Id: '1' });
    await receive({ ...fields, PLA_Call_Id: hostile, [hostile]: hostile });
    const wrongToken = { cause: 'unknown_token', reason: hostile, sender: hostile, mark: hostile } as const;
    await store.reject([unreadable(hostile, hostile), rejection(wrongToken)], room);
    const answers = [
      ...(await Promise.all([...paths, `/calls/acme/${encodeURIComponent(hostile)}`].map(get))),
      await get(`/calls?search=${encodeURIComponent(hostile)}&from=${encodeURIComponent(hostile)}`),
      await get(`/connectors/${encodeURIComponent(hostile)}`),
      await post('/try', { pushes: JSON.stringify({ ...fields, PLA_Call_Id: '7' }) }),
      await post('/try', { pushes: hostile }),
      await get(`/sign-in?to=${encodeURIComponent(`/${hostile}`)}`),
    ];
    for (const { text } of answers) {
      assert.not.match(text, /<script>alert/);
      for (const tag of tagsOf(text)) assert.not.match(tag.replace(/"[^"]*"/g, '""'), /<img src=x|onerror/);
    }
    const [overview] = answers;
    assert.match(overview?.text ?? '', '&lt;script&gt;alert(1)&lt;/script&gt;');
  }),
);

page('what was refused leads to the mend, and what is kept is read again by a button', () =>
  withPage(token, async ({ get, post, store }) => {
    const wrong = { mark: '9f2c', count: 14, firstAt: new Date() };
    const later = JSON.stringify(startPush('7'));
    await store.reject([rejection(wrong), unreadable(later), unreadable('{')], room);
    await store.reject([rejection({ source: 'gone', cause: 'unreadable', body: rawBody('{{') })], room);
    const words = /A URL with a token that is none of ours: ends …9f2c, 14 pushes since [^<]*\./;
    for (const path of ['/', '/rejected']) {
      assert.match((await get(path)).text, words);
      assert.match((await get(path)).text, 'Was the configuration or the store changed?');
    }
    const { text } = await get('/rejected');
    assert.match(text, 'Configured no more');
    const id = /\/rejected\/(\d+)\/body/.exec(text)?.[1];
    const body = await get(`/rejected/${id}/body`);
    assert.match(body.headers.get('content-disposition') ?? '', 'attachment');
    assert.match(body.headers.get('content-type') ?? '', 'text/plain');
    assert.ok([later, '{', '{{'].includes(body.text));
    assert.is((await post('/rejected/replay', { csrf: 'wrong' })).status, 403);
    const done = await post('/rejected/replay');
    assert.is(done.status, 303);
    const after = await get(done.headers.get('location')!);
    assert.match(after.text, '1 push could be read and is a call now. 2 pushes still cannot be read');
    assert.is((await get('/calls/acme/7')).status, 200);
  }),
);

page('readers see what was refused, without bodies where numbers are masked, and change nothing', () =>
  withPage(
    readOnlyToken,
    async ({ get, post, store }) => {
      await store.reject([unreadable('{"number": "0412345678"'), rejection({ mark: '9f2c' })], room);
      const { text } = await get('/rejected');
      assert.match(text, 'ends …9f2c');
      assert.match(text, 'Not shown where numbers are masked');
      assert.not.match(text, /0412345678|<button[^>]*>Read/);
      const [{ row } = { row: 0 }] = await store.rejections({ kept: true, limit: 1, headBytes: 0 });
      assert.is((await get(`/rejected/${row}/body`)).status, 404);
      assert.is((await post('/rejected/replay')).status, 403);
    },
    ', maskNumbers: true',
  ),
);

page('no attribute holds a telephone number, a token or the address of a recording', () =>
  withPage(token, async ({ get, receive }) => {
    await receive(startPush('1'));
    await receive(endPush('1'));
    for (const path of [...paths, '/calls/acme/1/erase']) {
      const { text } = await get(path);
      for (const tag of tagsOf(text))
        assert.not.match(tag.replace(/\D{1,2}(?=\d)/g, ' '), /444 ?444 ?444|88889999/, tag);
      for (const tag of tagsOf(text)) assert.not.match(tag, /a-push-token|the-operator|pla\.delacon/, tag);
    }
    assert.match((await get('/set-up-delacon')).text, pushToken);
    assert.match((await get('/calls/acme/1')).text, '0444 444 444');
  }),
);

page('the recording is played from where it is, and from nowhere else', () =>
  withPage(token, async ({ get, receive }) => {
    await receive(endPush('1'));
    const { text, headers } = await get('/calls/acme/1');
    assert.match(text, '<audio controls preload="none" src="/calls/acme/1/recording"');
    assert.match(
      headers.get('content-security-policy') ?? '',
      "media-src 'self' https://pla.delaconcorp.com;",
    );
    const sent = await get('/calls/acme/1/recording');
    assert.equal(
      [sent.status, sent.headers.get('location')],
      [302, 'https://pla.delaconcorp.com/recordings/1.wav?mode=direct'],
    );
    // As Delacon sent it, which is for a browser's address bar.
    assert.match(text, 'href="/calls/acme/1/recording/open"');
    const opened = await get('/calls/acme/1/recording/open');
    assert.equal(
      [opened.status, opened.headers.get('location')],
      [302, 'https://pla.delaconcorp.com/recordings/1.wav'],
    );
  }),
);

/* They were links: the page of a neighbour in the domain could spend the requests of the day by an image. */
page('what asks a CRM is a form with the key of the session, and its answer stands still', async () => {
  for (const as of [token, readOnlyToken])
    await withPage(as, async ({ get, post, receive }) => {
      await receive(startPush('1'));
      for (const [path, found] of [
        ['/connectors/box/check', /In order|Nothing is wrong/],
        ['/connectors/box/plan', /It needs nothing|Is there/],
        ['/calls/acme/1/holds', /The story/],
      ] as const) {
        const answer = await post(path);
        assert.equal([path, answer.status], [path, 200]);
        assert.match(answer.text, found);
        assert.not.match(answer.text, `hx-get="${path}`);
        assert.is((await post(path, { csrf: 'x' })).status, 403, path);
        assert.is((await get(path)).status, 404, path);
      }
      for (const asked of ['/connectors/box?check=true', '/connectors/box?plan=true'])
        assert.match((await get(asked)).text, 'Check now');
    });
});

page('the reader finds nothing to act with, and is refused', () =>
  withPage(readOnlyToken, async ({ get, post, receive, store }) => {
    await receive(startPush('1'));
    for (const path of paths) {
      const { text } = await get(path);
      const forms = [...text.matchAll(/<form[^>]*method="post" action="([^"]*)"/g)].map(
        ([, action]) => action,
      );
      assert.equal(
        forms.filter(
          (action) => !/^\/(sign-out|try|connectors\/box\/(check#check|plan#setup))$/.test(action!),
        ),
        [],
        path,
      );
    }
    assert.not.match((await get('/set-up-delacon')).text, pushToken);
    for (const [path, fields] of [
      ['/calls/acme/1/replay', {}],
      ['/calls/acme/1/skip', { connector: 'box', reason: 'because' }],
      ['/calls/acme/1/erase', { sure: 'yes' }],
      ['/connectors/box/pause', {}],
      ['/connectors/box/resume', {}],
      ['/connectors/box/replay', { expected: '1' }],
    ] as const)
      assert.is((await post(path, fields)).status, 403, path);
    assert.is((await get('/calls/acme/1/erase')).status, 403);
    assert.is((await get('/connectors/box/replay')).status, 403);
    assert.is((await store.calls({ limit: 10 })).length, 1);
    assert.is((await post('/try', { pushes: JSON.stringify(startPush('2')) })).status, 200);
  }),
);

page('the reader for whom numbers are masked sees none, nor what may hold them', () =>
  withPage(
    readOnlyToken,
    async ({ get, receive }) => {
      await receive(startPush('1'));
      await receive(endPush('1'));
      for (const path of paths.filter((one) => !one.includes('sample'))) {
        const { text } = await get(path);
        assert.not.match(text, /0?444[ ]?444[ ]?444/, path);
        assert.not.match(text, 'pla.delaconcorp.com', path);
      }
      assert.is((await get('/calls/acme/1/recording')).status, 404);
    },
    ', maskNumbers: true',
  ),
);

page('a call that waits for a paused connector is told no time for its next attempt', () =>
  withPage(token, async ({ get, post, receive }) => {
    await receive(startPush('1'));
    assert.match((await get('/calls/acme/1')).text, 'Next attempt: ');
    await post('/connectors/box/pause', { reason: 'Being moved.' });
    const { text } = await get('/calls/acme/1');
    assert.match(text, 'The connector writes nothing now: Being moved.');
    assert.not.match(text, 'Next attempt');
    assert.match((await get('/')).text, /box<\/a> has been paused since <time/);
  }),
);

page('a replay makes the delivery due, says so, and goes back to where it was asked for', () =>
  withPage(token, async ({ get, post, receive, woken }) => {
    await receive(startPush('1'));
    const done = await post('/calls/acme/1/replay', { connector: 'box', back: '/' });
    assert.equal([done.status, done.headers.get('location')], [303, '/?did=replay&n=1']);
    assert.equal(woken, ['box']);
    assert.match((await get('/?did=replay&n=1')).text, '1 delivery is due again.');
    const away = await post('/calls/acme/1/replay', { back: 'https://attacker.example/' });
    assert.is(away.headers.get('location'), '/?did=replay&n=1');
  }),
);

page('a caller is erased after a look at what is held, and only with a yes', () =>
  withPage(token, async ({ get, post, receive, store }) => {
    await receive(startPush('1'));
    await receive(startPush('2'));
    await receive(startPush('3', { PLA_Caller_Phone_Number: '0491570156' }));
    assert.match((await get('/calls/acme/1/erase')).text, '<strong>2 calls</strong>');
    assert.is((await post('/calls/acme/1/erase')).status, 400);
    assert.is((await store.calls({ limit: 10 })).length, 3);
    assert.match((await post('/calls/acme/1/erase', { sure: 'yes' })).text, '2 calls, 2 pushes');
    const left = await store.calls({ limit: 10 });
    assert.equal(
      left.map(({ state }) => state.callId),
      ['3'],
    );
  }),
);

page('a range is replayed after it was counted, and not if it has grown meanwhile', () =>
  withPage(token, async ({ get, post, receive, woken }) => {
    await receive(startPush('1'));
    await receive(startPush('2'));
    assert.match(
      (await get('/connectors/box/replay?state=due')).text,
      '<strong>2 calls</strong> of all time',
    );
    await receive(startPush('3'));
    const grown = await post('/connectors/box/replay', { state: 'due', expected: '2' });
    assert.is(grown.status, 409);
    assert.equal(woken, []);
    const done = await post('/connectors/box/replay', { state: 'due', expected: '3' });
    assert.is(done.headers.get('location'), '/connectors/box?did=replay&n=3');
  }),
);

page('filters stay in the address, in the form and in the links of the list', () =>
  withPage(token, async ({ get, receive }) => {
    for (let i = 0; i < 60; i++) await receive(startPush(`c${i}`));
    const { text } = await get('/calls?source=acme&state=due&from=2019-01-01&to=2099-12-31');
    assert.match(text, '<option value="due" selected>');
    assert.match(text, 'name="from" value="2019-01-01"');
    const next = /href="(\/calls\?[^"]*after=[^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    assert.match(next, /source=acme&state=due&from=2019-01-01&to=2099-12-31&after=/);
    const later = await get(next);
    assert.match(later.text, 'Earlier calls');
    assert.match(later.text, /id="call-acme-c0"/);
    assert.not.match(later.text, /id="call-acme-c59"/);
  }),
);

page('a wrong filter is told of, and shows no calls', () =>
  withPage(token, async ({ get, receive }) => {
    await receive(startPush('1'));
    const { status, text } = await get('/calls?state=nonsense');
    assert.is(status, 200);
    assert.match(text, 'role="alert"');
    assert.not.match(text, 'id="call-acme-1"');
  }),
);

page('what is not there is a page that says so', () =>
  withPage(token, async ({ get, post }) => {
    for (const path of ['/calls/acme/9', '/connectors/bix']) {
      const { status, text } = await get(path);
      assert.is(status, 404);
      assert.match(text, '<h1>Not found</h1>');
    }
    assert.is((await post('/calls/acme/9/replay')).status, 404);
  }),
);

page('styles and scripts are kept by browsers for good, and packed', () =>
  withPage(token, async ({ get }) => {
    const { text } = await get('/');
    const files = [...text.matchAll(/(?:src|href)="(\/assets\/[^"]*)"/g)].map(([, path]) => path as string);
    assert.ok(files.length >= 4);
    for (const path of files) {
      const { status, headers, text: body } = await get(path);
      assert.is(status, 200, path);
      assert.is(headers.get('cache-control'), 'public, max-age=31536000, immutable');
      assert.not.match(body, /https?:\/\/(?!www\.w3\.org)[^\s'"]+\.(js|css|woff2?)\b/);
    }
    const old = await get('/assets/of-another-version/page.css');
    assert.equal([old.status, old.headers.get('cache-control')], [200, 'no-cache']);
  }),
);

page('with ten thousand sources no page is longer than a person would read, and each of them is found', () =>
  withPage(token, async ({ get, post, receive, settings }) => {
    const { acme } = settings.sources;
    for (let n = 0; n < 10_000; n++) settings.sources[`client-${n}`] = { ...acme!, name: `client-${n}` };
    await receive(startPush('77'), { source: 'client-4711' });
    const textOf = async (path: string) => {
      const { status, text } = await get(path);
      assert.is(status, 200, path);
      assert.ok(text.length < 130_000, `${path}: ${text.length} characters`);
      return text;
    };
    for (const path of ['/', '/calls', '/connectors', '/rejected', '/try', '/calls/client-4711/77'])
      await textOf(path);
    const titles = (text: string) => text.match(/<h2>Source [\w-]+/g)?.map((title) => title.slice(11));
    const first = await textOf('/set-up-delacon');
    assert.equal([titles(first)?.length, titles(first)?.at(-1)], [50, 'client-48']);
    assert.match(first, '/set-up-delacon?after=client-48');
    assert.is(titles(await textOf('/set-up-delacon?after=client-48'))?.[0], 'client-49');
    assert.is(titles(await textOf('/set-up-delacon?after=client-9949'))?.length, 50);
    assert.not.match(await textOf('/set-up-delacon?after=client-9949'), 'further source');
    assert.equal(titles(await textOf('/set-up-delacon?source=client-4711')), ['client-4711']);
    const unknown = await get('/set-up-delacon?source=cleint-4711');
    assert.is(unknown.status, 404);
    assert.match(unknown.text, 'Did you mean &quot;client-4711&quot;? Known: acme, client-0,');
    assert.ok(unknown.text.length < 10_000);

    const calls = await textOf('/calls?source=client-4711');
    assert.match(calls, /<input name="source" value="client-4711" list="sources"/);
    assert.match(calls, '<option value="client-4711"></option>');
    assert.match(calls, 'href="/calls/client-4711/77"');
    const none = await textOf('/calls?source=cleint-4711');
    assert.match(none, 'There is no source &quot;cleint-4711&quot;. Did you mean &quot;client-4711&quot;?');
    const tried = await post('/try', { source: 'client-4711', pushes: '{"PLA_Call_Id":"1"}' });
    assert.match(tried.text, 'Call 1 of client-4711');
  }),
);

page.run();
