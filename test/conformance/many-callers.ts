import { parsePhone } from '../../src/call/phone.ts';
import type { Connection, Tools } from '../../src/connector/index.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';
import { VirtualTime } from '../support/virtual-clock.ts';
import { withWorker } from '../support/with-worker.ts';

/*
 * A busy morning: hundreds of callers, three calls of each at once, half of them in the CRM already in whichever way
 * somebody typed them in. The worker delivers in batches side by side, while searching lags behind all that is written.
 */

export interface CrmOfMany {
  open(tools: Tools): Promise<Connection>;
  activities(): { key: string; personIds: string[] }[];
  /** Ids of the people, with every number that they are known by. */
  people(): { id: string; numbers: string[] }[];
  /** A person typed in long ago, with the number in this field. */
  addPerson(field: string, phone: string): string;
}

interface Caller {
  number: string;
  typed?: string;
  field?: string;
  id?: string;
}

type Spelling = (national: string, e164: string) => string;

/** `0412 345 678` from 4, 3, 3. */
function groups(text: string, ...sizes: number[]): string {
  const ends = sizes.map((_, place) => sizes.slice(0, place + 1).reduce((sum, size) => sum + size, 0));
  return ends.map((end, place) => text.slice(end - (sizes[place] as number), end)).join(' ');
}

/** National numbers of a kind, made from a serial, with how they are dialled and typed. */
interface NumberKind {
  title: string;
  national(serial: number): string;
  e164(national: string): string;
  spellings: Spelling[];
}

const digits = (serial: number, count: number) => String((serial * 7_919) % 10 ** count).padStart(count, '0');
const without0 = (national: string) => national.slice(1);

const numberKinds: NumberKind[] = [
  {
    title: 'Australian mobile',
    national: (n) => `04${digits(n, 8)}`,
    e164: (text) => `+61${without0(text)}`,
    spellings: [
      (text) => groups(text, 4, 3, 3),
      (text) => text,
      (_, e164) => e164,
      (_, e164) => e164.slice(1),
      (text) => `+61 (0) ${groups(without0(text), 3, 3, 3)}`,
      (text) => `+61 ${groups(without0(text), 3, 3, 3)}`,
      (text) => `(04)${text.slice(2, 6)}-${text.slice(6)}`,
    ],
  },
  {
    title: 'Australian landline',
    national: (n) => `02${9}${digits(n, 7)}`,
    e164: (text) => `+61${without0(text)}`,
    spellings: [
      (text) => `(${text.slice(0, 2)}) ${groups(text.slice(2), 4, 4)}`,
      (text) => `(${text.slice(0, 2)})${text.slice(2)}`,
      (text) => groups(text, 2, 4, 4),
      (text) => `+61 (0)2 ${groups(text.slice(2), 4, 4)}`,
    ],
  },
  {
    title: 'Australian 1300',
    national: (n) => `1300${digits(n, 6)}`,
    e164: (text) => `+61${text}`,
    spellings: [(text) => groups(text, 4, 3, 3), (text) => text, (_, e164) => e164],
  },
  {
    title: 'Australian 1800',
    national: (n) => `1800${digits(n, 6)}`,
    e164: (text) => `+61${text}`,
    spellings: [(text) => groups(text, 4, 3, 3), (text) => text],
  },
  {
    title: 'Australian 13',
    national: (n) => `13${1 + (n % 9)}${digits(n, 3)}`,
    e164: (text) => `+61${text}`,
    spellings: [(text) => groups(text, 2, 2, 2), (text) => text],
  },
  {
    title: 'New Zealand mobile',
    national: (n) => `021${digits(n, 7)}`,
    e164: (text) => `+64${without0(text)}`,
    spellings: [(_, e164) => e164, (text) => `+64 ${groups(without0(text), 2, 3, 4)}`],
  },
  {
    title: 'New Zealand 0800',
    national: (n) => `0800${digits(n, 6)}`,
    e164: (text) => `+64${without0(text)}`,
    spellings: [(_, e164) => e164, (_, e164) => `+64 800 ${groups(e164.slice(6), 3, 3)}`],
  },
  {
    title: 'British',
    national: (n) => `07911${digits(n, 6)}`,
    e164: (text) => `+44${without0(text)}`,
    spellings: [(_, e164) => e164, (_, e164) => `+44 ${groups(e164.slice(3), 4, 6)}`],
  },
];

/** Callers of all kinds, each number once; every other one typed in, in a field and a spelling by turns. */
function callers(count: number, fields: readonly string[]): Caller[] {
  const made = new Map<string, Caller>();
  const known = new Map<NumberKind, number>();
  for (let serial = 1; made.size < count; serial++) {
    const kind = numberKinds[serial % numberKinds.length] as NumberKind;
    const national = kind.national(serial);
    const number = kind.e164(national);
    if (made.has(number) || parsePhone(number, 'AU').number !== number) continue;
    const caller: Caller = { number };
    const turn = (known.get(kind) ?? 0) + 1;
    known.set(kind, turn);
    if (turn % 2 === 0) {
      const place = turn / 2;
      caller.typed = (kind.spellings[place % kind.spellings.length] as Spelling)(national, number);
      caller.field = fields[Math.floor(place / kind.spellings.length) % fields.length] as string;
    }
    made.set(number, caller);
  }
  return [...made.values()];
}

const count = 500;

/** Declares the test, for a CRM with these phone fields. */
export function manyCallers(
  name: string,
  fields: readonly string[],
  withCrm: (use: (crm: CrmOfMany) => Promise<void>, now: () => Date) => Promise<void>,
): void {
  const many = suite(`${name}: many callers at once`);

  many(
    `three calls at once of each of ${count} callers, half of them in the CRM in assorted spellings`,
    () => {
      const time = new VirtualTime();
      return withCrm(
        (crm) =>
          withWorker(
            crm.open,
            async (worker) => {
              const all = callers(count, fields);
              for (const caller of all) {
                if (caller.typed !== undefined)
                  caller.id = crm.addPerson(caller.field as string, caller.typed);
              }
              const turns = ['a', 'b', 'c'].map((turn) =>
                all.flatMap(({ number }, place) => {
                  const start = startPush(`${turn}${place}`, { PLA_Caller_Phone_Number: number });
                  return turn === 'b' ? [start] : [start, endPush(`${turn}${place}`)];
                }),
              );
              await worker.record(...turns.flat());
              await worker.deliverAll();
              checkPeople(crm, all);
            },
            time,
          ),
        () => time.now(),
      );
    },
  );
  many.run();
}

function checkPeople(crm: CrmOfMany, all: readonly Caller[]): void {
  const people = crm.people();
  const holders = new Map<string, string[]>();
  for (const { id, numbers } of people) {
    for (const number of new Set(numbers.map((text) => parsePhone(text, 'AU').number ?? text))) {
      holders.set(number, [...(holders.get(number) ?? []), id]);
    }
  }
  const wrong = all.filter(({ number, id }) => {
    const held = holders.get(number) ?? [];
    return held.length !== 1 || (id !== undefined && held[0] !== id);
  });
  assert.equal(wrong, [], 'callers who are not exactly one person');
  assert.is(people.length, all.length, 'people');
  const activities = new Map(crm.activities().map((activity) => [activity.key, activity.personIds]));
  assert.is(crm.activities().length, 3 * all.length, 'calls');
  for (const [place, { number }] of all.entries()) {
    for (const turn of ['a', 'b', 'c']) {
      assert.equal(
        activities.get(`${turn}${place}`),
        holders.get(number),
        `call ${turn}${place} of ${number}`,
      );
    }
  }
}
