import * as z from 'zod';
import {
  erasure,
  erasureOrder,
  holdings,
  numberGiven,
  pauseOrder,
  rangeReplay,
  replayCount,
  replayed,
  replayOrder,
  skipOrder,
} from './actions.ts';
import { callSelection, callsPage, callsQuery } from './calls.ts';
import { connectorHealth, findings, setupPlan } from './connectors.ts';
import { delaconQuery, delaconSetup } from './delacon-setup.ts';
import type { Operator } from './operator.ts';
import { overview, overviewQuery } from './overview.ts';
import { readAgainDone, readAgainOrder, rejectedPushes, rejectedQuery, wholeRejected } from './rejected.ts';
import { story } from './story.ts';
import { trial, tryOrder } from './try-it.ts';

/** One thing that the API answers. */
export interface Endpoint {
  method: 'get' | 'post';
  /** Below /api. `{name}` is a part of the path. */
  path: string;
  /** Unique; generated clients name a function by it. */
  id: string;
  summary: string;
  query: z.ZodType;
  body: z.ZodType;
  answer: z.ZodType;
  /** A POST that changes nothing: what it asks with is too long or too private for a URL, or it costs CRM requests. */
  isReading: boolean;
  run(operator: Operator, params: Record<string, string>, query: unknown, body: unknown): Promise<unknown>;
}

const none = z.strictObject({});

/** Keeps what `run` gets true to the schemas. */
function endpoint<Query extends z.ZodType = typeof none, Body extends z.ZodType = typeof none>(
  method: 'get' | 'post',
  path: string,
  id: string,
  summary: string,
  answer: z.ZodType,
  run: (
    operator: Operator,
    given: { params: Record<string, string>; query: z.output<Query>; body: z.output<Body> },
  ) => Promise<unknown>,
  more: { query?: Query; body?: Body; isReading?: boolean } = {},
): Endpoint {
  return {
    method,
    path,
    id,
    summary,
    answer,
    query: more.query ?? none,
    body: more.body ?? none,
    isReading: method === 'get' || (more.isReading ?? false),
    run: (operator, params, query, body) =>
      run(operator, { params, query: query as z.output<Query>, body: body as z.output<Body> }),
  };
}

const call = '/calls/{source}/{callId}';

export const endpoints: readonly Endpoint[] = [
  endpoint(
    'get',
    '/overview',
    'overview',
    'How things are, and what came in within a range of time.',
    overview,
    (operator, { query }) => operator.overview(query),
    { query: overviewQuery },
  ),
  endpoint(
    'get',
    '/calls',
    'calls',
    'Calls, newest first, in pages.',
    callsPage,
    (operator, { query }) => operator.wholeCalls(query),
    { query: callsQuery },
  ),
  endpoint(
    'get',
    '/calls/count',
    'countCalls',
    'How many calls match, and how many deliveries a replay of them would make due.',
    replayCount,
    (operator, { query }) => operator.countReplay(query),
    { query: callSelection },
  ),
  endpoint('get', call, 'call', 'The whole story of a call.', story, (operator, { params }) =>
    operator.story(params['source']!, params['callId']!),
  ),
  endpoint(
    'post',
    `${call}/holds`,
    'askCall',
    'The whole story of a call, with what its records hold in the CRMs, which are asked.',
    story,
    (operator, { params }) => operator.story(params['source']!, params['callId']!, true),
    { isReading: true },
  ),
  endpoint(
    'post',
    `${call}/replay`,
    'replayCall',
    'Writes a call again as it is now, under its key. Undoes a skip.',
    replayed,
    (operator, { params, body }) => operator.replay(params['source']!, params['callId']!, body),
    { body: replayOrder },
  ),
  endpoint(
    'post',
    `${call}/skip`,
    'skipCall',
    'Leaves a delivery out, though the call may change, until it is replayed.',
    story,
    (operator, { params, body }) => operator.skip(params['source']!, params['callId']!, body),
    { body: skipOrder },
  ),
  endpoint(
    'post',
    '/replays',
    'replayCalls',
    'Writes again all calls that match, but for what is skipped.',
    replayed,
    (operator, { body }) => operator.replayRange(body),
    { body: rangeReplay },
  ),
  endpoint(
    'post',
    '/holdings',
    'holdings',
    'What is held of a telephone number.',
    holdings,
    (operator, { body }) => operator.holdings(body),
    { body: numberGiven },
  ),
  endpoint(
    'post',
    '/erasures',
    'erase',
    'Erases what the store knows of a telephone number. Cannot be taken back.',
    erasure,
    (operator, { body }) => operator.erase(body),
    { body: erasureOrder },
  ),
  endpoint(
    'get',
    '/connectors',
    'connectors',
    'How the connectors are.',
    z.array(connectorHealth),
    (operator) => operator.connectors(),
  ),
  endpoint(
    'post',
    '/connectors/{name}/findings',
    'checkConnector',
    'Asks the CRM what is wrong with credentials, scopes, fields and mapping.',
    findings,
    (operator, { params }) => operator.check(params['name']!),
    { isReading: true },
  ),
  endpoint(
    'post',
    '/connectors/{name}/plan',
    'planConnector',
    'What the CRM needs to have, and lacks. It is asked, and created by: delacon-bridge setup.',
    setupPlan,
    (operator, { params }) => operator.plan(params['name']!),
    { isReading: true },
  ),
  endpoint(
    'post',
    '/connectors/{name}/pause',
    'pauseConnector',
    'Attempts stop, and calls wait, until it is resumed; over restarts, too.',
    connectorHealth,
    (operator, { params, body }) => operator.pause(params['name']!, body),
    { body: pauseOrder },
  ),
  endpoint(
    'post',
    '/connectors/{name}/resume',
    'resumeConnector',
    'Ends a pause.',
    connectorHealth,
    (operator, { params }) => operator.resume(params['name']!),
  ),
  endpoint(
    'get',
    '/rejected',
    'rejected',
    'Pushes that were not taken, counted by cause, the latest first, in pages.',
    rejectedPushes,
    (operator, { query }) => operator.rejected(query),
    { query: rejectedQuery },
  ),
  endpoint(
    'get',
    '/rejected/{id}',
    'rejectedPush',
    'One of them, with its whole body.',
    wholeRejected,
    (operator, { params }) => operator.rejectedPush(params['id']!),
  ),
  endpoint(
    'post',
    '/rejected/replay',
    'replayRejected',
    'Reads unreadable pushes that are kept again, such as after an update: what can be read becomes a call.',
    readAgainDone,
    (operator, { body }) => operator.readAgain(body),
    { body: readAgainOrder },
  ),
  endpoint(
    'post',
    '/trials',
    'tryPushes',
    'What pushes would write under the mapping as it is. Nothing is stored, and no CRM is asked.',
    trial,
    (operator, { body }) => operator.tryIt(body),
    { body: tryOrder, isReading: true },
  ),
  endpoint(
    'get',
    '/delacon',
    'delacon',
    'The URLs to paste into the Delacon portal, source by source, and whether pushes came to them.',
    delaconSetup,
    (operator, { query }) => operator.delaconSetup(query),
    { query: delaconQuery },
  ),
];
