import { channelsOf } from '../../src/alert/configured-channels.ts';
import { serverOf } from '../../src/alert/email.ts';
import type { Notice } from '../../src/alert/notice.ts';
import { oneLine } from '../../src/alert/notice.ts';
import { systemClock } from '../../src/clock.ts';
import { redactor } from '../../src/log.ts';
import { load } from '../config/with-config.ts';
import { withBridgeFolder } from '../support/bridge-process.ts';
import { type MailServer, withChatReceiver, withMailServer } from '../support/notice-receivers.ts';
import { assert, suite } from '../support/suite.ts';

const channels = suite('notices');

const nasty = '<!channel> *bold* [click](https://evil.example) {{DATE(2026-01-01,SHORT)}} & <b>';
const notice: Notice = {
  id: '3f0c0b6e-0000-4000-8000-000000000001',
  kind: 'raised',
  about: { what: 'blocked', of: 'acme-hubspot' },
  at: new Date('2026-11-02T03:15:00Z'),
  title: `acme-hubspot is blocked: ${nasty}`,
  lines: [nasty, 'Blocked since 2026-11-02 14:15.'],
};
const letterhead = { timezone: 'Australia/Sydney', publicUrl: 'https://calls.acme.example' };

async function send(yaml: string, what: Notice = notice): Promise<void> {
  const { settings } = await load(`alerts: { ${yaml} }`);
  for (const channel of channelsOf(settings.alerts, letterhead, systemClock))
    await channel.send(what, new AbortController().signal);
}

const failing = async (sending: Promise<void>) => {
  try {
    await sending;
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return 'sent';
};

channels('json: a program gets what it needs to tell one from another', () =>
  withChatReceiver(async (chat) => {
    await send(`webhook: { url: "${chat.url}" }`);
    assert.equal(chat.posted, [
      {
        id: '3f0c0b6e-0000-4000-8000-000000000001',
        kind: 'raised',
        condition: 'blocked',
        of: 'acme-hubspot',
        at: '2026-11-02T03:15:00.000Z',
        title: `acme-hubspot is blocked: ${nasty}`,
        text: `${nasty}\nBlocked since 2026-11-02 14:15.`,
        url: 'https://calls.acme.example',
      },
    ]);
  }),
);

channels('slack: blocks of plain text, and a fallback in which nothing is markup', () =>
  withChatReceiver(async (chat) => {
    await send(`webhook: { url: "${chat.url}", form: slack }`, {
      ...notice,
      lines: [...notice.lines, 'x'.repeat(4_000)],
    });
    const [body] = chat.posted as {
      text: string;
      blocks: { type: string; text?: { type: string; text: string } }[];
    }[];
    assert.is(
      body?.text,
      '🔴 acme-hubspot is blocked: &lt;!channel&gt; *bold* [click](https://evil.example) {{DATE(2026-01-01,SHORT)}} &amp; &lt;b&gt;',
    );
    assert.equal(
      body?.blocks.map(({ type }) => type),
      ['header', 'section', 'section', 'section', 'context'],
    );
    const texts = body?.blocks.flatMap(({ text }) => text ?? []) ?? [];
    assert.ok(texts.every(({ type }) => type === 'plain_text'));
    assert.ok((texts[0]?.text.length ?? 999) <= 150);
    assert.ok(texts.every(({ text }) => text.length <= 3_000));
    assert.is(texts[1]?.text, nasty);
  }),
);

channels('teams: a card of text runs, which read no Markdown', () =>
  withChatReceiver(async (chat) => {
    await send(`webhook: { url: "${chat.url}", form: teams }`);
    const [body] = chat.posted as {
      type: string;
      attachments: {
        contentType: string;
        content: { type: string; body: { type: string; inlines: { type: string; text: string }[] }[] };
      }[];
    }[];
    assert.is(body?.type, 'message');
    const { contentType, content } = body!.attachments[0]!;
    assert.is(contentType, 'application/vnd.microsoft.card.adaptive');
    assert.is(content.type, 'AdaptiveCard');
    assert.ok(
      content.body.every(({ type, inlines }) => type === 'RichTextBlock' && inlines[0]?.type === 'TextRun'),
    );
    const texts = content.body.map(({ inlines }) => inlines[0]?.text);
    assert.is(texts[1], nasty.replace('{{', '{\u200b{'));
    assert.is(texts.at(-1), 'Times: Australia/Sydney. https://calls.acme.example');
  }),
);

channels('a webhook that refuses is quoted without its address', () =>
  withChatReceiver(async (chat) => {
    chat.refuses = { status: 404, body: 'nothing at /services/s3cr3t-path\u0007\r\nhere' };
    const { host } = new URL(chat.url);
    assert.is(
      await failing(send(`webhook: { url: "${chat.url}" }`)),
      `${host} answered 404: "nothing at [secret] here"`,
    );
    chat.refuses = { status: 500, body: 'x'.repeat(100_000) };
    assert.is(
      (await failing(send(`webhook: { url: "${chat.url}" }`))).length,
      `${host} answered 500: ""`.length + 200,
    );
    const gone = await failing(send('webhook: { url: "http://127.0.0.1:1/s3cr3t-path" }'));
    assert.match(gone, /^127\.0\.0\.1:1 gave no answer/);
    assert.ok(!gone.includes('s3cr3t'));
  }),
);

const to = (mail: MailServer, more = '') =>
  `email: { to: [ops@acme.example, it@acme.example], from: "Calls <bridge@acme.example>", host: 127.0.0.1, port: ${mail.port} ${more} }`;

channels('e-mail: plain text, from and to whom it should be', () =>
  withMailServer(async (mail) => {
    await send(to(mail));
    const [message] = mail.messages;
    assert.equal(
      [message?.from, message?.to, message?.user],
      ['bridge@acme.example', ['ops@acme.example', 'it@acme.example'], undefined],
    );
    const [head = '', body = ''] = message!.source.split('\r\n\r\n', 2);
    assert.match(head, /^From: Calls <bridge@acme\.example>$/m);
    assert.match(head, /^Content-Type: text\/plain; charset=utf-8$/m);
    assert.match(head, /^Message-ID: <3f0c0b6e-0000-4000-8000-000000000001@delacon-bridge>$/m);
    assert.match(head, /^Auto-Submitted: auto-generated$/m);
    assert.match(body, '<!channel> *bold*');
    assert.match(message!.source.replaceAll('=\r\n', ''), 'https://calls.acme.example');
  }),
);

channels('e-mail: a title cannot add a header', () =>
  withMailServer(async (mail) => {
    await send(to(mail), { ...notice, title: 'x\r\nBcc: eve@evil.example\r\n\r\nDear all' });
    const [message] = mail.messages;
    assert.equal(message?.to, ['ops@acme.example', 'it@acme.example']);
    const [head = ''] = message!.source.split('\r\n\r\n', 1);
    assert.ok(!/^Bcc:/im.test(head), head);
    assert.match(head, /^Subject: \[delacon-bridge\] x/m);
  }),
);

channels('e-mail: the account is used, from a URL or one by one, and its password not told', () =>
  withMailServer(async (mail) => {
    mail.account = { user: 'bridge@acme.example', password: 'p@ss/word' };
    await send(to(mail, ', user: bridge@acme.example, password: p@ss/word'));
    const address = (password: string) =>
      `email: { to: [ops@acme.example], from: bridge@acme.example, url: "smtp://bridge%40acme.example:${password}@127.0.0.1:${mail.port}" }`;
    await send(address('p%40ss%2Fword'));
    assert.equal(
      mail.messages.map(({ user }) => user),
      ['bridge@acme.example', 'bridge@acme.example'],
    );
    const refused = await failing(send(address('wrong-password')));
    assert.match(refused, /^127\.0\.0\.1 does not let the account in: /);
    assert.ok(!/wrong-password|p@ss/.test(refused), refused);
    assert.is(mail.messages.length, 2);
  }),
);

channels('e-mail: what the server says to a message is told', () =>
  withMailServer(async (mail) => {
    mail.refuses = { code: 451, words: 'Try again later' };
    assert.match(await failing(send(to(mail))), '127.0.0.1: 451 Try again later');
    assert.match(
      await failing(
        send('email: { to: [ops@acme.example], from: bridge@acme.example, host: 127.0.0.1, port: 1 }'),
      ),
      '127.0.0.1: ',
    );
  }),
);

channels('a password travels encrypted, except on this machine', async () => {
  const server = async (yaml: string) => {
    const { settings } = await load(`alerts: { email: { to: [a@b], from: c@d, ${yaml} } }`);
    const { host, port, secure, requireTLS, opportunisticTLS } = serverOf(settings.alerts.email);
    return { host, port, secure, requireTLS, opportunisticTLS };
  };
  assert.equal(await server('url: "smtps://u:p@mail.acme.example"'), {
    host: 'mail.acme.example',
    port: 465,
    secure: true,
    requireTLS: false,
    opportunisticTLS: false,
  });
  assert.equal(await server('url: "smtp://u:p@mail.acme.example:2525"'), {
    host: 'mail.acme.example',
    port: 2525,
    secure: false,
    requireTLS: true,
    opportunisticTLS: false,
  });
  assert.equal(await server('host: mail.acme.example, user: u, password: p'), {
    host: 'mail.acme.example',
    port: 587,
    secure: false,
    requireTLS: true,
    opportunisticTLS: false,
  });
  assert.is((await server('host: mail.acme.example, port: 465, user: u, password: p')).secure, true);
  assert.is((await server('host: 127.0.0.1, user: u, password: p')).requireTLS, false);
  assert.is((await server('host: relay, port: 25')).opportunisticTLS, true);
});

channels('a line holds no break, no secret and no whole number, and has an end', () => {
  const redact = redactor(['hush-hush']);
  assert.is(
    oneLine(' a\r\nb\u2028c\u0007d\u202ee \t hush-hush 0412345678 ', redact),
    'a b c d e [secret] 041***678',
  );
  assert.is(oneLine('x'.repeat(9_999), redact).length, 500);
  assert.ok(oneLine('😀'.repeat(400), redact).isWellFormed());
});

channels('check --alerts sends a test notice everywhere, and says how that went', () =>
  withChatReceiver((chat) =>
    withMailServer((mail) =>
      withBridgeFolder(async (folder) => {
        folder.configure(`alerts: { webhook: { url: "${chat.url}", form: slack }, ${to(mail)} }\n`);
        const good = await folder.run('check', '--alerts');
        assert.is(good.code, 0, good.stdout + good.stderr);
        assert.match(good.stdout, /ok {7}alerts\.webhook: took a test notice/);
        assert.match(good.stdout, /ok {7}alerts\.email: took a test notice/);
        assert.match(String(chat.posted[0]?.['text']), 'This is a test notice');
        assert.is(mail.messages.length, 1);

        chat.refuses = { status: 403, body: 'invalid_token' };
        const bad = await folder.run('check', '--alerts');
        assert.is(bad.code, 1);
        assert.match(
          bad.stdout,
          /problem {2}alerts\.webhook: 127\.0\.0\.1:\d+ answered 403: "invalid_token"\./,
        );
        assert.match(bad.stdout, /ok {7}alerts\.email/);
        assert.ok(!bad.stdout.includes('s3cr3t'));

        folder.configure('');
        const none = await folder.run('check', '--alerts');
        assert.is(none.code, 1);
        assert.match(none.stdout, 'Set alerts.webhook.url or alerts.email.to.');
      }),
    ),
  ),
);

channels.run();
