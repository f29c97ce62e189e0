import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config/settings.ts';
import type { Finding } from '../connector/contract.ts';
import { ownCommand } from '../text/own-command.ts';
import { channelsOf } from './configured-channels.ts';
import type { Notice } from './notice.ts';

/** Sends a notice that says it is a test to everywhere that notices go, and tells how that went. */
export async function sendTestNotice(
  { alerts, listen }: Settings,
  clock: Clock,
  redact: (text: string) => string,
): Promise<Finding[]> {
  const channels = channelsOf(alerts, { timezone: alerts.timezone, publicUrl: listen.publicUrl }, clock);
  if (channels.length === 0) {
    const message = 'nobody is told of anything.';
    return [
      { level: 'problem', subject: 'alerts', message, fix: 'Set alerts.webhook.url or alerts.email.to.' },
    ];
  }
  const notice: Notice = {
    id: randomUUID(),
    kind: 'test',
    about: null,
    at: clock.now(),
    title: 'This is a test notice',
    lines: [`Somebody ran ${ownCommand('check --alerts')}. Nothing is wrong: notices come here.`],
  };
  const patience = new AbortController();
  return Promise.all(
    channels.map(async ({ name, send }): Promise<Finding> => {
      const subject = `alerts.${name}`;
      try {
        await send(notice, patience.signal);
        return { level: 'ok', subject, message: 'took a test notice: see that it arrived.' };
      } catch (thrown) {
        const message = redact((thrown as Error).message);
        return { level: 'problem', subject, message: `${message}.`, fix: `Mend ${subject}, then try again.` };
      }
    }),
  );
}
