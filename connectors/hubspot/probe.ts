import type { Assumption, Probe, Tools, Trial } from '../../src/connector/index.ts';
import { mustBeSetUp, type RawAnswer } from '../../src/crm/index.ts';
import type { HubSpotApi } from './api.ts';
import { apiName, pathOf } from './api-version.ts';
import type { LinkFrom } from './associations.ts';
import type { Properties } from './batches.ts';
import { type HubSpotFacts, keyFacts } from './facts.ts';
import type { HubSpotOptions } from './options.ts';
import { people, searches } from './probe-people.ts';
import { errorsIn, idsIn, ProbedAccount, rowsIn, title, words } from './probed-account.ts';
import { plan } from './setup.ts';
import { ownProperties } from './setup-names.ts';

/** Of what the connector writes, and `MISSED`, which HubSpot's guide has in one place and not in another. */
const statuses = ['IN_PROGRESS', 'COMPLETED', 'NO_ANSWER', 'BUSY'];
const perhaps = 'MISSED';

/** Puts the open points of what is known about HubSpot to the test. */
export class HubSpotProbe implements Probe {
  readonly api = apiName;
  readonly writes = [
    'make about a dozen contacts called "delacon-bridge probe" and a dozen calls with that title, and two tasks and two deals where setup made keys for them; merge two of these contacts; and delete them all (HubSpot keeps deleted records in its recycling bin for a while),',
    'use numbers that nobody has: +61 491 570 006 and others that are kept for fiction,',
    'send some requests that HubSpot must refuse, and search for up to two minutes.',
  ];
  readonly #api: HubSpotApi;
  readonly #options: HubSpotOptions;
  readonly #facts: HubSpotFacts;
  readonly #tools: Tools;

  constructor(api: HubSpotApi, options: HubSpotOptions, facts: HubSpotFacts, tools: Tools) {
    this.#api = api;
    this.#options = options;
    this.#facts = facts;
    this.#tools = tools;
  }

  async run(signal: AbortSignal, found: (result: Assumption) => void): Promise<void> {
    mustBeSetUp(await plan(this.#api, this.#options, this.#facts, signal), this.#tools);
    const on = new ProbedAccount(this.#api, this.#tools, signal);
    const trials = [
      scope(on),
      keys(on),
      batches(on),
      refusals(on),
      statusesOfCalls(on),
      people(on),
      searches(on),
    ];
    await on.run(trials.flat(), this.#facts, found);
  }
}

function keys(on: ProbedAccount): Trial[] {
  return [
    ...keysOf(on, 'calls'),
    {
      assumption: 'That a key is taken is said in a code that the connector knows.',
      expected: 'CONFLICTING_UNIQUE_VALUE',
      otherwise: 'looks up what is there after every refusal that it does not know',
      see: async () => {
        const { again } = await on.twoCalls();
        const failure = on.failureOf(again);
        if (!failure) return { holds: null, seen: 'HubSpot did not refuse it.' };
        return { holds: failure.cure?.what === 'conflict', seen: words(again) };
      },
    },
    {
      assumption: 'A unique property on calls can be the key of an upsert.',
      expected: 'The call that was made is updated: 200, "new": false.',
      otherwise: 'does as always: it makes calls, and updates them by their record id',
      see: async () => {
        const { key, id } = await on.twoCalls();
        const answer = await on.write('calls', key, 'upsert', [
          { idProperty: ownProperties.calls, id: key, properties: on.call(key) },
        ]);
        const row = rowsIn(answer)[0];
        return { holds: row?.id === id && row.new === false, seen: words(answer) };
      },
    },
    {
      assumption: 'A call that was deleted gives its key back.',
      expected: 'Another call with the key is made.',
      otherwise: 'tries such a call again until giveUpAfter, and then shows it as failed',
      see: async () => {
        const key = on.trials.key();
        const [id = ''] = idsIn(await on.create('calls', key));
        await on.delete('calls', id, on.signal);
        const again = await on.create('calls', key);
        return { holds: idsIn(again).length > 0, seen: words(again) };
      },
    },
    ...keysOf(on, 'tasks'),
    ...keysOf(on, 'deals'),
  ];
}

/** Whether the connector can rely on the keys of one kind of record. */
function keysOf(on: ProbedAccount, kind: LinkFrom): Trial[] {
  const one = kind.slice(0, -1);
  const otherwise = `searches for a ${one} by its key before it makes one again, for as long as the index may lag`;
  const without = { holds: null, seen: `The configuration asks for no ${kind}, so setup made no key.` };
  return [
    {
      assumption: `HubSpot keeps the key of a ${one} unique.`,
      expected: `A second ${one} with the same key is refused.`,
      otherwise,
      see: async () => {
        const two = await on.two(kind);
        if (!two) return without;
        const isKept = idsIn(two.again).length === 0;
        on.facts[keyFacts[kind]] = isKept ? undefined : 'searched';
        return { holds: isKept, seen: words(two.again) };
      },
    },
    {
      assumption: `A ${one} is found by its key at once.`,
      expected: 'batch/read with idProperty answers the record that was just made.',
      otherwise,
      see: async () => {
        const two = await on.two(kind);
        if (!two) return without;
        const read = await on.ask(`${kind}/batch/read`, {
          idProperty: ownProperties[kind],
          properties: [ownProperties[kind]],
          propertiesWithHistory: [],
          inputs: [{ id: two.key }],
        });
        const holds = idsIn(read).includes(two.id);
        if (!holds) on.facts[keyFacts[kind]] = 'searched';
        return { holds, seen: words(read) };
      },
    },
  ];
}

function batches(on: ProbedAccount): Trial[] {
  let answer: Promise<RawAnswer> | undefined;
  const good = on.trials.key();
  const bad = on.trials.key();
  const mixed = () => {
    const input = (trace: string, more: Properties = {}) => ({
      objectWriteTraceId: trace,
      properties: { ...on.call(trace), ...more },
      associations: [],
    });
    const inputs = [input(good), input(bad, { hs_timestamp: 'not a time' })];
    const send = () => on.ask('calls/batch/create', { inputs });
    // Should the bad one be made after all, it is to be deleted, too.
    answer ??= on.trials.write('calls', good, () => on.trials.write('calls', bad, send, () => []), idsIn);
    return answer;
  };
  return [
    {
      assumption: 'With trace ids, one bad call does not keep the others of a batch from being made.',
      expected: '207: the good one is made, and the error names the trace id of the bad one.',
      otherwise: 'halves the batch until the bad call stands alone',
      see: async () => {
        const told = await mixed();
        const named = errorsIn(told).some((error) => error.context?.['objectWriteTraceId']?.includes(bad));
        return { holds: told.status === 207 && idsIn(told).length === 1 && named, seen: words(told) };
      },
    },
    {
      assumption: 'Answers repeat the trace ids of what was made.',
      expected: 'objectWriteTraceId in each result',
      otherwise: 'goes by the call id that the answer shows',
      see: async () => {
        const [row] = rowsIn(await mixed());
        if (!row) return { holds: null, seen: 'Nothing was made.' };
        const seen =
          row.objectWriteTraceId === good ? 'It is there.' : `It is not: ${Object.keys(row).join(', ')}.`;
        return { holds: row.objectWriteTraceId === good, seen };
      },
    },
  ];
}

function refusals(on: ProbedAccount): Trial[] {
  const unread = 'looks up what is there after every refusal that it does not know';
  return [
    {
      assumption:
        'That a call to be updated is gone is said in a code that the connector knows, or with silence.',
      expected: '207 with OBJECT_NOT_FOUND, or no result',
      otherwise: unread,
      see: async () => {
        const [id = ''] = idsIn(await on.create('calls', on.trials.key()));
        await on.delete('calls', id, on.signal);
        const answer = await on.update('calls', id, { hs_call_title: title });
        if (idsIn(answer).length > 0) return { holds: false, seen: `HubSpot updated it: ${words(answer)}` };
        const failure = on.failureOf(answer);
        return { holds: !failure || failure.cure?.what === 'gone', seen: words(answer) };
      },
    },
    {
      assumption: 'That a property is not there is said with its name.',
      expected: 'PROPERTY_DOESNT_EXIST with the name',
      otherwise: 'halves the batch until what uses the property stands alone',
      see: async () => {
        const key = on.trials.key();
        const properties = { ...on.call(key), delacon_probe_unknown: 'x' };
        const answer = await on.create('calls', key, properties);
        const cure = on.failureOf(answer)?.cure;
        return {
          holds: cure?.what === 'property' && cure.property === 'delacon_probe_unknown',
          seen: words(answer),
        };
      },
    },
  ];
}

function statusesOfCalls(on: ProbedAccount): Trial[] {
  return [
    {
      assumption: `Calls may have the statuses ${statuses.join(', ')}.`,
      expected: 'each is accepted',
      otherwise: 'writes COMPLETED in place of a status that the account does not have',
      see: async () => {
        const [id = ''] = idsIn(await on.create('calls', on.trials.key()));
        const accepted: string[] = [];
        const refused: string[] = [];
        for (const status of [...statuses, perhaps]) {
          const answer = await on.update('calls', id, { hs_call_status: status });
          if (idsIn(answer).length > 0) accepted.push(status);
          else refused.push(`${status}: ${words(answer)}`);
        }
        const holds = statuses.every((status) => accepted.includes(status));
        on.facts.statuses = holds ? undefined : accepted;
        const seen = `Accepted: ${accepted.join(', ')}.${refused.length > 0 ? ` Refused: ${refused.join(' ')}` : ''}`;
        return { holds, seen };
      },
    },
    {
      assumption: 'A call shows on its contact while it is in progress.',
      expected: 'The API lists it among the calls of the contact, as it lists an ended one.',
      otherwise: 'writes calls when they have ended, as with write: atEnd',
      see: async () => {
        const contactId = await on.someContact();
        const ringing = await on.linkedCall(contactId, 'IN_PROGRESS');
        const ended = await on.linkedCall(contactId, 'COMPLETED');
        const path = pathOf('crm/objects', `contacts/${contactId}/associations/calls`);
        let listed: string[] = [];
        const look = async () => {
          const { body } = await on.api.ask('GET', path, undefined, on.signal);
          const { results = [] } = (body ?? {}) as { results?: { toObjectId?: unknown }[] };
          listed = results.map(({ toObjectId }) => String(toObjectId));
          return listed.includes(ended);
        };
        await on.until(look, { patienceMs: 8_000, everyMs: 2_000 });
        if (!listed.includes(ended))
          return { holds: null, seen: 'The API does not list the ended call either.' };
        const holds = listed.includes(ringing);
        on.facts.timeline = holds ? undefined : 'ended';
        const seen = holds
          ? 'It is listed. How the timeline on the page draws it, the API does not tell.'
          : 'Only the ended call is listed.';
        return { holds, seen };
      },
    },
  ];
}

function scope(on: ProbedAccount): Trial {
  return {
    assumption: 'The token may make properties of calls, as setup does.',
    expected: '400 to a property without a name',
    otherwise: 'goes on: the scope is needed for setup only',
    see: async () => {
      const answer = await on.api.ask('POST', pathOf('crm/properties', 'calls'), {}, on.signal);
      return { holds: answer.status === 403 ? false : answer.status === 400 || null, seen: words(answer) };
    },
  };
}
