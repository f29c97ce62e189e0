import { maskNumber, parsePhone, type Trial } from '../../src/connector/index.ts';
import { numberIn, type RawAnswer, wantedNumber } from '../../src/crm/index.ts';
import { mergedFrom } from './merged-contacts.ts';
import { candidateOf, digitForms, searchByPhone } from './phone-search.ts';
import { idsIn, type ProbedAccount, rowsIn, words } from './probed-account.ts';

/** Numbers that the Australian authority keeps for fiction: nobody has them. */
const numbers: readonly { field: 'phone' | 'mobilephone'; typed: string }[] = [
  { field: 'phone', typed: '+61491570006' },
  { field: 'mobilephone', typed: '0491 570 156' },
  { field: 'phone', typed: '61491570157' },
  { field: 'phone', typed: '(02) 5550 1234' },
  { field: 'phone', typed: '1300 975 707' },
  { field: 'phone', typed: '1800 975 708' },
];

/** Longer than this, searching is taken to find nothing. */
const untilFound = { patienceMs: 120_000, everyMs: 2_000 };
const untilIndexed = { patienceMs: 30_000, everyMs: 2_000 };

/** What fits into the body of a search twice, with room for the rest. */
const longestList = 110;

export function people(on: ProbedAccount): Trial[] {
  return [
    {
      assumption: 'A contact is made once by an upsert under the key of the caller.',
      expected: '"new": true, then "new": false with the same id',
      otherwise: '',
      see: async () => {
        const key = on.trials.key();
        const [first] = rowsIn(await on.upsertContact(key));
        const answer = await on.upsertContact(key);
        const [second] = rowsIn(answer);
        const holds = first?.new === true && second?.new === false && first.id === second.id;
        return { holds, seen: words(answer) };
      },
    },
    {
      assumption: 'A contact who was merged into another is not taken for written.',
      expected:
        'An update by the old id is left out of the answer, or refused, or answers the id of the other.',
      otherwise: 'goes on with the id that HubSpot answers',
      see: async () => {
        const { gone, merged } = await on.twoMerged();
        if (merged.status >= 300) return { holds: null, seen: unmerged(merged) };
        const answer = await on.update('contacts', gone, { lastname: 'probe, merged' });
        return { holds: !idsIn(answer).includes(gone), seen: words(answer) };
      },
    },
    {
      assumption: 'The key of a contact who was merged into another is still good.',
      expected: 'An upsert under it answers the other contact, or makes a new one.',
      otherwise: 'tries the calls of such a caller again until giveUpAfter, and then shows them as failed',
      see: async () => {
        const { key, kept, merged } = await on.twoMerged();
        if (merged.status >= 300) return { holds: null, seen: unmerged(merged) };
        const answer = await on.upsertContact(key);
        const [id] = idsIn(answer);
        if (id === undefined) return { holds: false, seen: words(answer) };
        return { holds: true, seen: `${words(answer)}: ${id === kept ? 'the other' : 'a new one'}.` };
      },
    },
  ];
}

export function searches(on: ProbedAccount): Trial[] {
  const made = new Map<string, string>(); // as typed → id
  return [
    {
      assumption: 'The phone index holds Australian numbers in a form that the connector asks for.',
      expected: 'digits, with or without 61 or the trunk zero',
      otherwise: 'also searches what people typed into the phone fields, in the usual spellings',
      see: async () => {
        const refused: string[] = [];
        for (const { field, typed } of numbers) {
          const key = on.trials.key();
          const answer = await on.create('contacts', key, { ...on.person(key), [field]: typed });
          const [id] = idsIn(answer);
          if (id === undefined) refused.push(`${shapeOf(typed, typed)} was refused: ${words(answer)}`);
          else made.set(typed, id);
        }
        const forms = await indexForms(on, made);
        const odd = [...forms].filter(([typed, held]) => !digitForms(wantedNumber(typed)).includes(held));
        if (forms.size === 0) return { holds: null, seen: 'HubSpot shows no indexed numbers.' };
        on.facts.phoneIndex = odd.length > 0 ? 'odd' : undefined;
        const seen = [...forms].map(([typed, held]) => `${kindOf(typed)}: ${shapeOf(held, typed)}`);
        return { holds: odd.length === 0, seen: [...seen, ...refused].join('; ') };
      },
    },
    {
      assumption: 'Searching finds a new contact by its number within two minutes.',
      expected: 'found; the lag is measured',
      otherwise: 'needs no search for whom it made itself: the key is read at once',
      see: async () => {
        const open = new Set(made.keys());
        const account = { phoneIndex: on.facts.phoneIndex, longestList: on.facts.longestList };
        const lagMs = await on.until(async () => {
          const asked = [...open];
          const wanted = asked.map(wantedNumber);
          const rows = await searchByPhone(on.api, wanted, withoutBlanks(account), on.signal);
          const found = rows.map(candidateOf);
          for (const typed of asked)
            if (found.some((one) => one.record.id === made.get(typed) && numberIn(one, wantedNumber(typed))))
              open.delete(typed);
          return open.size === 0;
        }, untilFound);
        on.facts.indexLagMs = lagMs;
        if (open.size === 0)
          return { holds: true, seen: `All ${made.size} after ${Math.round(lagMs / 1000)} s.` };
        return { holds: false, seen: `Not found: ${[...open].map(kindOf).join(', ')}.` };
      },
    },
    {
      assumption: 'Whom a contact was merged into is found by the id of the one that is gone.',
      expected: 'A search for hs_merged_object_ids answers the other contact.',
      otherwise: 'looks for such a caller by key and number, and makes a contact where that finds none',
      see: async () => {
        const { gone, kept, merged } = await on.twoMerged();
        if (merged.status >= 300) return { holds: null, seen: unmerged(merged) };
        let answer = merged;
        const isFound = () => idsIn(answer).includes(kept);
        await on.until(async () => {
          answer = await on.ask('contacts/search', mergedFrom([gone]));
          return isFound() || answer.status !== 200;
        }, untilIndexed);
        return { holds: isFound(), seen: words(answer) };
      },
    },
    {
      assumption: `A search takes ${longestList} values in a list.`,
      expected: 'It is answered.',
      otherwise: 'asks for fewer numbers in each search',
      see: async () => {
        let refusal: RawAnswer | undefined;
        for (const length of [longestList, 50, 20, 10]) {
          const answer = await on.ask('contacts/search', listOf(length));
          if (answer.status === 200) {
            on.facts.longestList = refusal ? length : undefined;
            const seen = refusal ? `At most ${length}. ${words(refusal)}` : 'It is.';
            return { holds: !refusal, seen };
          }
          refusal = answer;
        }
        return { holds: null, seen: refusal ? words(refusal) : '' };
      },
    },
  ];
}

/** What the index holds, once it holds anything. By what was typed. */
async function indexForms(
  on: ProbedAccount,
  made: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  const forms = new Map<string, string>();
  const properties = ['phone', 'mobile'].map((kind) => `hs_searchable_calculated_${kind}_number`);
  const inputs = [...made.values()].map((id) => ({ id }));
  await on.until(async () => {
    const answer = await on.ask('contacts/batch/read', { properties, propertiesWithHistory: [], inputs });
    for (const [typed, id] of made) {
      const row = rowsIn(answer).find((one) => one.id === id);
      const held = properties.map((name) => row?.properties?.[name]).find(Boolean);
      if (held) forms.set(typed, held);
    }
    return forms.size >= made.size;
  }, untilIndexed);
  return forms;
}

function unmerged(answer: RawAnswer): string {
  return `They could not be merged: ${words(answer)}`;
}

function kindOf(typed: string): string {
  if (typed.startsWith('1')) return typed.slice(0, 4);
  if (typed.startsWith('(')) return 'area code in brackets';
  const mobile = 'mobile';
  if (typed.startsWith('+')) return `${mobile} with +61`;
  return typed.startsWith('61') ? `${mobile} with 61` : `${mobile} with 0`;
}

/** How a number is held, in a report that must not show numbers. */
function shapeOf(held: string, typed: string): string {
  const { number, region } = wantedNumber(typed);
  const { national } = parsePhone(number, region);
  if (held === number) return 'with + and country code';
  if (held === number.slice(1)) return 'with country code';
  if (held === national && national.startsWith('0')) return 'with trunk zero';
  if (held === national || held === number.slice(3)) return 'without country code and zero';
  if (held === typed) return 'as typed';
  return `otherwise: ${maskNumber(held)}, ${held.length} characters`;
}

function withoutBlanks(account: { phoneIndex?: 'odd' | undefined; longestList?: number | undefined }) {
  const { phoneIndex, longestList } = account;
  return { ...(phoneIndex ? { phoneIndex } : {}), ...(longestList ? { longestList } : {}) };
}

/** Numbers of the kept range, so many of them. */
function listOf(length: number) {
  const values = Array.from({ length }, (_, place) => String(491_570_000 + place));
  const names = ['phone', 'mobile'].map((kind) => `hs_searchable_calculated_${kind}_number`);
  return {
    filterGroups: names.map((propertyName) => ({ filters: [{ propertyName, operator: 'IN', values }] })),
    properties: ['createdate'],
    limit: 1,
  };
}
