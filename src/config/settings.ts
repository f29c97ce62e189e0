import { getCountries } from 'libphonenumber-js/max';
import * as z from 'zod';
import { resultWord } from '../call/call.ts';
import type { ConnectorDefinition } from '../connector/contract.ts';
import { condition, duration, isLoopback, secret, token } from '../connector/options.ts';
import type { Route } from '../route/match.ts';
import { didYouMean } from '../text/did-you-mean.ts';
import { parseSize } from '../text/quantities.ts';
import { timeZone } from '../text/time-zone.ts';
import { isAddressOrRange } from './addresses.ts';
import { alertsOption } from './alerts.ts';
import { type MappingTest, mappingTest } from './mapping-test.ts';
import { withheldWords } from './withheld-words.ts';

/*
 * Every setting: its form and its meaning. Defaults of the top-level settings are in config/default.yaml alone, which
 * the program reads first; those of a source are here, since a user's sources replace the built-in one.
 */

/** Names appear in URLs, logs, metrics and on the command line. */
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, {
  error: 'a name has only letters, digits, - and _, and begins with a letter or a digit.',
});

const addresses = () =>
  z.array(
    z.string().refine(isAddressOrRange, {
      error: (issue) =>
        `"${issue.input}" is no address or range. Write one like 203.0.113.7 or 203.0.113.0/24.`,
    }),
  );

const listen = z.strictObject({
  host: z
    .string()
    .min(1)
    .describe('Address to listen on. 0.0.0.0 is every interface, 127.0.0.1 this machine.'),
  port: z.int().min(0).max(65535).describe('Port to listen on. 0 takes a free one.'),
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .superRefine((url, context) => {
      if (!URL.canParse(url)) return; // said already
      const { protocol, hostname, username, password, search, hash } = new URL(url);
      const tell = (message: string) => context.addIssue({ code: 'custom', message });
      if (protocol === 'http:' && !isLoopback(hostname))
        tell(
          "must begin with https:// (http:// is for this machine only): callers' numbers and the operator's token would travel in the open. Put a proxy that speaks https in front.",
        );
      if (username || password || search || hash)
        tell('must be an address alone, without user, query or #: paths are put behind it.');
    })
    // As addresses are compared: HTTPS://Calls.example is https too, and its cookies travel by nothing else.
    .transform((url) => (URL.canParse(url) ? new URL(url).href : url).replace(/\/+$/, ''))
    .optional()
    .describe(
      'Where the outside world reaches the bridge, by https; may end in a folder. The URLs for the Delacon portal begin with it.',
    ),
  trustedProxies: addresses().describe(
    'Addresses or ranges of proxies whose X-Forwarded-For is believed. None: the peer is the sender.',
  ),
});

const store = z.strictObject({
  url: z
    .string()
    .superRefine((url, context) => {
      if (/^sqlite:./.test(url)) return;
      context.addIssue({
        code: 'custom',
        // The URL itself is not quoted: it may hold a password.
        message: /^postgres(ql)?:/.test(url)
          ? 'PostgreSQL is not built yet. Use sqlite:data/bridge.db.'
          : 'must begin with sqlite: and name a file, as in sqlite:data/bridge.db.',
      });
    })
    .describe('Where everything is kept: sqlite: and a file, relative to the working directory.'),
});

/** Bun counts the idle time of a connection in seconds, up to 255 of them. */
const longestTimeoutMs = 240_000;

const receive = z
  .strictObject({
    maxBodyBytes: z
      .union([z.string(), z.number()])
      .transform(quantity(parseSize))
      .pipe(
        z
          .int()
          .min(1024)
          .max(64 * 1024 ** 2),
      )
      .describe('Largest push that is read, in bytes or as 256KiB. A push has about 1 KiB.'),
    timeout: duration()
      .refine((ms) => ms >= 1_000 && ms <= longestTimeoutMs, { error: 'must be between 1s and 4m.' })
      .describe('A request that is not whole after this is refused and its connection closed.'),
  })
  .transform(({ maxBodyBytes, timeout }) => ({ maxBodyBytes, timeoutMs: timeout }));

const delivery = z
  .strictObject({
    retry: z
      .array(duration())
      .min(1)
      .describe('Wait before each further attempt, 20 % more or less. The last one repeats.'),
    giveUpAfter: duration().describe(
      'A delivery that was tried in vain for this long is shown as failed, until replayed. Time in which nothing was tried does not count.',
    ),
    probe: z
      .array(duration())
      .min(1)
      .describe(
        'When one call is tried while a CRM does not answer, or a connector is blocked, such as by a revoked token. The last one repeats.',
      ),
  })
  .transform(({ retry, giveUpAfter, probe }) => ({
    retryMs: retry,
    giveUpAfterMs: giveUpAfter,
    probeMs: probe,
  }));

const retention = z
  .strictObject({
    pushes: duration().describe('How long pushes are kept as they came.'),
    calls: duration().describe(
      'How long calls are kept after their last push. One that failed stays until somebody deals with it.',
    ),
    rejected: duration().describe('How long pushes that were not taken are kept after they last came.'),
    rejectedBytes: z
      .union([z.string(), z.number()])
      .transform(quantity(parseSize))
      .pipe(z.int().min(1024 ** 2))
      .describe(
        'Of unreadable bodies, kept of each source, in bytes or as 16MiB. The oldest go first, and are counted; the latest stays, however long.',
      ),
  })
  .transform(({ pushes, calls, rejected, rejectedBytes }) => ({
    pushesMs: pushes,
    callsMs: calls,
    rejectedMs: rejected,
    rejectedBytes,
  }));

const operatorToken = () =>
  token().min(16, { error: 'is too short: a token has at least 16 characters. Try openssl rand -hex 24.' });

const operator = z
  .strictObject({
    token: operatorToken()
      .optional()
      .describe(
        'Opens the operator page, its API and the metrics. None: one is made and kept in the store; `delacon-bridge link` signs in.',
      ),
    readOnlyToken: operatorToken()
      .optional()
      .describe('Opens them for reading: who has it sees, and changes nothing.'),
    maskNumbers: z
      .boolean()
      .describe(
        'true: the read-only role sees no whole phone number, and neither raw pushes nor recordings, which hold them.',
      ),
    session: duration().describe('How long a sign-in lasts. A restart ends it, too.'),
  })
  .superRefine(({ token, readOnlyToken }, context) => {
    if (readOnlyToken === undefined || token !== readOnlyToken) return;
    const message = 'is the same as operator.token. Give the read-only role one of its own.';
    context.addIssue({ code: 'custom', path: ['readOnlyToken'], message });
  })
  .transform(({ session, ...rest }) => ({ ...rest, sessionMs: session }));

const log = z.strictObject({
  level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).describe('The least important line to write.'),
});

/** Of a source that names none. */
export const homeZones: Partial<Record<string, string>> = { AU: 'Australia/Sydney', NZ: 'Pacific/Auckland' };

const results = ['unanswered', 'busy', 'other', 'voicemail', 'answered'];
/** A word of Delacon's may be any, but hardly one of ours with a letter wrong. */
const isNoSlip = (word: string) => results.includes(resultWord(word)) || didYouMean(word, results) === '';
const slip = (issue: { input?: unknown }) =>
  `"${issue.input}" is nearly a result.${didYouMean(String(issue.input), results)}`;

const source = z
  .strictObject({
    tokens: z
      .array(
        secret()
          .min(16, { error: 'is too short: a token has at least 16 characters. Try openssl rand -hex 24.' })
          .regex(/^[A-Za-z0-9._~-]*$/, {
            error: 'has characters that do not fit a URL: use letters, digits and - . _ ~ only.',
          }),
      )
      .default([])
      .describe(
        'Secrets of the URL that Delacon pushes to; several while one replaces another. None: one is made and kept in the store.',
      ),
    region: z
      .enum(getCountries(), {
        error: (issue) =>
          `"${issue.input}" is no country code: use two capital letters, such as AU or NZ.${didYouMean(String(issue.input), getCountries())}`,
      })
      .default('AU')
      .describe('Country whose spelling numbers without a country code have.'),
    timezone: timeZone()
      .optional()
      .describe(
        'IANA zone in which templates write times. AU: Australia/Sydney, NZ: Pacific/Auckland by default.',
      ),
    allowFrom: addresses()
      .default([])
      .describe('Addresses or ranges that may push. None named: everybody who knows a token.'),
    lapseAfter: duration()
      .prefault('4h')
      .describe('A call without an end push after this is closed as "end not received".'),
    withheld: z
      .array(z.string().min(1).toLowerCase())
      .default([...withheldWords])
      .describe('Texts that stand for a withheld number, in any letter case.'),
    missed: z
      .array(z.string().min(1).refine(isNoSlip, { error: slip }).overwrite(resultWord))
      .default(['unanswered', 'busy', 'voicemail'])
      .describe(
        "What counts as missed: unanswered, busy, other, voicemail (one left on a call that nobody answered), or Delacon's own words for a result, such as Abandoned.",
      ),
    emailOnly: z
      .array(z.string().min(1))
      .default([])
      .describe('Ids of services (PLA_CID) that never ring, but take messages: their calls are not missed.'),
    callIdPrefix: z
      .string()
      .max(32)
      .regex(/^$|^[A-Za-z0-9._-]*[A-Za-z._-]$/, {
        error:
          'may have letters, digits and - . _ only, and must not end with a digit, as call ids begin with one.',
      })
      .default('')
      .describe('Put before call ids in the CRM, so that two Delacon accounts can share one.'),
    rateLimit: z.number().positive().optional().describe('Most pushes per second. Not set: no limit.'),
  })
  .transform(({ timezone, lapseAfter, ...rest }, context) => {
    const zone = timezone ?? homeZones[rest.region];
    if (zone === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['timezone'],
        message: `is missing: ${rest.region} has no default one. Write one like Australia/Perth.`,
      });
    }
    return { ...rest, timezone: zone ?? 'UTC', lapseAfterMs: lapseAfter };
  });

const route = z
  .strictObject({
    source: z
      .union([z.string(), z.array(z.string()).min(1)])
      .optional()
      .describe(
        'Source whose calls it takes, or several: [acme, beta]. Not set: every source; in an included file, those of that file.',
      ),
    when: condition().optional().describe('Condition that a call must meet. Not set: every call.'),
    to: z.array(z.string()).min(1).describe('Connectors that get the call.'),
    stop: z
      .boolean()
      .default(false)
      .describe('true: later routes are not looked at for a call that this one takes.'),
  })
  .transform(({ source, when, ...rest }) => ({
    ...(source === undefined ? {} : { sources: [source].flat() }),
    ...(when ? { when } : {}),
    ...rest,
  }));

const connector = z.looseObject({
  type: z
    .string()
    .min(1)
    .describe('Folder in connectors/, a package, or ./path/to/module. The other settings are its own.'),
});

/** The shape of the YAML. Connectors' own settings are checked by the connectors. */
export const settingsSchema = z.strictObject({
  listen: listen.describe('Where the bridge is reached.'),
  store: store.describe('Where pushes, calls and deliveries are kept.'),
  receive: receive.describe('Taking pushes.'),
  delivery: delivery.describe('When a delivery that failed is tried again.'),
  retention: retention.describe('What is removed from the store, and when.'),
  operator: operator.describe('The operator page, its API and the metrics.'),
  alerts: alertsOption.describe('What the bridge tells people by itself.'),
  log: log.describe('What the bridge tells about its work.'),
  include: z
    .array(z.string().min(1))
    .describe(
      'Further files with sources, connectors and routes, such as clients/*.yaml; relative to this one.',
    ),
  sources: z.record(name, source).describe('Who sends pushes: a Delacon account or client each.'),
  connectors: z.record(name, connector).describe('Which CRMs calls are written to.'),
  routes: z.array(route).describe('Which calls go where. Every route that matches applies.'),
  tests: z
    .array(mappingTest)
    .describe('Pushes, and what must come of them; or files with tests. `delacon-bridge test` runs them.'),
});

type Parsed = z.output<typeof settingsSchema>;

export interface Source extends z.output<typeof source> {
  name: string;
}

/** A connector as configured. */
export interface ConnectorSettings {
  type: string;
  definition: ConnectorDefinition;
  /** As the connector's schema made them. */
  options: unknown;
  /** As written, with variables filled in: JSON, for finding out whether a reload changed anything. */
  raw: unknown;
}

export interface Settings extends Omit<Parsed, 'include' | 'sources' | 'connectors' | 'routes' | 'tests'> {
  sources: Record<string, Source>;
  connectors: Record<string, ConnectorSettings>;
  /** As written, and behind them what files without routes imply. */
  routes: Route[];
  tests: MappingTest[];
}

function quantity(parse: (written: string | number) => number | { problem: string }) {
  return (written: string | number, context: z.core.$RefinementCtx<string | number>): number => {
    const read = parse(written);
    if (typeof read === 'number') return read;
    context.issues.push({ code: 'custom', message: read.problem, input: written });
    return z.NEVER;
  };
}
