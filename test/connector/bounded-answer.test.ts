import { boundedFetch } from '../../src/connector/bounded-answer.ts';
import { badAnswers, withBadAnswers } from '../support/bad-answers.ts';
import { assert, suite, until } from '../support/suite.ts';

const answers = suite('bounded answers');

const mega = 1024 * 1024;

for (const kind of ['endless', 'endlessRefusal', 'gzipBomb'] as const) {
  answers(`${kind}: it is read so far, and its connection closed`, () =>
    withBadAnswers(async (server) => {
      server.answer = kind;
      const response = await boundedFetch(fetch, 2 * mega)(server.url);
      const thrown = await response.text().then(String, (problem: Error) => problem);
      assert.match(String(thrown), 'AnswerTooLong: its answer is longer than 2 MB');
      await until('the connection to be closed', () => server.open() === 0);
    }),
  );
}

answers('a drip is given up in time, and its connection closed', () =>
  withBadAnswers(async (server) => {
    server.answer = 'drip';
    const text = boundedFetch(fetch, mega, 100)(server.url).then((response) => response.text());
    assert.match(await text.catch(String), 'AnswerTooLate: its answer took longer than 0.1 s');
    await until('the connection to be closed', () => server.open() === 0);
  }),
);

answers('an answer that nobody reads is given up in time, too', () =>
  withBadAnswers(async (server) => {
    await boundedFetch(fetch, mega, 100)(server.url).catch(() => {}); // on a busy machine it is late already
    await until('the connection to be closed', () => server.open() === 0);
  }),
);

answers('whoever asked may stop it, before and while it is read', () =>
  withBadAnswers(async (server) => {
    server.answer = 'drip';
    const controller = new AbortController();
    const response = await boundedFetch(fetch)(server.url, { signal: controller.signal });
    const reading = response.text().catch((reason: Error) => reason.message);
    controller.abort(new Error('enough'));
    assert.is(await reading, 'enough');
    const refused = boundedFetch(fetch)(server.url, { signal: AbortSignal.abort() });
    assert.is(await refused.then(String, (reason: Error) => reason.name), 'AbortError');
  }),
);

answers('what ends in time is as it was sent', async () => {
  const send = async () =>
    new Response('{"a":1}', { status: 207, headers: { 'content-type': 'application/json', x: 'y' } });
  const response = await boundedFetch(send as typeof fetch)('http://127.0.0.1/');
  assert.equal([response.status, response.headers.get('x'), await response.json()], [207, 'y', { a: 1 }]);
  const none = await boundedFetch((async () => new Response(null, { status: 204 })) as typeof fetch)('x:');
  assert.equal([none.status, await none.text()], [204, '']);
});

answers('every bad answer that is known is tried', () => {
  assert.equal(Object.keys(badAnswers), ['endless', 'endlessRefusal', 'gzipBomb', 'drip']);
});

answers.run();
