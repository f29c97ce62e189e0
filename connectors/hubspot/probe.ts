import {
  type Assumption,
  type Clock,
  maskNumber,
  type Probe,
  parsePhone,
  sleep,
  type Tools,
  type Trace,
  type Trial,
  Trials,
} from '../../src/connector/index.ts';
import type { Pipeline } from './answers.ts';
import type { HubSpotApi, ObjectType, RawAnswer } from './api.ts';
import { apiName, pathOf } from './api-version.ts';
import type { LinkFrom } from './associations.ts';
import type { Properties } from './batches.ts';
import {
  type Circumstances,
  type Failure,
  failureOfAnswer,
  failureOfOmission,
  failureOfRow,
} from './failures.ts';
import { type Found, type HubSpotFindings, keysFinding } from './found.ts';
import { mergedFrom } from './merged-contacts.ts';
import type { HubSpotOptions } from './options.ts';
import { digitForms, searchByPhone } from './phone-search.ts';
import { plan } from './setup.ts';
import { ownProperties } from './setup-names.ts';

/** Of what the connector writes, and `MISSED`, which HubSpot's guide has in one place and not in another. */
const statuses = ['IN_PROGRESS', 'COMPLETED', 'NO_ANSWER', 'BUSY'];
const perhaps = 'MISSED';

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
const patienceMs = 120_000;
const askEveryMs = 2_000;

/** What fits into the body of a search twice, with room for the rest. */
const longestList = 110;

interface Two {
  key: string;
  id: string;
  again: RawAnswer;
}

interface Row {
  id?: string;
  new?: boolean;
  properties?: Record<string, string | null>;
  objectWriteTraceId?: string;
}

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
  readonly #findings: HubSpotFindings;
  readonly #tools: Tools;

  constructor(api: HubSpotApi, options: HubSpotOptions, findings: HubSpotFindings, tools: Tools) {
    this.#api = api;
    this.#options = options;
    this.#findings = findings;
    this.#tools = tools;
  }

  async run(signal: AbortSignal, found: (result: Assumption) => void): Promise<void> {
    const steps = await plan(this.#api, this.#options, this.#findings, signal);
    const lacking = steps.filter(({ action }) => action !== 'keep');
    if (lacking.length > 0)
      throw new Error(`Nothing was tried. Run \`delacon-bridge setup ${this.#api.connector}\` first.`);
    const run = new ProbeRun(this.#api, this.#tools, signal);
    try {
      await run.trials.run(run.all(), signal, found);
    } finally {
      await this.#findings.keep(run.findings);
    }
  }
}

/** Trials share records, so they are made when first needed. */
class ProbeRun {
  readonly trials: Trials;
  /** What was found out; undefined: as expected. What could not be tried is not named, and stays as it was. */
  readonly findings: { [Name in keyof Found]?: Found[Name] | undefined } = {};
  readonly #api: HubSpotApi;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #contact: Promise<string> | undefined;
  #merged: Promise<{ key: string; kept: string; gone: string; merged: RawAnswer }> | undefined;
  readonly #twos = new Map<LinkFrom, Promise<Two | null>>();

  constructor(api: HubSpotApi, { clock, memory }: Tools, signal: AbortSignal) {
    this.#api = api;
    this.#clock = clock;
    this.#signal = signal;
    this.trials = new Trials(memory, (trace, cleaning) => this.#remove(trace, cleaning));
  }

  all(): Trial[] {
    return [
      this.#scope(),
      ...this.#keys(),
      ...this.#batches(),
      ...this.#refusals(),
      ...this.#statuses(),
      ...this.#people(),
      ...this.#searches(),
    ];
  }

  // Keys

  #keys(): Trial[] {
    return [
      ...this.#keysOf('calls'),
      {
        assumption: 'That a key is taken is said in a code that the connector knows.',
        expected: 'CONFLICTING_UNIQUE_VALUE',
        otherwise: 'looks up what is there after every refusal that it does not know',
        see: async () => {
          const { again } = await this.#twoCalls();
          const failure = this.#failureOf(again);
          if (!failure) return { holds: null, seen: 'HubSpot did not refuse it.' };
          return { holds: failure.cure?.what === 'conflict', seen: words(again) };
        },
      },
      {
        assumption: 'A unique property on calls can be the key of an upsert.',
        expected: 'The call that was made is updated: 200, "new": false.',
        otherwise: 'does as always: it makes calls, and updates them by their record id',
        see: async () => {
          const { key, id } = await this.#twoCalls();
          const answer = await this.#write('calls', key, 'upsert', [
            { idProperty: ownProperties.calls, id: key, properties: this.#call(key) },
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
          const key = this.trials.key();
          const [id = ''] = idsIn(await this.#create('calls', key));
          await this.#delete('calls', id, this.#signal);
          const again = await this.#create('calls', key);
          return { holds: idsIn(again).length > 0, seen: words(again) };
        },
      },
      ...this.#keysOf('tasks'),
      ...this.#keysOf('deals'),
    ];
  }

  /** Whether the connector can rely on the keys of one kind of record. */
  #keysOf(kind: LinkFrom): Trial[] {
    const one = kind.slice(0, -1);
    const otherwise = `searches for a ${one} by its key before it makes one again, for as long as the index may lag`;
    const without = { holds: null, seen: `The configuration asks for no ${kind}, so setup made no key.` };
    return [
      {
        assumption: `HubSpot keeps the key of a ${one} unique.`,
        expected: `A second ${one} with the same key is refused.`,
        otherwise,
        see: async () => {
          const two = await this.#two(kind);
          if (!two) return without;
          const isKept = idsIn(two.again).length === 0;
          this.findings[keysFinding[kind]] = isKept ? undefined : 'searched';
          return { holds: isKept, seen: words(two.again) };
        },
      },
      {
        assumption: `A ${one} is found by its key at once.`,
        expected: 'batch/read with idProperty answers the record that was just made.',
        otherwise,
        see: async () => {
          const two = await this.#two(kind);
          if (!two) return without;
          const read = await this.#ask(`${kind}/batch/read`, {
            idProperty: ownProperties[kind],
            properties: [ownProperties[kind]],
            propertiesWithHistory: [],
            inputs: [{ id: two.key }],
          });
          const holds = idsIn(read).includes(two.id);
          if (!holds) this.findings[keysFinding[kind]] = 'searched';
          return { holds, seen: words(read) };
        },
      },
    ];
  }

  /** A record, and what HubSpot says to another one with its key. Null where setup made no key for the kind. */
  #two(kind: LinkFrom): Promise<Two | null> {
    const known = this.#twos.get(kind) ?? this.#makeTwo(kind);
    this.#twos.set(kind, known);
    return known;
  }

  async #twoCalls(): Promise<Two> {
    const two = await this.#two('calls');
    if (!two) throw new Error('HubSpot has no key for calls.'); // the probe does not begin without
    return two;
  }

  async #makeTwo(kind: LinkFrom): Promise<Two | null> {
    const properties = await this.#list('properties', kind);
    if (!listedIn(properties).some(({ name }) => name === ownProperties[kind])) return null;
    const key = this.trials.key();
    const values = await this.#valuesOf(kind, key);
    const made = await this.#create(kind, key, values);
    const [id] = idsIn(made);
    if (id === undefined)
      throw new Error(`HubSpot did not make one of the ${kind} to try with: ${words(made)}`);
    return { key, id, again: await this.#create(kind, key, values) };
  }

  async #valuesOf(kind: LinkFrom, key: string): Promise<Properties> {
    if (kind === 'calls') return this.#call(key);
    const own = { [ownProperties[kind]]: key };
    if (kind === 'tasks') return { ...own, hs_timestamp: this.#now(), hs_task_subject: title };
    const [pipeline] = listedIn(await this.#list('pipelines', 'deals')) as Partial<Pipeline>[];
    return {
      ...own,
      dealname: title,
      pipeline: pipeline?.id ?? '',
      dealstage: pipeline?.stages?.[0]?.id ?? '',
    };
  }

  // Batches

  #batches(): Trial[] {
    let answer: Promise<RawAnswer> | undefined;
    const good = this.trials.key();
    const bad = this.trials.key();
    const mixed = () => {
      const input = (trace: string, more: Properties = {}) => ({
        objectWriteTraceId: trace,
        properties: { ...this.#call(trace), ...more },
        associations: [],
      });
      const inputs = [input(good), input(bad, { hs_timestamp: 'not a time' })];
      const send = () => this.#ask('calls/batch/create', { inputs });
      // Should the bad one be made after all, it is to be deleted, too.
      answer ??= this.trials.write(
        'calls',
        good,
        () => this.trials.write('calls', bad, send, () => []),
        idsIn,
      );
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

  // Refusals

  #refusals(): Trial[] {
    const unread = 'looks up what is there after every refusal that it does not know';
    return [
      {
        assumption:
          'That a call to be updated is gone is said in a code that the connector knows, or with silence.',
        expected: '207 with OBJECT_NOT_FOUND, or no result',
        otherwise: unread,
        see: async () => {
          const [id = ''] = idsIn(await this.#create('calls', this.trials.key()));
          await this.#delete('calls', id, this.#signal);
          const answer = await this.#update('calls', id, { hs_call_title: title });
          if (idsIn(answer).length > 0) return { holds: false, seen: `HubSpot updated it: ${words(answer)}` };
          const failure = this.#failureOf(answer);
          return { holds: !failure || failure.cure?.what === 'gone', seen: words(answer) };
        },
      },
      {
        assumption: 'That a property is not there is said with its name.',
        expected: 'PROPERTY_DOESNT_EXIST with the name',
        otherwise: 'halves the batch until what uses the property stands alone',
        see: async () => {
          const key = this.trials.key();
          const properties = { ...this.#call(key), delacon_probe_unknown: 'x' };
          const answer = await this.#create('calls', key, properties);
          const cure = this.#failureOf(answer)?.cure;
          return {
            holds: cure?.what === 'property' && cure.property === 'delacon_probe_unknown',
            seen: words(answer),
          };
        },
      },
    ];
  }

  // Statuses and the timeline

  #statuses(): Trial[] {
    return [
      {
        assumption: `Calls may have the statuses ${statuses.join(', ')}.`,
        expected: 'each is accepted',
        otherwise: 'writes COMPLETED in place of a status that the account does not have',
        see: async () => {
          const [id = ''] = idsIn(await this.#create('calls', this.trials.key()));
          const accepted: string[] = [];
          const refused: string[] = [];
          for (const status of [...statuses, perhaps]) {
            const answer = await this.#update('calls', id, { hs_call_status: status });
            if (idsIn(answer).length > 0) accepted.push(status);
            else refused.push(`${status}: ${words(answer)}`);
          }
          const holds = statuses.every((status) => accepted.includes(status));
          this.findings.statuses = holds ? undefined : accepted;
          const seen = `Accepted: ${accepted.join(', ')}.${refused.length > 0 ? ` Refused: ${refused.join(' ')}` : ''}`;
          return { holds, seen };
        },
      },
      {
        assumption: 'A call shows on its contact while it is in progress.',
        expected: 'The API lists it among the calls of the contact, as it lists an ended one.',
        otherwise: 'writes calls when they have ended, as with write: atEnd',
        see: async () => {
          const contactId = await this.#someContact();
          const ringing = await this.#linkedCall(contactId, 'IN_PROGRESS');
          const ended = await this.#linkedCall(contactId, 'COMPLETED');
          const path = pathOf('crm/objects', `contacts/${contactId}/associations/calls`);
          let listed: string[] = [];
          for (let asked = 0; asked < 5 && !listed.includes(ended); asked++) {
            if (asked > 0) await sleep(this.#clock, askEveryMs, this.#signal);
            const { body } = await this.#api.ask('GET', path, undefined, this.#signal);
            const { results = [] } = (body ?? {}) as { results?: { toObjectId?: unknown }[] };
            listed = results.map(({ toObjectId }) => String(toObjectId));
          }
          if (!listed.includes(ended))
            return { holds: null, seen: 'The API does not list the ended call either.' };
          const holds = listed.includes(ringing);
          this.findings.timeline = holds ? undefined : 'ended';
          const seen = holds
            ? 'It is listed. How the timeline on the page draws it, the API does not tell.'
            : 'Only the ended call is listed.';
          return { holds, seen };
        },
      },
    ];
  }

  async #linkedCall(contactId: string, status: string): Promise<string> {
    const key = this.trials.key();
    const properties = { ...this.#call(key), hs_call_status: status };
    const answer = await this.#create('calls', key, properties, contactId);
    const [id] = idsIn(answer);
    if (id === undefined) throw new Error(`HubSpot did not make a call: ${words(answer)}`);
    return id;
  }

  // People

  #people(): Trial[] {
    return [
      {
        assumption: 'A contact is made once by an upsert under the key of the caller.',
        expected: '"new": true, then "new": false with the same id',
        otherwise: '',
        see: async () => {
          const key = this.trials.key();
          const [first] = rowsIn(await this.#upsertContact(key));
          const answer = await this.#upsertContact(key);
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
          const { gone, merged } = await this.#twoMerged();
          if (merged.status >= 300) return { holds: null, seen: unmerged(merged) };
          const answer = await this.#update('contacts', gone, { lastname: 'probe, merged' });
          return { holds: !idsIn(answer).includes(gone), seen: words(answer) };
        },
      },
      {
        assumption: 'The key of a contact who was merged into another is still good.',
        expected: 'An upsert under it answers the other contact, or makes a new one.',
        otherwise: 'tries the calls of such a caller again until giveUpAfter, and then shows them as failed',
        see: async () => {
          const { key, kept, merged } = await this.#twoMerged();
          if (merged.status >= 300) return { holds: null, seen: unmerged(merged) };
          const answer = await this.#upsertContact(key);
          const [id] = idsIn(answer);
          if (id === undefined) return { holds: false, seen: words(answer) };
          return { holds: true, seen: `${words(answer)}: ${id === kept ? 'the other' : 'a new one'}.` };
        },
      },
    ];
  }

  #upsertContact(key: string): Promise<RawAnswer> {
    return this.#write('contacts', key, 'upsert', [
      { idProperty: ownProperties.contacts, id: key, properties: this.#person(key) },
    ]);
  }

  /** A contact who was merged into another, with the key of theirs. */
  #twoMerged() {
    this.#merged ??= (async () => {
      const key = this.trials.key();
      const [kept = ''] = idsIn(await this.#create('contacts', this.trials.key()));
      const [gone = ''] = idsIn(await this.#create('contacts', key));
      const body = { primaryObjectId: kept, objectIdToMerge: gone };
      return { key, kept, gone, merged: await this.#ask('contacts/merge', body) };
    })();
    return this.#merged;
  }

  // Searching

  #searches(): Trial[] {
    const made = new Map<string, string>(); // as typed → id
    return [
      {
        assumption: 'The phone index holds Australian numbers in a form that the connector asks for.',
        expected: 'digits, with or without 61 or the trunk zero',
        otherwise: 'also searches what people typed into the phone fields, in the usual spellings',
        see: async () => {
          const refused: string[] = [];
          for (const { field, typed } of numbers) {
            const key = this.trials.key();
            const answer = await this.#create('contacts', key, { ...this.#person(key), [field]: typed });
            const [id] = idsIn(answer);
            if (id === undefined) refused.push(`${shapeOf(typed, typed)} was refused: ${words(answer)}`);
            else made.set(typed, id);
          }
          const forms = await this.#indexForms(made);
          const odd = [...forms].filter(([typed, held]) => !digitForms(wanted(typed)).includes(held));
          if (forms.size === 0) return { holds: null, seen: 'HubSpot shows no indexed numbers.' };
          this.findings.phoneIndex = odd.length > 0 ? 'odd' : undefined;
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
          const since = this.#clock.now().getTime();
          const account = { phoneIndex: this.findings.phoneIndex, longestList: this.findings.longestList };
          while (open.size > 0 && this.#clock.now().getTime() < since + patienceMs && !this.#signal.aborted) {
            const asked = [...open];
            const rows = await searchByPhone(
              this.#api,
              asked.map(wanted),
              withoutBlanks(account),
              this.#signal,
            );
            for (const typed of asked) {
              if (rows.get(wanted(typed).number)?.some(({ id }) => id === made.get(typed)))
                open.delete(typed);
            }
            if (open.size > 0) await sleep(this.#clock, askEveryMs, this.#signal);
          }
          const lagMs = this.#clock.now().getTime() - since;
          this.findings.indexLagMs = lagMs;
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
          const { gone, kept, merged } = await this.#twoMerged();
          if (merged.status >= 300) return { holds: null, seen: unmerged(merged) };
          const end = this.#clock.now().getTime() + patienceMs / 4;
          let answer = await this.#ask('contacts/search', mergedFrom([gone]));
          while (
            answer.status === 200 &&
            !idsIn(answer).includes(kept) &&
            this.#clock.now().getTime() < end
          ) {
            await sleep(this.#clock, askEveryMs, this.#signal);
            answer = await this.#ask('contacts/search', mergedFrom([gone]));
          }
          return { holds: idsIn(answer).includes(kept), seen: words(answer) };
        },
      },
      {
        assumption: `A search takes ${longestList} values in a list.`,
        expected: 'It is answered.',
        otherwise: 'asks for fewer numbers in each search',
        see: async () => {
          let refusal: RawAnswer | undefined;
          for (const length of [longestList, 50, 20, 10]) {
            const answer = await this.#ask('contacts/search', listOf(length));
            if (answer.status === 200) {
              this.findings.longestList = refusal ? length : undefined;
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
  async #indexForms(made: ReadonlyMap<string, string>): Promise<Map<string, string>> {
    const forms = new Map<string, string>();
    const end = this.#clock.now().getTime() + patienceMs / 4;
    do {
      if (this.#clock.now().getTime() > end - patienceMs / 4)
        await sleep(this.#clock, askEveryMs, this.#signal);
      const properties = ['phone', 'mobile'].map((kind) => `hs_searchable_calculated_${kind}_number`);
      const inputs = [...made.values()].map((id) => ({ id }));
      const answer = await this.#ask('contacts/batch/read', {
        properties,
        propertiesWithHistory: [],
        inputs,
      });
      for (const [typed, id] of made) {
        const row = rowsIn(answer).find((one) => one.id === id);
        const held = properties.map((name) => row?.properties?.[name]).find(Boolean);
        if (held) forms.set(typed, held);
      }
    } while (forms.size < made.size && this.#clock.now().getTime() < end && !this.#signal.aborted);
    return forms;
  }

  #scope(): Trial {
    return {
      assumption: 'The token may make properties of calls, as setup does.',
      expected: '400 to a property without a name',
      otherwise: 'goes on: the scope is needed for setup only',
      see: async () => {
        const answer = await this.#api.ask('POST', pathOf('crm/properties', 'calls'), {}, this.#signal);
        return { holds: answer.status === 403 ? false : answer.status === 400 || null, seen: words(answer) };
      },
    };
  }

  // Requests

  /** Of objects. */
  #ask(what: string, body: unknown): Promise<RawAnswer> {
    return this.#api.ask('POST', pathOf('crm/objects', what), body, this.#signal);
  }

  #list(api: 'properties' | 'pipelines', kind: string): Promise<RawAnswer> {
    return this.#api.ask('GET', pathOf(`crm/${api}`, kind), undefined, this.#signal);
  }

  #write(kind: ObjectType, key: string, action: 'create' | 'upsert', inputs: object[]): Promise<RawAnswer> {
    const traced = inputs.map((input) => ({ objectWriteTraceId: key, ...input }));
    const send = () => this.#ask(`${kind}/batch/${action}`, { inputs: traced });
    return this.trials.write(kind, key, send, idsIn);
  }

  #create(kind: ObjectType, key: string, properties?: Properties, contactId?: string): Promise<RawAnswer> {
    const standard = kind === 'contacts' ? this.#person(key) : this.#call(key);
    const types = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 194 }];
    const associations = contactId === undefined ? [] : [{ to: { id: contactId }, types }];
    return this.#write(kind, key, 'create', [{ properties: properties ?? standard, associations }]);
  }

  #update(kind: ObjectType, id: string, properties: Properties): Promise<RawAnswer> {
    return this.#ask(`${kind}/batch/update`, { inputs: [{ id, objectWriteTraceId: id, properties }] });
  }

  async #someContact(): Promise<string> {
    this.#contact ??= this.#create('contacts', this.trials.key()).then((answer) => {
      const [id] = idsIn(answer);
      if (id === undefined) throw new Error(`HubSpot did not make a contact: ${words(answer)}`);
      return id;
    });
    return this.#contact;
  }

  async #delete(kind: string, id: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#api.ask('DELETE', pathOf('crm/objects', `${kind}/${id}`), undefined, signal);
    if (answer.status >= 300 && answer.status !== 404) throw new Error(words(answer));
  }

  /** By its ids, and those that have the key: an answer that was lost told no id. */
  async #remove({ type, key, ids }: Trace, signal: AbortSignal): Promise<void> {
    const idProperty = ownProperties[type as ObjectType];
    const path = pathOf('crm/objects', `${type}/batch/read`);
    const body = { idProperty, properties: [idProperty], propertiesWithHistory: [], inputs: [{ id: key }] };
    let found = await this.#api.ask('POST', path, body, signal);
    if (found.status >= 300) {
      const filters = [{ propertyName: idProperty, operator: 'EQ', value: key }];
      const search = path.replace('batch/read', 'search');
      found = await this.#api.ask('POST', search, { filterGroups: [{ filters }] }, signal);
    }
    for (const id of new Set([...ids, ...idsIn(found)])) await this.#delete(type, id, signal);
  }

  /** What the connector makes of an answer; undefined if it did as asked. */
  #failureOf(answer: RawAnswer): Failure | undefined {
    const where: Circumstances = {
      request: 'the probe',
      connector: this.#api.connector,
      now: this.#clock.now(),
      secrets: [],
    };
    if (answer.status >= 300) return failureOfAnswer({ ...answer, headers: {} }, where);
    const [error] = errorsIn(answer);
    if (error) return failureOfRow(error, where);
    return idsIn(answer).length > 0 ? undefined : failureOfOmission(where);
  }

  #now(): string {
    return this.#clock.now().toISOString();
  }

  #call(key: string): Properties {
    return { hs_timestamp: this.#now(), hs_call_title: title, [ownProperties.calls]: key };
  }

  #person(key: string): Properties {
    return { firstname: 'delacon-bridge', lastname: 'probe', [ownProperties.contacts]: key };
  }
}

const title = 'delacon-bridge probe';

function rowsIn(answer: RawAnswer): Row[] {
  return listedIn(answer) as Row[];
}

function listedIn({ body }: RawAnswer): Record<string, unknown>[] {
  const { results } = (body ?? {}) as { results?: Record<string, unknown>[] };
  return Array.isArray(results) ? results : [];
}

function idsIn(answer: RawAnswer): string[] {
  return rowsIn(answer).flatMap(({ id }) => id ?? []);
}

function errorsIn({ body }: RawAnswer): { message?: string; context?: Record<string, string[]> }[] {
  const { errors, results } = (body ?? {}) as { errors?: object[]; results?: unknown };
  return Array.isArray(errors) && Array.isArray(results) ? errors : [];
}

/** HubSpot's own, short. */
function words(answer: RawAnswer): string {
  const { message } = (answer.body ?? {}) as { message?: unknown };
  const told = [message, ...errorsIn(answer).map((error) => error.message)].filter((text) => !!text);
  const [row] = rowsIn(answer);
  const made = row ? `id ${row.id}${row.new === undefined ? '' : `, "new": ${row.new}`}` : undefined;
  const all = [made, ...told.map((text) => `"${String(text).slice(0, 400)}"`)].filter(Boolean);
  return `${answer.status}${all.length > 0 ? `: ${all.join(' ')}` : ', and nothing else'}`;
}

function unmerged(answer: RawAnswer): string {
  return `They could not be merged: ${words(answer)}`;
}

function wanted(typed: string) {
  const { number } = parsePhone(typed, 'AU');
  return { number: number ?? typed, region: 'AU' as const };
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
  const { number, region } = wanted(typed);
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
