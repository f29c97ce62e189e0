import type { Trial } from '../../src/connector/index.ts';
import { numberIn, wantedNumber } from '../../src/crm/index.ts';
import type { Row } from './answers.ts';
import { candidateOf } from './candidates.ts';
import { packSearches, phoneSearch } from './phone-search.ts';
import { type ProbedOrg, resultsIn, words } from './probed-org.ts';
import { ownFields } from './setup-names.ts';
import { isIn } from './soql.ts';
import type { Fields } from './written.ts';

/** Numbers that the Australian authority keeps for fiction: nobody has them. */
const numbers = [
  '+61491570006',
  '0491570156',
  '0491 570 157',
  '0491-570-158',
  '61 491 570 159',
  '(02) 5550 1234',
  '04 9157 0313',
  '1300 975 707',
];

/** Longer than this, searching is taken to find nothing: the index is said to be up to ten minutes behind. */
const untilFound = { patienceMs: 10 * 60_000, everyMs: 10_000 };

/** Where numbers are searched for. */
const place = { object: 'Lead', columns: ['Id', 'Phone'], phones: ['Phone'], compared: ['Phone'] };

export function people(on: ProbedOrg): Trial[] {
  return [
    {
      assumption: 'Salesforce keeps our key unique on Leads, and says so in words that the connector knows.',
      expected: 'DUPLICATE_VALUE to a second Lead with the key',
      otherwise:
        'looks up what is there after every refusal that it does not know; where it is not refused, finds the Lead by the key all the same, and the field should be mended: run check',
      see: async () => {
        const key = on.trials.key();
        const person = { ...on.person(), [ownFields.Lead]: key };
        const results = [await on.create('Lead', key, person), await on.create('Lead', key, person)];
        const seen = results.map(words).join('; ');
        const [first = {}, second = {}] = results;
        if (!first.success || second.success) return { holds: false, seen };
        return { holds: on.isKnown(on.failureOf(second)?.cure?.what === 'taken'), seen };
      },
    },
    {
      assumption: 'A Lead who has the number of another is made all the same, with allowSave.',
      expected: 'both are made',
      otherwise: 'shows the call as failed; let the duplicate rule only warn',
      see: async () => {
        const person = { ...on.person(), Phone: '+61491570110' };
        const results = [
          await on.upsert('Lead', on.trials.key(), person),
          await on.upsert('Lead', on.trials.key(), person),
        ];
        return { holds: results.every(({ success }) => success), seen: results.map(words).join('; ') };
      },
    },
  ];
}

export function requests(on: ProbedOrg): Trial[] {
  return [
    {
      assumption: 'A Lead and the call of them are made in one request.',
      expected: 'both are made, and the Task is of the Lead',
      otherwise: 'makes people first, and their calls in a request after it',
      see: async () => {
        const leadKey = on.trials.key();
        const taskKey = on.trials.key();
        const person = { ...on.person(), [ownFields.Lead]: leadKey };
        const call = { ...on.call(), [ownFields.Task]: taskKey };
        const send = () => on.api.insertWithTasks('Lead', [{ person, tasks: [call] }], on.signal);
        const made = await on.trials.write(
          'Task',
          taskKey,
          () => on.trials.write('Lead', leadKey, send, () => []),
          () => [],
        );
        const [both] = made ?? [];
        const { rows } = await on.query(`SELECT Id,WhoId FROM Task WHERE ${isIn(ownFields.Task, [taskKey])}`);
        const holds = both?.person.id !== undefined && rows?.[0]?.['WhoId'] === both.person.id;
        const refused = [both?.person.failure, both?.tasks[0]?.failure].flatMap((one) => one?.reason ?? []);
        const seen = both ? refused.join(' ') || 'Both are made.' : 'The request was refused as a whole.';
        return { holds, seen };
      },
    },
    {
      assumption: 'A composite request can refer to a record in the answer of a collection.',
      expected: 'A Task is made on the Lead that @{people[0].id} names.',
      otherwise: 'makes many people first, and their calls in a request after it',
      see: async () => {
        const leadKey = on.trials.key();
        const taskKey = on.trials.key();
        const lead = on.record('Lead', { ...on.person(), [ownFields.Lead]: leadKey });
        const task = on.record('Task', {
          ...on.call(),
          [ownFields.Task]: taskKey,
          WhoId: '@{people[0].id}',
        });
        const part = (referenceId: string, object: 'Lead' | 'Task', record: Fields) => ({
          method: 'PATCH',
          referenceId,
          url: `/services/data/v${on.api.apiVersion}/composite/sobjects/${object}/${ownFields[object]}`,
          httpHeaders: { 'Sforce-Auto-Assign': 'FALSE', 'Sforce-Duplicate-Rule-Header': 'allowSave=true' },
          body: { allOrNone: false, records: [record] },
        });
        const body = {
          allOrNone: false,
          collateSubrequests: false,
          compositeRequest: [part('people', 'Lead', lead), part('calls', 'Task', task)],
        };
        const answer = await on.trials.write(
          'Task',
          taskKey,
          () =>
            on.trials.write(
              'Lead',
              leadKey,
              () => on.ask('POST', '/composite', body),
              () => [],
            ),
          () => [],
        );
        const { compositeResponse } = (answer.body ?? {}) as { compositeResponse?: { body?: unknown }[] };
        const results = resultsIn(compositeResponse?.[1]?.body);
        const { rows } = await on.query(`SELECT Id,WhoId FROM Task WHERE ${isIn(ownFields.Task, [taskKey])}`);
        const holds = typeof rows?.[0]?.['WhoId'] === 'string';
        const seen = compositeResponse
          ? results.map(words).join('; ')
          : words(resultsIn(answer.body)[0] ?? {});
        return { holds, seen };
      },
    },
  ];
}

export function search(on: ProbedOrg): Trial {
  return {
    assumption: 'Searching finds Australian numbers by their digits, however they were typed.',
    expected: 'all of them within ten minutes; the lag is measured',
    otherwise: 'compares the digits in the phone fields by a query, which takes longer in large orgs',
    see: async () => {
      const open = new Map<string, string>(); // as typed → id
      for (const typed of numbers) {
        const { id } = await on.upsert('Lead', on.trials.key(), { ...on.person(), Phone: typed });
        if (id !== undefined) open.set(typed, id);
      }
      if (open.size === 0) return { holds: null, seen: 'No Lead with a number could be made.' };
      const since = on.clock.now().getTime();
      const found: string[] = [];
      await on.until(async () => {
        const rows: Row[] = [];
        for (const { text } of packSearches([...open.keys()].map(wantedNumber)))
          rows.push(...(await on.api.search(phoneSearch([place], text), on.signal)));
        const lag = Math.round((on.clock.now().getTime() - since) / 1000);
        for (const [typed, id] of open) {
          const row = rows.find(({ Id }) => Id === id);
          if (!row || !numberIn(candidateOf('Lead', row, place.phones, ['Lead']), wantedNumber(typed)))
            continue;
          open.delete(typed);
          found.push(`${kindOf(typed)} after ${lag} s`);
        }
        return open.size === 0;
      }, untilFound);
      if (on.signal.aborted) throw new Error('It was interrupted.');
      const missing = [...open.keys()].map(kindOf);
      const seen = [
        ...(found.length > 0 ? [`Found: ${found.join(', ')}.`] : []),
        ...(missing.length > 0 ? [`Not found: ${missing.join(', ')}.`] : []),
      ].join(' ');
      // An index that shows nothing at all tells nothing of how it compares.
      if (found.length === 0) return { holds: null, seen };
      on.facts.search = missing.length > 0 ? 'separators' : undefined;
      return { holds: missing.length === 0, seen };
    },
  };
}

/** How a number was typed, in a report that must not show numbers. */
function kindOf(typed: string): string {
  return typed.replace(/\d/g, 'x').replace(/^x/, typed[0] ?? '');
}
