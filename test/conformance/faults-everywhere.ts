import { parsePhone } from '../../src/call/phone.ts';
import type { Fields } from '../../src/call/push.ts';
import type { Connection, Tools } from '../../src/connector/index.ts';
import type { CallStory } from '../../src/store/calls.ts';
import { latestMs } from '../../src/store/late-writes.ts';
import { Ahead } from '../support/ahead.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';
import { VirtualTime } from '../support/virtual-clock.ts';
import { type RunningWorker, withWorker } from '../support/with-worker.ts';

/*
 * The promise, "exactly once", at its weakest points: every fault at every request that a story of calls needs, with
 * the real worker, its store and its retries. Whatever went wrong where, the books have to be right in the end.
 */

/** A CRM as its emulator shows it. */
export interface FaultyCrm<Fault> {
  /** `rich`: with follow-ups for unanswered calls, done when the caller is reached; a sale by the survey; an owner. */
  open(tools: Tools, settings: 'plain' | 'rich'): Promise<Connection>;
  activities(): { key: string; completed: boolean; seconds: number; personIds: string[] }[];
  /** What else calls have left. Undefined: this CRM's connector leaves nothing else. */
  left?(): Left[];
  /** People, with every number that they are known by. */
  people(): { id: string; numbers: string[] }[];
  /** A person whom somebody typed in; searching finds them at once. With a key: they called before. */
  addPerson(phone: string, key?: string): string;
  requestNames(): string[];
  /** What people do to a person between two calls. Answers who has the number now, if anybody has. */
  change(how: string, personId: string): string | undefined;
  /** Strikes once: at a request so named, after so many others whose names contain it. */
  strike(fault: Fault, request: string, skip: number): void;
}

/** A follow-up or a sale, by the key of its call. */
export interface Left {
  role: 'followUp' | 'sale';
  key: string;
  /** Of a follow-up. */
  completed: boolean;
  personIds: string[];
  hasOwner: boolean;
}

export interface FaultKind<Fault> {
  title: string;
  fault: Fault;
  /**
   * Comes to the same as another one, which strikes every request: it strikes only those of the stories that need the
   * most kinds of them.
   */
  isVariant?: true;
  /** What the call's story says of it. Null: the connection mends it by itself. */
  told: RegExp | null;
  /** Requests that it can strike; without it, all. */
  at?: RegExp;
  /** Whether the request is carried out in spite of it. */
  commits?: boolean;
  /** Whether a request that writes is left unanswered by it: then each call is written once more, minutes later. */
  leavesUnanswered?: boolean;
  /** Whether the connection is cut. Bun repeats a GET by itself when it was sent on a connection that had been used. */
  cuts?: boolean;
}

/** What leaves a request without a usable answer: the same of any CRM. */
export function silences<Fault>(
  faults: Record<'drop' | 'loseAnswer' | 'brokenJson', Fault>,
): FaultKind<Fault>[] {
  const silent = { told: /retry: .*no usable answer/, leavesUnanswered: true };
  return [
    { title: 'the connection cut before', fault: faults.drop, cuts: true, ...silent },
    { title: 'the answer lost after', fault: faults.loseAnswer, commits: true, cuts: true, ...silent },
    { title: 'half an answer', isVariant: true, fault: faults.brokenJson, commits: true, ...silent },
  ];
}

export interface EmulatedCrm<Fault> {
  /** `index`: whether searching finds at once what was written, or never. */
  with(
    use: (crm: FaultyCrm<Fault>) => Promise<void>,
    behaviour: { now: () => Date; index: Index },
  ): Promise<void>;
  faults: FaultKind<Fault>[];
  /** Requests that write. */
  writes: RegExp;
  /** The ways of `change`: `is deleted`. */
  changes: string[];
  /** Whether its connector leaves follow-ups and sales, too. */
  leaves?: boolean;
  /** Whether searching alone can tell what was written: then it has to, sooner or later. */
  searches?: boolean;
  /** Requests that only ask why another was refused: whether they tell it or not, the work goes on. */
  asksWhy?: RegExp;
}

type Index = 'at once' | 'never';

interface Scenario<Fault> {
  title: string;
  /** Needs requests of more kinds than the others. */
  isWide?: true;
  /** Pushes that come together, or what happens between them. */
  steps: (Fields[] | ((crm: FaultyCrm<Fault>) => void))[];
  /** Whom each ended call belongs to: `number` once, to the person with this id if one is known. */
  expected(): Record<string, { number: string | null; id?: string | undefined }>;
  /** How many people there are in the end. */
  people: number;
  /** What else the calls leave, with rich settings; all of it belongs to whom its call belongs to, and has an owner. */
  left?: { role: Left['role']; key: string; completed: boolean }[];
}

const mobile = '+61444444444';
const from = (number: string) => ({ PLA_Caller_Phone_Number: number });
const whole = (callId: string, number = mobile) => [startPush(callId, from(number)), endPush(callId)];

const later = (callId: string) =>
  startPush(callId, { ...from(mobile), PLA_CallStartTime: '00000001556759537003' });
const inVain = { PLA_CallResult: 'Unanswered', PLA_SurveyOutcome: '' };

/** Stories of calls that leave more than an activity. */
function richScenarios<Fault>(changes: readonly string[]): (() => Scenario<Fault>)[] {
  const followUp = (completed: boolean) => ({ role: 'followUp' as const, key: '1', completed });
  const sale = (key: string) => ({ role: 'sale' as const, key, completed: false });
  return [
    () => ({
      title: 'a call in vain, and a later one that is a sale',
      steps: [[startPush('1', from(mobile))], [endPush('1', inVain)], [later('2'), endPush('2')]],
      expected: () => ({ 1: { number: mobile }, 2: { number: mobile } }),
      people: 1,
      left: [followUp(true), sale('2')],
    }),
    () => ({
      title: 'a call in vain, and sales, in one batch',
      isWide: true,
      steps: [
        [
          startPush('1', from(mobile)),
          endPush('1', inVain),
          ...whole('3', '+61298765432'),
          ...whole('4', 'anonymous'),
          later('2'),
          endPush('2'),
        ],
      ],
      expected: () => ({
        1: { number: mobile },
        2: { number: mobile },
        3: { number: '+61298765432' },
        4: { number: null },
      }),
      people: 2,
      left: [followUp(true), sale('2'), sale('3'), sale('4')],
    }),
    ...changes.map((how) => (): Scenario<Fault> => {
      let id: string | undefined;
      return {
        title: `a caller whose record ${how} while the phone rings in vain`,
        steps: [
          [startPush('1', from(mobile))],
          (crm) => {
            id = crm.change(how, crm.people()[0]!.id);
          },
          [endPush('1', inVain)],
        ],
        expected: () => ({ 1: { number: mobile, id } }),
        people: 1,
        left: [followUp(false)],
      };
    }),
  ];
}

function scenarios<Fault>(changes: readonly string[]): (() => Scenario<Fault>)[] {
  return [
    () => ({
      title: 'a new caller, start then end',
      steps: [[startPush('1')], [endPush('1')]],
      expected: () => ({ 1: { number: mobile } }),
      people: 1,
    }),
    () => ({
      title: 'a new caller, start and end together',
      steps: [whole('1')],
      expected: () => ({ 1: { number: mobile } }),
      people: 1,
    }),
    () => {
      let id: string | undefined;
      return {
        title: 'a caller typed in as (04) 4444-4444',
        steps: [(crm) => (id = crm.addPerson('(04) 4444-4444')), whole('1')],
        expected: () => ({ 1: { number: mobile, id } }),
        people: 1,
      };
    },
    () => {
      let id: string | undefined;
      return {
        title: 'a caller known by key',
        steps: [(crm) => (id = crm.addPerson('0444 444 444', mobile)), [startPush('1')], [endPush('1')]],
        expected: () => ({ 1: { number: mobile, id } }),
        people: 1,
      };
    },
    ...changes.map((how) => (): Scenario<Fault> => {
      let id: string | undefined;
      return {
        title: `a caller whose record ${how} between two calls`,
        steps: [
          whole('1'),
          (crm) => {
            id = crm.change(how, crm.people()[0]!.id);
          },
          [endPush('1', { PLA_dtmf: '2' }), ...whole('2')],
        ],
        // A link to somebody who was deleted went with them.
        expected: () => ({
          ...(id === undefined ? {} : { 1: { number: mobile, id } }),
          2: { number: mobile, id },
        }),
        people: 1,
      };
    }),
    () => {
      const known = { typed: '', keyed: '' };
      return {
        title: 'a batch of several callers',
        isWide: true,
        steps: [
          (crm) => {
            known.typed = crm.addPerson('+61 (0)2 9876 5432');
            known.keyed = crm.addPerson('', '+61255501234');
          },
          [
            ...whole('1'),
            ...whole('2'),
            ...whole('3', '+61298765432'),
            ...whole('4', '+61255501234'),
            ...whole('5', '+61499999999'),
            ...whole('6', 'anonymous'),
          ],
        ],
        expected: () => ({
          1: { number: mobile },
          2: { number: mobile },
          3: { number: '+61298765432', id: known.typed },
          4: { number: '+61255501234', id: known.keyed },
          5: { number: '+61499999999' },
          6: { number: null },
        }),
        people: 4,
      };
    },
  ];
}

/** Declares a test for each scenario, fault and request; top-level await is needed, since it counts the requests. */
export async function faultsEverywhere<Fault>(name: string, emulated: EmulatedCrm<Fault>): Promise<void> {
  const everywhere = suite(`${name}: faults at every request`);
  const ahead = new Ahead(16);

  async function run(
    scenario: Scenario<Fault>,
    index: Index,
    look: (crm: FaultyCrm<Fault>, worker: RunningWorker) => void | Promise<void>,
    strike?: { fault: Fault; request: string; skip: number },
  ): Promise<void> {
    const time = new VirtualTime();
    await emulated.with(
      (crm) =>
        withWorker(
          (tools) => crm.open(tools, scenario.left ? 'rich' : 'plain'),
          async (worker) => {
            if (strike) crm.strike(strike.fault, strike.request, strike.skip);
            for (const step of scenario.steps) {
              if (Array.isArray(step)) {
                await worker.record(...step);
                await worker.deliverAll();
              } else step(crm);
            }
            await look(crm, worker);
          },
          time,
        ),
      { now: () => time.now(), index },
    );
  }

  const rich = emulated.leaves ? richScenarios<Fault>(emulated.changes) : [];
  for (const make of [...scenarios<Fault>(emulated.changes), ...rich]) {
    const requestsWhen: Record<Index, string[]> = { never: [], 'at once': [] };
    for (const index of ['never', 'at once'] as const) {
      const clean = make();
      const books = await run(clean, index, (crm) => {
        requestsWhen[index] = crm.requestNames();
        checkBooks(crm, clean);
      }).catch((thrown: unknown) => ({ thrown }));
      const { length } = requestsWhen[index];
      everywhere(`${clean.title}: ${length} requests when nothing goes wrong${told(index)}`, () => {
        if (books) throw books.thrown;
      });
    }
    for (const kind of emulated.faults) {
      const { title, fault, told: expected, at, commits = false, cuts = false } = kind;
      if (kind.isVariant && !make().isWide) continue;
      // What was not carried out is in no index.
      const indexes: Index[] = commits ? ['at once', 'never'] : ['never'];
      for (const index of emulated.searches ? indexes.slice(0, 1) : indexes) {
        for (const [place, request] of requestsWhen[index].entries()) {
          if (at && !at.test(request)) continue;
          const where = `request ${place + 1} (${request})`;
          // Not counted with the others: which of two that are sent together comes first is the network's.
          const among = (names: readonly string[]) => names.filter((name) => name.includes(request)).length;
          const skip = among(requestsWhen[index].slice(0, place));
          everywhere(
            `${make().title}: ${title} at ${where}${told(index)}`,
            ahead.add(() => {
              const scenario = make();
              const look = async (crm: FaultyCrm<Fault>, worker: RunningWorker) => {
                assert.ok(among(crm.requestNames()) > skip, 'the fault struck no request');
                checkBooks(crm, scenario);
                const mayBeUntold = emulated.asksWhy?.test(request) || (cuts && mayBeRepeated(request));
                const stories = await worker.stories();
                checkStory(stories, expected, mayBeUntold);
                checkRewritten(stories, kind.leavesUnanswered === true && emulated.writes.test(request));
              };
              return run(scenario, index, look, { fault, request, skip });
            }),
          );
        }
      }
    }
  }
  everywhere.run();
}

const told = (index: Index) => (index === 'never' ? '' : ', and searching finds what was written');

const mayBeRepeated = (request: string) => 'Bun' in globalThis && request.startsWith('GET ');

function checkBooks<Fault>(crm: FaultyCrm<Fault>, scenario: Scenario<Fault>): void {
  const people = crm.people();
  assert.is(people.length, scenario.people, `people: ${JSON.stringify(people)}`);
  const calls = scenario.steps.flatMap((step) => (Array.isArray(step) ? step : []));
  const keys = new Set(calls.map((push) => push['PLA_Call_Id']));
  const activities = crm.activities();
  assert.equal(activities.map(({ key }) => key).sort(), [...keys].sort(), 'each call once');
  for (const { key, completed, seconds } of activities) {
    assert.equal({ key, completed, seconds }, { key, completed: true, seconds: 50 });
  }
  for (const [key, { number, id }] of Object.entries(scenario.expected())) {
    const personIds = activities.find((activity) => activity.key === key)?.personIds;
    if (number === null) {
      assert.equal(personIds, [], `whom call ${key} belongs to`);
      continue;
    }
    const isTheirs = (text: string) => parsePhone(text, 'AU').number === number;
    const holders = people.filter(({ numbers }) => numbers.some(isTheirs));
    assert.is(holders.length, 1, `people with ${number}: ${JSON.stringify(people)}`);
    assert.equal(personIds, [id ?? holders[0]?.id], `whom call ${key} belongs to`);
  }
  if (scenario.left) checkLeft(crm, scenario.left);
}

function checkLeft<Fault>(crm: FaultyCrm<Fault>, wanted: NonNullable<Scenario<Fault>['left']>): void {
  const activities = crm.activities();
  const belonging = (callKey: string) => activities.find(({ key }) => key === callKey)?.personIds;
  const order = (one: { role: string; key: string }) => `${one.role} ${one.key}`;
  const left = [...(crm.left?.() ?? [])].sort((a, b) => order(a).localeCompare(order(b)));
  assert.equal(
    left,
    wanted
      .map((one) => ({ ...one, personIds: belonging(one.key) ?? ['nobody'], hasOwner: true }))
      .sort((a, b) => order(a).localeCompare(order(b))),
    'what else the calls left',
  );
}

/** Each call is told to be unanswered, and is written once more unless it was delivered when nothing could come any more. */
function checkRewritten(stories: readonly CallStory[], isUnanswered: boolean): void {
  const has = ({ notes }: { notes: string[] }, words: RegExp) => notes.some((note) => words.test(note));
  const left = stories.flatMap(({ attempts }) =>
    attempts.flatMap((one, i) => {
      if (!has(one, /^A write was not answered/)) return [];
      const ended = one.at.getTime() + one.tookMs;
      const next = attempts.slice(i).find(({ outcome }) => outcome === 'delivered');
      return [{ isInTime: next !== undefined && next.at.getTime() < ended + latestMs }];
    }),
  );
  assert.is(left.length > 0, isUnanswered, 'a write is told to be unanswered');
  assert.is(
    stories.some(({ attempts }) => attempts.some((one) => has(one, /^Written once more/))),
    left.some(({ isInTime }) => isInTime),
    'it is written once more',
  );
}

/** Somewhere in the stories of the calls the fault is told; one that is mended at once leaves no failed attempt. */
function checkStory(stories: readonly CallStory[], told: RegExp | null, mayBeUntold = false): void {
  const failed = stories.flatMap(({ attempts }) => attempts.filter(({ outcome }) => outcome !== 'delivered'));
  const reasons = failed.map(({ outcome, reason }) => `${outcome}: ${reason}`);
  if (told === null) assert.equal(reasons, []);
  else if (!mayBeUntold)
    assert.ok(
      reasons.some((reason) => told.test(reason)),
      `${told} in ${JSON.stringify(reasons)}`,
    );
}
