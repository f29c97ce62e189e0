import { validateHeaderName, validateHeaderValue } from 'node:http';
import * as z from 'zod';
import { duration, exactUrl, mapping, secret, writeOption } from '../../src/connector/index.ts';
import { privateLiteral } from './addresses.ts';
import { bodyOption } from './body.ts';
import { keyOf } from './signature.ts';

const longestTimeoutMs = 5 * 60_000;

/** What the connector itself says in headers. */
const ownHeaders = [
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'transfer-encoding',
  'upgrade',
];

const headerName = z
  .string()
  .refine((name) => passes(() => validateHeaderName(name)), { error: 'is not the name of a header.' })
  .refine((name) => !ownHeaders.includes(name.toLowerCase()) && !/^webhook-/i.test(name), {
    error: 'is a header that the connector sets itself.',
  });

const headerValue = secret().refine((value) => passes(() => validateHeaderValue('x', value)), {
  error: 'has a character that no header may hold.',
});

export const options = z
  .strictObject({
    url: exactUrl()
      .refine((url) => !/^https?:\/\/[^/?#]*@/.test(url), {
        error: 'must not hold a user name or password: put them into headers.authorization.',
      })
      .describe('Where events are posted, exactly as it is given. https, or http on this machine.'),
    secrets: z
      .array(
        secret()
          .refine((text) => keyOf(text) !== undefined, {
            error:
              'must be whsec_ and 24 to 64 random bytes in base64: echo "whsec_$(openssl rand -base64 32)".',
          })
          .meta({ examples: [`whsec_${'not+set+'.repeat(4)}`] }),
      )
      .min(1)
      .describe('Signing secrets. Each gives a signature of its own, so that one can replace another.'),
    write: writeOption,
    testEvent: z
      .boolean()
      .default(false)
      .describe(
        'true: the receiver knows events of the type "test" and files nothing for them: a check sends one, signed as calls are.',
      ),
    headers: z
      .record(headerName, headerValue)
      .default({})
      .describe('Further headers of each request, such as authorization.'),
    properties: mapping().default({}).describe('Name: template. Put into the event as data.properties.'),
    body: bodyOption
      .optional()
      .describe(
        'JSON to post in place of the event, as the receiver wants it: names with templates, groups and lists of them.',
      ),
    timeout: duration()
      .prefault('15s')
      .refine((ms) => ms >= 1 && ms <= longestTimeoutMs, { error: 'must be at most 5m.' })
      .describe('How long the receiver may take to answer.'),
    parallel: z.int().min(1).max(64).default(4).describe('How many requests may be under way at once.'),
    ratePerSecond: z.int().min(1).max(10_000).optional().describe('The most requests in a second.'),
    allowPrivate: z
      .boolean()
      .default(false)
      .describe('true: the receiver may be on this machine or in a private network.'),
  })
  .superRefine(({ body, properties, testEvent }, context) => {
    if (!body) return;
    const tell = (setting: string, message: string) =>
      context.addIssue({ code: 'custom', path: [setting], message });
    if (Object.keys(properties).length > 0)
      tell('properties', 'stands in the event that body replaces. Move what it has into body.');
    if (testEvent) tell('testEvent', 'is of the event that body replaces. Leave it out.');
  })
  .superRefine(({ url, allowPrivate }, context) => {
    if (allowPrivate) return;
    const host = url.startsWith('http:') ? new URL(url).hostname : privateLiteral(url);
    if (host === undefined) return;
    context.addIssue({
      code: 'custom',
      path: ['url'],
      message: `${host} is a private address. If that is meant, set allowPrivate: true.`,
    });
  });

export type WebhookOptions = z.output<typeof options>;

function passes(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
