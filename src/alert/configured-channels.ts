import type { Clock } from '../clock.ts';
import type { AlertSettings } from '../config/alerts.ts';
import { type Channel, type Letterhead, SendFailed } from './channel.ts';
import { EmailChannel } from './email.ts';
import { WebhookChannel } from './webhook.ts';

/** How long a try may take. */
const timeoutMs = 20_000;

/** Those that are configured. */
export function channelsOf(settings: AlertSettings, letterhead: Letterhead, clock: Clock): Channel[] {
  const channels: Channel[] = [];
  const { url, form } = settings.webhook;
  if (url !== undefined) channels.push(new WebhookChannel(url, form, letterhead));
  if (settings.email.to.length > 0) channels.push(new EmailChannel(settings.email, letterhead));
  return channels.map((channel) => ({
    name: channel.name,
    send: (notice, signal) => inTime(clock, signal, (within) => channel.send(notice, within)),
  }));
}

/** Whatever the other side does, and whatever a client library waits for. */
async function inTime(
  clock: Clock,
  signal: AbortSignal,
  send: (within: AbortSignal) => Promise<void>,
): Promise<void> {
  const late = new AbortController();
  const sent = send(AbortSignal.any([signal, late.signal]));
  sent.catch(() => {}); // told below, unless it is late
  let cancel = () => {};
  const timeout = new Promise<never>((_, reject) => {
    const end = (why: string) => {
      late.abort();
      reject(new SendFailed(why));
    };
    const stop = () => end('the bridge stops');
    const cancelTimer = clock.after(timeoutMs, () => end(`no answer within ${timeoutMs / 1000} s`));
    signal.addEventListener('abort', stop, { once: true });
    cancel = () => {
      cancelTimer();
      signal.removeEventListener('abort', stop);
    };
  });
  try {
    await Promise.race([sent, timeout]);
  } finally {
    cancel();
  }
}
