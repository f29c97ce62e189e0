import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

/** A chat's webhook, over real HTTP. */
export interface ChatReceiver {
  url: string;
  /** The bodies that were taken, in order. */
  posted: Record<string, unknown>[];
  /** All requests, those that were refused too. */
  requests: number;
  /** Undefined: takes everything. `hang`: never answers. */
  refuses: { status: number; body?: string; headers?: Record<string, string> } | 'hang' | undefined;
}

export async function withChatReceiver<T>(use: (chat: ChatReceiver) => Promise<T>): Promise<T> {
  const chat: ChatReceiver = { url: '', posted: [], requests: 0, refuses: undefined };
  const server = createServer(async (request, response) => {
    chat.requests++;
    const body = await text(request);
    const { refuses } = chat;
    if (refuses === 'hang') return;
    if (refuses) return void response.writeHead(refuses.status, refuses.headers).end(refuses.body ?? '');
    chat.posted.push(JSON.parse(body) as Record<string, unknown>);
    response.writeHead(200).end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  chat.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/s3cr3t-path`;
  try {
    return await use(chat);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A mail server. */
export interface MailServer {
  port: number;
  messages: { from: string; to: string[]; source: string; user: string | undefined }[];
  /** What it says to each message. Undefined: takes it. */
  refuses: { code: number; words: string } | undefined;
  account: { user: string; password: string };
}

export async function withMailServer<T>(use: (mail: MailServer) => Promise<T>): Promise<T> {
  const mail: MailServer = {
    port: 0,
    messages: [],
    refuses: undefined,
    account: { user: 'bridge', password: 'the-mail-password' },
  };
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    allowInsecureAuth: true,
    onAuth({ username, password }, _, done) {
      const isRight = username === mail.account.user && password === mail.account.password;
      if (isRight) done(null, { user: username });
      else done(new Error('Authentication credentials invalid'));
    },
    onData(stream, { envelope, user }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (mail.refuses) {
          const { code, words } = mail.refuses;
          return done(Object.assign(new Error(words), { responseCode: code }));
        }
        mail.messages.push({
          from: envelope.mailFrom ? envelope.mailFrom.address : '',
          to: envelope.rcptTo.map(({ address }) => address),
          source: Buffer.concat(chunks).toString('utf8'),
          user: user as string | undefined,
        });
        done();
      });
    },
  });
  server.on('error', () => {}); // a client that leaves early
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  mail.port = (server.server.address() as AddressInfo).port;
  try {
    return await use(mail);
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
