import type { EmailSettings } from '../config/alerts.ts';
import { isLoopback } from '../connector/options.ts';
import { type Channel, type Letterhead, SendFailed } from './channel.ts';
import type { Notice } from './notice.ts';

const connectMs = 10_000;
const silenceMs = 15_000;

/** Sends notices by e-mail, as plain text: there is nothing in it that could be read as anything else. */
export class EmailChannel implements Channel {
  readonly name = 'email';
  readonly #settings: EmailSettings;
  readonly #letterhead: Letterhead;

  constructor(settings: EmailSettings, letterhead: Letterhead) {
    this.#settings = settings;
    this.#letterhead = letterhead;
  }

  async send(notice: Notice, signal: AbortSignal): Promise<void> {
    const { createTransport } = await import('nodemailer'); // few send e-mail
    const server = serverOf(this.#settings);
    const transport = createTransport({
      ...server,
      connectionTimeout: connectMs,
      greetingTimeout: connectMs,
      dnsTimeout: connectMs,
      socketTimeout: silenceMs,
      // What is in a message comes from texts alone, never from a file or an address.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const close = () => transport.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      await transport.sendMail({
        from: this.#settings.from,
        to: [...this.#settings.to],
        subject: `[delacon-bridge] ${notice.title}`,
        text: textOf(notice, this.#letterhead),
        date: notice.at,
        // The same at each try: who gets it twice after a lost answer can tell.
        messageId: `<${notice.id}@delacon-bridge>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
    } catch (cause) {
      throw failureOf(
        cause as NodeJS.ErrnoException & { responseCode?: number; response?: string },
        server.host,
        this.#settings,
      );
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
  }
}

export function serverOf(settings: EmailSettings) {
  const url = settings.url === undefined ? undefined : new URL(settings.url);
  const host = (url ? url.hostname.replace(/^\[|\]$/g, '') : settings.host) as string;
  const isSmtps = url?.protocol === 'smtps:' || (!url && settings.port === 465);
  const port = url ? Number(url.port) || (isSmtps ? 465 : 587) : (settings.port ?? 587);
  const user = url ? decodeURIComponent(url.username) : settings.user;
  const pass = url ? decodeURIComponent(url.password) : settings.password;
  return {
    host,
    port,
    secure: isSmtps,
    // A password travels encrypted, or not at all; without one, a server inside the house may know no encryption.
    requireTLS: Boolean(pass) && !isSmtps && !isLoopback(host),
    opportunisticTLS: !pass,
    ...(user ? { auth: { user, pass: pass ?? '' } } : {}),
  };
}

function textOf({ lines, at }: Notice, { timezone, publicUrl }: Letterhead): string {
  const foot = `delacon-bridge, ${at.toISOString()}. Times: ${timezone}.${publicUrl ? `\n${publicUrl}` : ''}`;
  return `${lines.join('\n\n')}\n\n-- \n${foot}\n`;
}

function failureOf(
  cause: NodeJS.ErrnoException & { responseCode?: number; response?: string },
  host: string,
  { url, user, password }: EmailSettings,
): SendFailed {
  let words = cause.response ?? cause.message.split('\n')[0] ?? '';
  const secrets = [url, password, url && decodeURIComponent(new URL(url).password), user].filter(
    (one) => one,
  );
  for (const one of secrets) words = words.replaceAll(one as string, '[secret]');
  words = words
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, 200);
  if (cause.code === 'EAUTH')
    return new SendFailed(`${host} does not let the account in: "${words}"`, { cause });
  // 5xx to the message itself. To a sender or recipient too: somebody has to mend the configuration, then it goes.
  const isFinal = cause.code === 'EMESSAGE' && (cause.responseCode ?? 0) >= 500;
  return new SendFailed(`${host}: ${words} (${cause.code ?? 'no code'})`, { isFinal, cause });
}
