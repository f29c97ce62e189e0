import { type Context, Hono } from 'hono';
import type { HTTPResponseError } from 'hono/types';
import * as z from 'zod';
import about from '../../package.json' with { type: 'json' };
import { endSample, startSample } from '../call/sample-pushes.ts';
import type { Settings } from '../config/settings.ts';
import type { Log } from '../log.ts';
import { knownNames } from '../text/did-you-mean.ts';
import { ownCommand } from '../text/own-command.ts';
import { type Access, type AccessEnv, contentPolicy, ownPath, smallBodies } from './access.ts';
import { assetPaths, assetRoutes } from './assets.ts';
import { type CallsPage, callsQuery } from './calls.ts';
import type { Live } from './live.ts';
import type { Operator } from './operator.ts';
import { callPage } from './page/call.ts';
import { callsPage } from './page/calls.ts';
import { connectorPage, connectorsPage, rangePage } from './page/connectors.ts';
import { filtersOf, periodRange, selectionOf } from './page/days.ts';
import { erasedPage, erasePage } from './page/erase.ts';
import type { Frame } from './page/layout.ts';
import { did, noticeOf, withoutNotice } from './page/notices.ts';
import { type OverviewPeriod, overviewPage, overviewPeriods } from './page/overview.ts';
import { rejectedPage } from './page/rejected.ts';
import { setUpDelaconPage } from './page/set-up-delacon.ts';
import { problemPage, signInPage } from './page/sign-in.ts';
import { callPath } from './page/states.ts';
import { type TrialData, tryItPage } from './page/try-it.ts';
import { OperatorProblem } from './problem.ts';
import { dayOf } from './time-range.ts';

export interface PageOptions {
  operator: Operator;
  access: Access;
  live: Live;
  settings(): Settings;
  now(): Date;
  log: Log;
}

/** Readers may post these: nothing is changed by them but their own session. Some cost CRM requests, which no link may. */
const readersMayPost = (path: string) =>
  /^\/(?:try|sign-out|connectors\/[^/]+\/(?:check|plan)|calls\/[^/]+\/[^/]+\/holds)$/.test(path);

const pages = [
  '/',
  '/live',
  '/sign-out',
  '/calls',
  '/calls/*',
  '/connectors',
  '/connectors/*',
  '/rejected',
  '/rejected/*',
  '/try',
  '/set-up-delacon',
];

const problemStatus = {
  wrong: 400,
  forbidden: 403,
  'not found': 404,
  conflict: 409,
  'not yet': 503,
} as const;

/**
 * The operator page, as HTML that is read and used without a script; scripts add charts, what is live and filters that
 * do not load the page anew. A form that changes something is answered with a redirect, so that loading anew repeats
 * nothing.
 */
export function pageRoutes(options: PageOptions): Hono<AccessEnv> {
  const { access, live, settings, now } = options;
  const app = new Hono<AccessEnv>();
  app.onError((reason, context) => problemAnswer(context, reason, options));
  app.route('/', assetRoutes());
  // Each path by its name: a middleware for all of them would run for every push, too.
  app.use('/sign-in', smallBodies);
  for (const path of pages) app.use(path, smallBodies, access.guard('page', readersMayPost));

  app.get('/sign-in', async (context) => {
    const to = ownPath(context.req.query('to'));
    if (access.isSignedIn(context)) return context.redirect(to, 303);
    const did = context.req.query('did');
    const notice = did === 'sign-out' ? 'You are signed out.' : undefined;
    // Without a script nothing else tells that a browser keeps no cookie: of https at http, of a folder at another one.
    const problem =
      did === 'sign-in' ? `That was right, but your browser did not keep the cookie. ${openAt()}` : undefined;
    return context.html(signInPage(await assetPaths(), { to, problem, notice }));
  });

  const openAt = () => {
    const { publicUrl } = settings().listen;
    return publicUrl === undefined
      ? 'Let it keep cookies of this address, and sign in again.'
      : `Sign in at ${publicUrl.replace(/\/+$/, '')}/, which is listen.publicUrl of the configuration; a link is good once, ${ownCommand('link', true)} shows another one.`;
  };

  /** To a form that was sent from an address that the bridge does not know as its own, or by another site. */
  const strangeAddress = (origin: string | undefined) => {
    if (settings().listen.publicUrl !== undefined) return openAt();
    const address = origin !== undefined && URL.canParse(origin) ? new URL(origin).origin : 'null';
    return address === 'null'
      ? 'Load it again, and try once more.'
      : `If ${address} is the address of the bridge, write it into the configuration: listen: { publicUrl: "${address}" }.`;
  };

  app.post('/sign-in', async (context) => {
    const form = await formOf(context);
    const to = ownPath(form['to']);
    const refused = async (problem: string, status: 401 | 403) =>
      context.html(await signInPage(await assetPaths(), { to, problem }), status);
    if (!access.isSameOrigin(context))
      return refused(
        `This did not come from a page of the bridge. ${strangeAddress(context.req.header('origin'))}`,
        403,
      );
    if (await access.signIn(context, form['token']?.trim() ?? ''))
      return context.redirect(`/sign-in?did=sign-in&to=${encodeURIComponent(to)}`, 303);
    return refused(
      `That is not the token. If it came with a link: each signs in once, within a quarter of an hour, and ${ownCommand('link', true)} shows another one.`,
      401,
    );
  });

  const operatorFor = (context: Context<AccessEnv>) => options.operator.for(context.get('visitor'));
  const timezone = () => Object.values(settings().sources)[0]?.timezone ?? 'UTC';
  const frameFor = async (context: Context<AccessEnv>): Promise<Frame> => ({
    visitor: context.get('visitor'),
    assets: await assetPaths(),
    mark: live.mark(),
    version: about.version,
    here: withoutNotice(context),
    notice: noticeOf(context),
  });

  app.get('/live', (context) => live.stream(context, context.req.query('after')));

  app.post('/sign-out', (context) => {
    access.signOut(context);
    return context.redirect('/sign-in?did=sign-out', 303);
  });

  app.get('/', async (context) => {
    const frame = await frameFor(context);
    const operator = operatorFor(context);
    const asked = context.req.query('period') ?? 'today';
    const period = (asked in overviewPeriods ? asked : 'today') as OverviewPeriod;
    const { since, until } = periodRange(period, now(), timezone());
    const [overview, latest, failed] = await Promise.all([
      operator.overview({ since, ...(until ? { until } : {}) }),
      operator.calls({ limit: 8 }),
      operator.calls({ state: 'failed', limit: 5 }),
    ]);
    const days = {
      from: dayOf(since, timezone()),
      to: dayOf(until ? new Date(until.getTime() - 1) : now(), timezone()),
    };
    return context.html(overviewPage(frame, { period, days, overview, latest, failed }));
  });

  /** That nothing matches a mistyped name is no answer. */
  const unknownSource = ({ calls }: CallsPage, source: string) => {
    const { sources } = settings();
    if (calls.length > 0 || source === '' || Object.hasOwn(sources, source)) return undefined;
    return `There is no source "${source}".${knownNames(source, sources)}`;
  };

  app.get('/calls', async (context) => {
    const frame = await frameFor(context);
    const filters = filtersOf(context.req.query());
    const after = context.req.query('after') ?? '';
    const selection = selectionOf(filters, timezone());
    const read = callsQuery.safeParse({ ...selection, after });
    const found = await operatorFor(context).calls(read.success ? read.data : { limit: 1 });
    const problem = read.success ? unknownSource(found, filters.source) : problemOf(read.error);
    return context.html(
      callsPage(frame, {
        filters,
        selection: new URLSearchParams(
          Object.entries(selection).filter(([, value]) => value !== ''),
        ).toString(),
        page: problem === undefined ? found : { ...found, calls: [], next: null },
        isLater: after !== '',
        sources: Object.keys(settings().sources),
        connectors: Object.keys(settings().connectors),
        timezone: timezone(),
        problem,
      }),
    );
  });

  const callAnswer = async (context: Context<AccessEnv>, frame: Frame, ask: boolean) => {
    const { source = '', callId = '' } = context.req.param() as Record<string, string>;
    const story = await operatorFor(context).story(source, callId, ask);
    // The player is sent to the recording, which is elsewhere: the policy must name that place, and no other.
    if (story.recording)
      context.header('content-security-policy', contentPolicy(new URL(story.recording.playerUrl).origin));
    return context.html(callPage(frame, story));
  };

  app.get('/calls/:source/:callId', async (context) => callAnswer(context, await frameFor(context), false));

  app.post('/calls/:source/:callId/holds', async (context) =>
    callAnswer(context, { ...(await frameFor(context)), isStill: true }, true),
  );

  const recordingOf = async (context: Context<AccessEnv>, source: string, callId: string) => {
    const { recording } = await operatorFor(context).story(source, callId);
    if (!recording) throw new OperatorProblem('not found', 'This call has no recording that you may hear.');
    return recording;
  };

  // For the page's player.
  app.get('/calls/:source/:callId/recording', async (context) => {
    const { source, callId } = context.req.param();
    return context.redirect((await recordingOf(context, source, callId)).playerUrl, 302);
  });

  // For a tab of its own.
  app.get('/calls/:source/:callId/recording/open', async (context) => {
    const { source, callId } = context.req.param();
    return context.redirect((await recordingOf(context, source, callId)).url, 302);
  });

  app.post('/calls/:source/:callId/replay', async (context) => {
    const { source, callId } = context.req.param();
    const { connector, back } = await formOf(context);
    const done = await operatorFor(context).replay(source, callId, connector ? { connector } : {});
    return did(context, back ?? callPath({ source, callId }), 'replay', done.deliveries);
  });

  app.post('/calls/:source/:callId/skip', async (context) => {
    const { source, callId } = context.req.param();
    const { connector = '', reason = '' } = await formOf(context);
    if (reason.trim() === '')
      throw new OperatorProblem('wrong', 'Say why the delivery is skipped: it is shown with the call.');
    await operatorFor(context).skip(source, callId, { connector, reason: reason.trim().slice(0, 500) });
    return did(context, callPath({ source, callId }), 'skip');
  });

  app.get('/calls/:source/:callId/erase', access.operatorOnly('page'), async (context) => {
    const frame = await frameFor(context);
    const { source, callId } = context.req.param();
    const story = await operatorFor(context).story(source, callId);
    const held = await operatorFor(context).holdings({ number: callerOf(story) });
    return context.html(erasePage(frame, story, held));
  });

  app.post('/calls/:source/:callId/erase', async (context) => {
    const frame = await frameFor(context);
    const { source, callId } = context.req.param();
    const form = await formOf(context);
    if (form['sure'] !== 'yes')
      throw new OperatorProblem('wrong', 'Nothing was erased: tick the box to say that you are sure.');
    const story = await operatorFor(context).story(source, callId);
    const order = { number: callerOf(story), unsearchable: form['unsearchable'] === 'yes' };
    return context.html(erasedPage(frame, await operatorFor(context).erase(order)));
  });

  app.get('/connectors', async (context) =>
    context.html(connectorsPage(await frameFor(context), await operatorFor(context).connectors())),
  );

  /** @param asked what the CRM is asked for this page */
  const connectorAnswer = async (context: Context<AccessEnv>, asked?: 'check' | 'plan') => {
    const { name = '' } = context.req.param() as Record<string, string>;
    const frame = { ...(await frameFor(context)), here: `/connectors/${encodeURIComponent(name)}` };
    const operator = operatorFor(context);
    const health = await healthOf(operator, name);
    const orProblem = (reason: Error) => ({ problem: reason.message });
    const findings =
      asked === 'check' ? await operator.check(name).then((found) => found.findings, orProblem) : undefined;
    const steps =
      asked === 'plan' ? await operator.plan(name).then((plan) => plan.steps, orProblem) : undefined;
    return context.html(connectorPage(frame, { health, timezone: timezone(), findings, steps }));
  };

  app.get('/connectors/:name', (context) => connectorAnswer(context));
  app.post('/connectors/:name/check', (context) => connectorAnswer(context, 'check'));
  app.post('/connectors/:name/plan', (context) => connectorAnswer(context, 'plan'));

  app.post('/connectors/:name/pause', async (context) => {
    const { name } = context.req.param();
    const reason = (await formOf(context))['reason']?.trim().slice(0, 500);
    await operatorFor(context).pause(name, reason ? { reason } : {});
    return did(context, `/connectors/${encodeURIComponent(name)}`, 'pause');
  });

  app.post('/connectors/:name/resume', async (context) => {
    const { name } = context.req.param();
    await operatorFor(context).resume(name);
    return did(context, `/connectors/${encodeURIComponent(name)}`, 'resume');
  });

  const rangeOf = (
    connector: string,
    { from = '', to = '', state = '' }: Partial<Record<string, string>>,
  ) => {
    const read = callsQuery.safeParse({
      ...selectionOf(filtersOf({ connector, from, to, state }), timezone()),
    });
    if (!read.success) throw new OperatorProblem('wrong', problemOf(read.error));
    return { from, to, state, of: read.data };
  };

  app.get('/connectors/:name/replay', access.operatorOnly('page'), async (context) => {
    const frame = await frameFor(context);
    const { name } = context.req.param();
    await healthOf(operatorFor(context), name);
    const { of, ...range } = rangeOf(name, context.req.query());
    const found = await operatorFor(context).countReplay(of);
    return context.html(rangePage(frame, { connector: name, ...range, counted: found }));
  });

  app.post('/connectors/:name/replay', async (context) => {
    const { name } = context.req.param();
    const form = await formOf(context);
    const { of } = rangeOf(name, form);
    const expected = Number(form['expected']);
    if (!Number.isInteger(expected)) throw new OperatorProblem('wrong', 'Count the calls first.');
    const done = await operatorFor(context).replayRange({ of, expected });
    return did(context, `/connectors/${encodeURIComponent(name)}`, 'replay', done.deliveries);
  });

  app.get('/rejected', async (context) => {
    const frame = await frameFor(context);
    const operator = operatorFor(context);
    const after = context.req.query('after');
    return context.html(
      rejectedPage(frame, {
        refused: await operator.rejected({ kept: false, limit: 200 }),
        kept: await operator.rejected({ kept: true, ...(after ? { after } : {}) }),
        bodies: await operator.rejectedBodies(),
        timezone: timezone(),
      }),
    );
  });

  app.get('/rejected/:id/body', async (context) => {
    const { id, text } = await operatorFor(context).rejectedPush(context.req.param('id'));
    if (text === null) throw new OperatorProblem('not found', 'There is no body that you may see.');
    return context.text(text, 200, { 'content-disposition': `attachment; filename="push-${id}.txt"` });
  });

  app.post('/rejected/replay', async (context) => {
    const { source } = await formOf(context);
    const done = await operatorFor(context).readAgain(source ? { source } : {});
    return did(context, '/rejected', 'readAgain', done.read, done.left);
  });

  const trialPage = async (
    context: Context<AccessEnv>,
    given: Pick<TrialData, 'source' | 'pushes' | 'outcome'>,
  ) =>
    tryItPage(await frameFor(context), {
      sources: Object.keys(settings().sources),
      recent: (await operatorFor(context).calls({ limit: 12 })).calls,
      timezone: timezone(),
      ...given,
    });

  app.get('/try', async (context) => {
    const [firstSource = ''] = Object.keys(settings().sources);
    const { call, sample } = context.req.query();
    if (call === undefined) {
      const pushes = sample === 'true' ? `${startSample}\n\n${endSample}\n` : '';
      return context.html(await trialPage(context, { source: firstSource, pushes, outcome: undefined }));
    }
    const slash = call.indexOf('/');
    const story = await operatorFor(context).story(call.slice(0, slash), call.slice(slash + 1));
    const pushes = story.pushes.flatMap(({ body }) => (body === null ? [] : [body])).join('\n\n');
    return context.html(await trialPage(context, { source: story.source, pushes, outcome: undefined }));
  });

  app.post('/try', async (context) => {
    const { source = '', pushes = '' } = await formOf(context);
    let outcome: TrialData['outcome'];
    try {
      outcome = await operatorFor(context).tryIt({ ...(source ? { source } : {}), pushes });
    } catch (reason) {
      if (!(reason instanceof OperatorProblem)) throw reason;
      outcome = { problem: reason.message };
    }
    return context.html(
      await trialPage(context, { source, pushes, outcome }),
      'problem' in outcome ? 400 : 200,
    );
  });

  app.get('/set-up-delacon', async (context) => {
    const { source, after } = context.req.query();
    const setup = await operatorFor(context).delaconSetup(source ? { source } : after ? { after } : {});
    const isPart = Boolean(source || after);
    return context.html(setUpDelaconPage(await frameFor(context), setup, timezone(), isPart));
  });

  return app;
}

async function healthOf(operator: Operator, name: string) {
  const health = (await operator.connectors()).find((connector) => connector.name === name);
  if (health) return health;
  throw new OperatorProblem('not found', `There is no connector "${name}".`);
}

function callerOf({ caller }: { caller: { number: string | null } }): string {
  if (caller.number !== null) return caller.number;
  throw new OperatorProblem(
    'conflict',
    'The number of this caller is withheld or no telephone number, so there is nothing to find their calls by.',
  );
}

function problemOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join(' ');
}

const formFields = z.record(z.string(), z.unknown());

async function formOf(context: Context): Promise<Partial<Record<string, string>>> {
  const form = formFields.parse(await context.req.parseBody());
  return Object.fromEntries(
    Object.entries(form).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

async function problemAnswer(
  context: Context,
  reason: Error | HTTPResponseError,
  { log }: PageOptions,
): Promise<Response> {
  if (reason instanceof OperatorProblem) {
    const title = {
      wrong: 'That cannot be',
      forbidden: 'Not for this role',
      'not found': 'Not found',
      conflict: 'Not now',
      'not yet': 'Not yet',
    }[reason.kind];
    return context.html(
      await problemPage(await assetPaths(), title, reason.message),
      problemStatus[reason.kind],
    );
  }
  log.error({ err: reason }, 'A page failed.');
  const message =
    'The bridge could not make this page; its log says why. Calls are taken and delivered meanwhile.';
  return context.html(await problemPage(await assetPaths(), 'That failed', message), 500);
}
