import * as z from 'zod';
import { exactUrl, secret } from '../connector/options.ts';
import { hoursOption, timeOfDay } from '../text/business-hours.ts';
import { parseDuration } from '../text/quantities.ts';
import { timeZone } from '../text/time-zone.ts';

/* The `alerts` of the configuration. Their defaults are in config/default.yaml. */

export const webhookForms = ['json', 'slack', 'teams'] as const;
export type WebhookForm = (typeof webhookForms)[number];

/** A duration, or `off`: then undefined. */
const durationOrOff = () =>
  z.union([z.string(), z.number()]).transform((written, context): number | undefined => {
    if (written === 'off') return undefined;
    const read = parseDuration(written);
    if (typeof read === 'number') return read;
    context.issues.push({ code: 'custom', message: `${read.problem} Or off.`, input: written });
    return z.NEVER;
  });

const webhook = z
  .strictObject({
    url: secret()
      .superRefine((url, context) => {
        // A secret, so that it is never quoted; therefore no z.url().
        const issue = exactUrl().safeParse(url).error?.issues[0];
        if (issue)
          context.addIssue({
            code: 'custom',
            message: issue.code === 'custom' ? issue.message : 'is no address: it begins with https://.',
          });
      })
      .optional()
      .describe('Where notices are posted: the address of a Slack or Teams webhook, or your own.'),
    form: z.enum(webhookForms).describe('What is posted: slack, teams, or plain json.'),
  })
  .superRefine(({ url, form }, context) => {
    const host = url !== undefined && URL.canParse(url) ? new URL(url).hostname : '';
    const needed =
      host === 'hooks.slack.com' ? 'slack' : /\.webhook\.office\.com$/.test(host) ? 'teams' : form;
    if (needed !== form)
      context.addIssue({ code: 'custom', path: ['url'], message: `${host} takes form: ${needed}.` });
  });

const plainAddress = /^[^\s@<>,;"]+@[^\s@<>,;"]+$/;
const notAnAddress = (written: unknown) =>
  `"${written}" is no e-mail address. Write one like ops@acme.example.`;

const email = z
  .strictObject({
    to: z
      .array(
        z.string().refine((text) => plainAddress.test(text), { error: ({ input }) => notAnAddress(input) }),
      )
      .describe('Who gets notices by e-mail. Nobody: none is sent.'),
    from: z
      .string()
      .refine((text) => plainAddress.test(/^[^<>\p{Cc}]*<([^<>]*)>$/u.exec(text)?.[1] ?? text), {
        error: ({ input }) => notAnAddress(input),
      })
      .optional()
      .describe('Sender, as bridge@acme.example or "Calls <bridge@acme.example>".'),
    url: secret()
      .refine(
        (url) => URL.canParse(url) && /^smtps?:$/.test(new URL(url).protocol) && new URL(url).hostname !== '',
        {
          error: 'must be like smtps://user:password@smtp.acme.example, or smtp:// for STARTTLS.',
        },
      )
      .optional()
      .describe('The mail server and the account on it, in one; or give host, port, user and password.'),
    host: z.string().min(1).optional().describe('Mail server.'),
    port: z
      .int()
      .min(1)
      .max(65535)
      .optional()
      .describe(
        'Its port. 465: encrypted from the start; default: 587, where encryption begins with STARTTLS.',
      ),
    user: z.string().min(1).optional().describe('Account on the mail server.'),
    password: secret().optional().describe('Its password, or app password.'),
  })
  .superRefine(({ to, from, url, host, port, user, password }, context) => {
    const problem = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (url !== undefined && (host ?? port ?? user ?? password) !== undefined)
      problem('url', 'says all of it: leave out host, port, user and password.');
    if ((user === undefined) !== (password === undefined))
      problem(
        user === undefined ? 'password' : 'user',
        `needs ${user === undefined ? 'user' : 'password'} beside it.`,
      );
    if (to.length === 0) return;
    if (from === undefined)
      problem('to', 'needs from beside it: an address that the mail server may send from.');
    if (url === undefined && host === undefined)
      problem('to', 'needs a mail server beside it: name it as host, or give all of it as url.');
  });

export const alertsOption = z
  .strictObject({
    webhook: webhook.describe('Notices to a chat, or to a program of your own.'),
    email: email.describe('Notices by e-mail.'),
    blockedFor: durationOrOff().describe(
      'Tells of a connector that has been blocked for so long, such as by a revoked token. off: does not.',
    ),
    failed: z.boolean().describe('Tells of calls that failed and wait for a replay.'),
    backlogOlderThan: durationOrOff().describe(
      'Tells of a connector whose oldest call has waited for so long. off: does not.',
    ),
    silentFor: durationOrOff().describe(
      'Tells of a source that has sent nothing for so much working time. off: does not.',
    ),
    rejected: durationOrOff().describe(
      'Tells of pushes that were refused or could not be read, until none has come for so long. off: does not.',
    ),
    hours: hoursOption.describe('Working time, in the time zone of each source.'),
    remindAfter: durationOrOff().describe('Tells again of what is still so after this time. off: does not.'),
    digest: timeOfDay
      .optional()
      .describe('Time of day at which a digest of the day before is sent, such as "08:00". Not set: none.'),
    timezone: timeZone().describe('IANA zone of the digest, and of the times in notices.'),
  })
  .transform(({ blockedFor, backlogOlderThan, silentFor, rejected, remindAfter, ...rest }) => ({
    ...rest,
    blockedForMs: blockedFor,
    backlogOlderThanMs: backlogOlderThan,
    silentForMs: silentFor,
    rejectedMs: rejected,
    remindAfterMs: remindAfter,
  }));

export type AlertSettings = z.output<typeof alertsOption>;
export type EmailSettings = AlertSettings['email'];
