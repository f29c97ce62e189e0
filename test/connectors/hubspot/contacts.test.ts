import { systemClock } from '../../../src/clock.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import {
  answering,
  emptyAnswer,
  faults,
  type HubSpotEmulator,
  withHubSpotEmulator,
} from '../../support/hubspot-emulator.ts';
import { movingClock } from '../../support/moving-clock.ts';
import { assert, suite, until } from '../../support/suite.ts';
import { deliverOne, open, soon, unmetered } from './rig.ts';

const contacts = suite('hubspot contacts');

const caller = (number: string) => ({ PLA_Caller_Phone_Number: number });

/** The contacts that the calls are linked to, oldest call first. */
function linked(hubspot: HubSpotEmulator): string[] {
  return hubspot.calls().map((call) => call.contactIds.join());
}

contacts('a known caller costs one request at the start and one at the end', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    await deliverOne(connection, deliveryOf([startPush('before')]));
    hubspot.forgetRequests();
    const start = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(start.whyPerson, 'Known from an earlier call of this number.');
    assert.equal(hubspot.requests, { 'POST /crm/objects/2026-09/calls/batch/create': 1 });
    const { records = {} } = start;
    const end = await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')], { records }));
    assert.is(end.whyPerson, undefined, 'said once');
    assert.equal(hubspot.requests, {
      'POST /crm/objects/2026-09/calls/batch/create': 1,
      'POST /crm/objects/2026-09/calls/batch/update': 1,
    });
    assert.equal(linked(hubspot), ['501', '501']);
  }),
);

contacts('a new caller whose call is over costs four requests', () =>
  withHubSpotEmulator(async (hubspot) => {
    const tools = testTools();
    const connection = await open(hubspot, {}, tools);
    await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')]));
    assert.equal(hubspot.requests, {
      'POST /crm/objects/2026-09/contacts/batch/read': 1,
      'POST /crm/objects/2026-09/contacts/search': 1,
      'POST /crm/objects/2026-09/contacts/batch/upsert': 1,
      'POST /crm/objects/2026-09/calls/batch/create': 1,
    });
    assert.equal(tools.counted, [
      { kind: 'contacts/batch/read', status: 207 },
      { kind: 'contacts/search', status: 200 },
      { kind: 'contacts/batch/upsert', status: 200 },
      { kind: 'calls/batch/create', status: 201 },
    ]);
    assert.equal(tools.known.get('+61444444444'), { type: 'contact', id: '501' });
  }),
);

contacts('a hundred new callers cost six requests, and the same hundred known two', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const connection = await open(hubspot);
      const numbers = Array.from({ length: 100 }, (_, i) => caller(`+614${10_000_000 + i * 37}`));
      await connection.deliver(
        numbers.map((number, i) => deliveryOf([startPush(`a${i}`, number), endPush(`a${i}`)])),
        soon(),
      );
      assert.equal(hubspot.requests, {
        'POST /crm/objects/2026-09/contacts/batch/read': 1,
        'POST /crm/objects/2026-09/contacts/search': 3,
        'POST /crm/objects/2026-09/contacts/batch/upsert': 1,
        'POST /crm/objects/2026-09/calls/batch/create': 1,
      });
      hubspot.forgetRequests();
      const starts = numbers.map((number, i) => deliveryOf([startPush(`b${i}`, number)]));
      const outcomes = await connection.deliver(starts, soon());
      await connection.deliver(
        numbers.map((number, i) =>
          deliveryOf([startPush(`b${i}`, number), endPush(`b${i}`)], { records: outcomes[i]?.records ?? {} }),
        ),
        soon(),
      );
      assert.is(hubspot.countRequests(), 2);
      assert.is(hubspot.contacts().length, 100);
      assert.is(hubspot.calls().length, 200);
    },
    { limits: unmetered },
  ),
);

for (const trunkZero of ['dropped', 'kept'] as const) {
  contacts(`people typed in by hand are found in any spelling (index with trunk zero ${trunkZero})`, () =>
    withHubSpotEmulator(
      async (hubspot) => {
        const spellings: [string, string][] = [
          ['+61 444 444 401', '+61444444401'],
          ['0444 444 402', '+61444444402'],
          ['(02) 9876-5432', '+61298765432'],
          ['61444444403', '+61444444403'],
          ['+61(0)444444404', '+61444444404'],
          ['1300 123 456', '+611300123456'],
          ['+64 9 300 1234', '+6493001234'],
        ];
        const ids = spellings.map(([spelling], i) =>
          hubspot.addContact(i % 2 === 0 ? { phone: spelling } : { mobilephone: spelling }),
        );
        const connection = await open(hubspot);
        const batch = spellings.map(([, number], i) => deliveryOf([startPush(`c${i}`, caller(number))]));
        await connection.deliver(batch, soon());
        const linkOf = new Map(
          hubspot.calls().map((call) => [call.properties['delacon_call_id'], call.contactIds.join()]),
        );
        assert.equal(
          ids.map((_, i) => linkOf.get(`c${i}`)),
          ids,
        );
        assert.is(hubspot.contacts().length, ids.length);
      },
      { trunkZero },
    ),
  );
}

const rarely = [
  '0061 412 345 678',
  '0011 61 412 345 678',
  '+61 (0) 412 345 678',
  '61 (0)412 345 678',
  '0412 345 678 ext 12',
  '0412 345 678 x9',
  '+61412345678;ext=301',
];
for (const trunkZero of ['dropped', 'kept'] as const) {
  for (const spelling of rarely) {
    contacts(`a single caller is found as ${spelling}, in four requests (trunk zero ${trunkZero})`, () =>
      withHubSpotEmulator(
        async (hubspot) => {
          const id = hubspot.addContact({ mobilephone: spelling });
          const outcome = await deliverOne(
            await open(hubspot),
            deliveryOf([startPush('1', caller('+61412345678'))]),
          );
          assert.is(outcome.records?.person?.id, id, JSON.stringify(outcome));
          assert.is(hubspot.countRequests('search'), 1);
          assert.is(hubspot.countRequests(), 4);
        },
        { trunkZero },
      ),
    );
  }
}

contacts('an account that takes no wildcards is searched without', () =>
  withHubSpotEmulator(async (hubspot) => {
    const id = hubspot.addContact({ phone: '0444 444 444' });
    hubspot.strike(answering(400, { category: 'VALIDATION_ERROR', message: 'no wildcards' }), 'search');
    const outcome = await deliverOne(await open(hubspot), deliveryOf([startPush('1')]));
    assert.is(outcome.records?.person?.id, id, JSON.stringify(outcome));
    assert.is(hubspot.countRequests('search'), 2);
  }),
);

contacts(
  'rare spellings of a dozen callers are found in one search, and of a hundred in no more than three',
  () =>
    withHubSpotEmulator(
      async (hubspot) => {
        const numbers = Array.from({ length: 100 }, (_, i) => `+614${10_000_000 + i * 37}`);
        const ids = numbers
          .slice(0, 12)
          .map((number) => hubspot.addContact({ phone: `00${number.slice(1)}` }));
        const connection = await open(hubspot);
        const calls = numbers.map((number, i) => deliveryOf([startPush(`c${i}`, caller(number))]));
        const outcomes = await connection.deliver(calls.slice(0, 12), soon());
        assert.equal(
          outcomes.map((outcome) => outcome.records?.person?.id),
          ids,
        );
        assert.is(hubspot.countRequests('search'), 1);
        await connection.deliver(calls.slice(12), soon());
        assert.is(hubspot.countRequests('search'), 4);
      },
      { limits: unmetered, trunkZero: 'kept' },
    ),
);

contacts('a contact that was found gets the key, and the next connection finds it without a search', () =>
  withHubSpotEmulator(async (hubspot) => {
    const id = hubspot.addContact({ phone: '0444 444 444', firstname: 'Jo', lastname: '' });
    await deliverOne(await open(hubspot), deliveryOf([startPush('1')]));
    assert.equal(hubspot.contacts()[0]?.properties, {
      phone: '0444 444 444',
      firstname: 'Jo',
      lastname: '',
      delacon_caller: '+61444444444',
    });
    hubspot.forgetRequests();
    await deliverOne(await open(hubspot), deliveryOf([startPush('2')]));
    assert.is(hubspot.countRequests('search'), 0);
    assert.equal(linked(hubspot), [id, id]);
  }),
);

contacts('a number that only looks alike to the index is not the caller', () =>
  withHubSpotEmulator(async (hubspot) => {
    const other = hubspot.addContact({ phone: '+64 444 444 444' }); // the same digits, another country
    await deliverOne(await open(hubspot), deliveryOf([startPush('1')]));
    assert.is(hubspot.contacts().length, 2);
    assert.is.not(linked(hubspot)[0], other);
  }),
);

contacts('a search index that lags never makes a second contact', () =>
  withHubSpotEmulator(
    async (hubspot) => {
      const whys: (string | undefined)[] = [];
      for (const id of ['1', '2', '3']) {
        const { whyPerson } = await deliverOne(await open(hubspot), deliveryOf([startPush(id)]));
        whys.push(whyPerson);
      }
      const byKey = 'Found by the key delacon_caller.';
      assert.equal(whys, ['Created, as nobody had this number.', byKey, byKey]);
      assert.is(hubspot.contacts().length, 1);
      assert.equal(linked(hubspot), ['501', '501', '501']);
    },
    { indexDelayMs: Number.MAX_SAFE_INTEGER },
  ),
);

for (const [rule, expected] of [
  ['newest', 1],
  ['oldest', 0],
  ['none', undefined],
] as const) {
  contacts(`of several people with the number the ${rule} gets the call`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const ids = ['0444 444 444', '+61444444444'].map((phone) => hubspot.addContact({ phone }));
      const connection = await open(hubspot, { person: { whenSeveral: rule } });
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, 'delivered');
      assert.is(outcome.records?.person?.id, expected === undefined ? undefined : ids[expected]);
      const all = ids.join(', ');
      if (expected === undefined) {
        assert.is(outcome.whyPerson, undefined);
        assert.equal(outcome.notes, [
          `Several people have this number (${all}), so none was linked, as person.whenSeveral says.`,
        ]);
      } else {
        const written = ['04** *** 444', '+61******444'][expected];
        assert.is(
          outcome.whyPerson,
          `Found by its number (phone is ${written}). It is the ${rule} of 2 that have it (${all}), as person.whenSeveral says.`,
        );
        assert.is(outcome.notes, undefined);
      }
      assert.is(hubspot.contacts().length, 2);
    }),
  );
}

contacts('several hundred people with one number are read page by page', () =>
  withHubSpotEmulator(async (hubspot) => {
    for (let i = 0; i < 450; i++) hubspot.addContact({ phone: '0444 444 444' });
    const last = hubspot.addContact({ phone: '0444 444 444' });
    const outcome = await deliverOne(await open(hubspot), deliveryOf([startPush('1')]));
    assert.is(outcome.records?.person?.id, last);
    assert.is(hubspot.countRequests('search'), 3);
  }),
);

contacts('create: false logs the call without a person, and finds those who are there', () =>
  withHubSpotEmulator(async (hubspot) => {
    const id = hubspot.addContact({ phone: '0444 444 401' });
    const connection = await open(hubspot, { person: { create: false } });
    const [unknown, known] = await connection.deliver(
      [deliveryOf([startPush('1')]), deliveryOf([startPush('2', caller('+61444444401'))])],
      soon(),
    );
    assert.is(unknown?.kind, 'delivered');
    assert.is(unknown?.records?.person, undefined);
    assert.match(unknown?.notes?.join() ?? '', 'person.create is off');
    assert.is(known?.records?.person?.id, id);
    assert.is(hubspot.contacts().length, 1);
  }),
);

contacts('a withheld number goes to the catch-all, and to nobody when that is gone', () =>
  withHubSpotEmulator(async (hubspot) => {
    const id = hubspot.addContact({ lastname: 'Withheld' });
    const connection = await open(hubspot, { person: { withheld: id } });
    const withheld = caller('anonymous');
    const outcome = await deliverOne(connection, deliveryOf([startPush('1', withheld)]));
    assert.is(outcome.records?.person?.id, id);
    assert.is(outcome.whyPerson, 'The number is withheld: person.withheld names this record.');
    assert.is(hubspot.countRequests(), 1);
    assert.equal(linked(hubspot), [id]);
    hubspot.archiveContact(id);
    const after = await deliverOne(connection, deliveryOf([startPush('2', withheld)]));
    assert.is(after.kind, 'delivered');
    assert.match(after.notes?.join() ?? '', 'person.withheld');
    assert.is(after.whyPerson, undefined);
    assert.equal(linked(hubspot), ['', '']); // HubSpot drops the links of what is deleted
    assert.is(hubspot.contacts().length, 0);
  }),
);

contacts('a contact that was deleted is forgotten and made anew', () =>
  withHubSpotEmulator(async (hubspot) => {
    const { clock, pass } = movingClock();
    const tools = testTools({ clock });
    const connection = await open(hubspot, {}, tools);
    await deliverOne(connection, deliveryOf([startPush('1')]));
    hubspot.archiveContact('501');
    // It may have been merged, which the search index does not show yet.
    const waiting = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.is(waiting.kind, 'retry', JSON.stringify(waiting));
    assert.match(JSON.stringify(waiting), 'does not show yet whether it was merged');
    pass(15_000);
    const outcome = await deliverOne(await open(hubspot, {}, tools), deliveryOf([startPush('2')]));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    const [contact] = hubspot.contacts();
    assert.is.not(contact?.id, '501');
    assert.is(outcome.records?.person?.id, contact?.id);
    assert.is(tools.known.get('+61444444444')?.id, contact?.id);
  }),
);

contacts('a contact that was merged into another is found there, the neighbours untroubled', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    await connection.deliver(
      [deliveryOf([startPush('1')]), deliveryOf([startPush('2', caller('+61444444401'))])],
      soon(),
    );
    const [first, second] = hubspot.contacts().map((contact) => contact.id) as [string, string];
    const kept = hubspot.addContact({ phone: '0444 444 444' });
    hubspot.mergeContacts(kept, first);
    const outcomes = await connection.deliver(
      [deliveryOf([startPush('3')]), deliveryOf([startPush('4', caller('+61444444401'))])],
      soon(),
    );
    assert.equal(
      outcomes.map((outcome) => outcome.records?.person?.id),
      [kept, second],
    );
    assert.is(hubspot.contacts().length, 2);
  }),
);

/** A caller whose contact was merged into one that is known by another number, and keeps nothing of the caller's. */
async function mergedAway(hubspot: HubSpotEmulator, tools = testTools()) {
  const connection = await open(hubspot, {}, tools);
  const { records } = await deliverOne(connection, deliveryOf([startPush('1')]));
  const gone = records?.person?.id ?? '';
  const kept = hubspot.addContact({ phone: '(02) 9876 5432', delacon_caller: '+61298765432' });
  hubspot.mergeContacts(kept, gone);
  return { connection, kept, gone };
}

contacts('a contact that was merged into one with another number is followed there', () =>
  withHubSpotEmulator(async (hubspot) => {
    const tools = testTools();
    const { connection, kept, gone } = await mergedAway(hubspot, tools);
    const next = hubspot.addContact({ phone: '(03) 9876 5432', delacon_caller: '+61398765432' });
    hubspot.settleIndex();
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.is(outcome.records?.person?.id, kept, JSON.stringify(outcome));
    assert.match(outcome.notes?.join() ?? '', `HubSpot no longer has the contact ${gone}`);
    assert.is(tools.known.get('+61444444444')?.id, kept);
    assert.is(hubspot.contacts().length, 2);
    hubspot.mergeContacts(next, kept); // and that one again
    hubspot.settleIndex();
    const again = await deliverOne(connection, deliveryOf([startPush('3')]));
    assert.is(again.records?.person?.id, next, JSON.stringify(again));
    assert.equal(
      hubspot.contacts().map(({ id, properties }) => [id, properties['phone']]),
      [[next, '(03) 9876 5432']],
    );
  }),
);

contacts('while the search index does not show a merge, the call waits, and then follows it', () =>
  withHubSpotEmulator(async (hubspot) => {
    const { clock, pass } = movingClock();
    const tools = testTools({ clock });
    const { connection, kept } = await mergedAway(hubspot, tools);
    for (const passed of [0, 2_000, 3_000]) {
      pass(passed);
      const waiting = await deliverOne(connection, deliveryOf([startPush('2')]));
      assert.is(waiting.kind, 'retry', JSON.stringify(waiting));
      assert.is(hubspot.contacts().length, 1, 'nobody is made meanwhile');
    }
    hubspot.settleIndex();
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.is(outcome.records?.person?.id, kept, JSON.stringify(outcome));
    assert.is(hubspot.contacts().length, 1);
    assert.equal([...tools.kept.keys()], [], 'nothing is kept of it');
  }),
);

contacts('while it is not known where a merged contact went, no other is made', () =>
  withHubSpotEmulator(async (hubspot) => {
    const { connection, kept } = await mergedAway(hubspot);
    hubspot.settleIndex();
    hubspot.strike(faults.serverError, '/search');
    const waiting = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.is(waiting.kind, 'retry', JSON.stringify(waiting));
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.is(outcome.records?.person?.id, kept, JSON.stringify(outcome));
    assert.is(hubspot.contacts().length, 1);
  }),
);

contacts('an account that does not search for merged contacts makes one anew', () =>
  withHubSpotEmulator(async (hubspot) => {
    const { connection, kept } = await mergedAway(hubspot);
    hubspot.settleIndex();
    hubspot.strike(answering(400, { category: 'VALIDATION_ERROR', message: 'no such filter' }), '/search');
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.is.not(outcome.records?.person?.id, kept);
    assert.is(hubspot.contacts().length, 2);
  }),
);

contacts('one person with two numbers is one contact, even when both ring at once', () =>
  withHubSpotEmulator(async (hubspot) => {
    const id = hubspot.addContact({ phone: '0444 444 401', mobilephone: '0444 444 402' });
    const batch = ['+61444444401', '+61444444402'].map((number) =>
      deliveryOf([startPush(number, caller(number))]),
    );
    await (await open(hubspot)).deliver(batch, soon());
    await (await open(hubspot)).deliver(
      batch.map((one) => ({ ...one, key: `${one.key} again` })),
      soon(),
    );
    assert.equal(new Set(linked(hubspot)), new Set([id]));
    assert.is(hubspot.contacts()[0]?.properties['delacon_caller'], '+61444444401');
    assert.is(hubspot.contacts().length, 1);
  }),
);

contacts(
  'a key that stays with who was merged away is waited for, until the other is found by the number',
  () =>
    withHubSpotEmulator(
      async (hubspot) => {
        const kept = hubspot.addContact({ phone: '0298765432', delacon_caller: '+61298765432' });
        const { records } = await deliverOne(await open(hubspot), deliveryOf([startPush('1')]));
        hubspot.mergeContacts(kept, records?.person?.id ?? '');
        hubspot.edit('contacts', kept, { mobilephone: '0444 444 444' });
        const connection = await open(hubspot);
        const waiting = await deliverOne(connection, deliveryOf([startPush('2')]));
        assert.is(waiting.kind, 'retry', JSON.stringify(waiting));
        hubspot.settleIndex();
        const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
        assert.is(outcome.records?.person?.id, kept, JSON.stringify(outcome));
        assert.is(hubspot.contacts().length, 1);
      },
      { oddities: { keepsDeletedKeys: true } },
    ),
);

contacts('a key that another contact took meanwhile decides', () =>
  withHubSpotEmulator(async (hubspot) => {
    const typed = hubspot.addContact({ phone: '0444 444 444' });
    const tools = testTools();
    const connection = await open(hubspot, {}, tools);
    // Another connection makes the key's holder after this one has looked for the key.
    const people = tools.people.find;
    let holder = '';
    tools.people.find = async (numbers) => {
      hubspot.strike(answering(207, emptyRead()), 'contacts/batch/read');
      holder = hubspot.addContact({ lastname: 'Other', delacon_caller: '+61444444444' });
      return people(numbers);
    };
    const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.is(outcome.records?.person?.id, holder);
    assert.is.not(holder, typed);
    assert.is(tools.known.get('+61444444444')?.id, holder);
    assert.is(outcome.whyPerson, 'Found by the key delacon_caller, which they got meanwhile.');
  }),
);

function emptyRead() {
  const at = '2026-11-02T03:15:00.000Z';
  return { status: 'COMPLETE', results: [], numErrors: 0, errors: [], startedAt: at, completedAt: at };
}

contacts('a number in two batches at once is resolved once', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const outcomes = await Promise.all(
      ['1', '2', '3'].map((id) => connection.deliver([deliveryOf([startPush(id)])], soon())),
    );
    assert.is(hubspot.countRequests('contacts/batch/read'), 1);
    assert.is(hubspot.countRequests('search'), 1);
    assert.is(hubspot.countRequests('upsert'), 1);
    assert.equal(new Set(outcomes.map(([outcome]) => outcome?.records?.person?.id)), new Set(['501']));
  }),
);

contacts('a batch that shares a number with a failing one fails alike, and both succeed later', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    hubspot.strike(faults.serverError, 'search');
    const both = () =>
      Promise.all(['1', '2'].map((id) => connection.deliver([deliveryOf([startPush(id)])], soon())));
    assert.equal(
      (await both()).map(([outcome]) => outcome?.kind),
      ['retry', 'retry'],
    );
    assert.equal(
      (await both()).map(([outcome]) => outcome?.kind),
      ['delivered', 'delivered'],
    );
    assert.is(hubspot.contacts().length, 1);
  }),
);

/** A 207 that shows nothing, for a reason. */
function unreadable(error: object) {
  return answering(207, { ...emptyRead(), numErrors: 1, errors: [error] });
}

for (const [name, error, kind] of [
  ['a limit', { category: 'RATE_LIMITS', message: 'secondly' }, 'retry'],
  ['troubles of its own', { message: 'internal error' }, 'retry'],
  ['a missing scope', { category: 'MISSING_SCOPES', message: 'scopes' }, 'blocked'],
] as const) {
  contacts(`a key that could not be read for ${name} is not taken for free`, () =>
    withHubSpotEmulator(async (hubspot) => {
      // Somebody has given them another number and their name.
      const named = { phone: '0298 765 432', firstname: 'Jo', lastname: 'Lee' };
      hubspot.addContact({ ...named, delacon_caller: '+61444444444' });
      const connection = await open(hubspot);
      hubspot.strike(unreadable(error), 'contacts/batch/read');
      const outcome = await deliverOne(connection, deliveryOf([startPush('1')]));
      assert.is(outcome.kind, kind, JSON.stringify(outcome));
      assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
      assert.equal(
        hubspot.contacts().map(({ properties }) => properties),
        [{ ...named, delacon_caller: '+61444444444' }],
      );
    }),
  );
}

contacts('ids that are said to be missing are, whatever the words for it', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot);
    const error = { message: 'Some were not found.', context: { ids: ['+61444444444'] } };
    hubspot.strike(unreadable(error), 'contacts/batch/read');
    assert.is((await deliverOne(connection, deliveryOf([startPush('1')]))).kind, 'delivered');
  }),
);

const city = { city: '{{ call.caller.city }}', company: '{{ call.dealer.name }}' };

contacts('fillBlank writes mapped properties where nothing is, and asks only once what is there', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addContact({ phone: '0444 444 444', city: 'Perth' });
    const connection = await open(hubspot, { person: { properties: city } });
    await deliverOne(
      connection,
      deliveryOf([startPush('1', { PLA_City: 'Sydney', PLA_Dealer_Name: 'Acme' })]),
    );
    const properties = () => hubspot.contacts()[0]?.properties ?? {};
    assert.is(properties()['city'], 'Perth');
    assert.is(properties()['company'], 'Acme');
    assert.is(properties()['firstname'], 'Typed');
    hubspot.forgetRequests();
    await deliverOne(
      connection,
      deliveryOf([startPush('2', { PLA_City: 'Sydney', PLA_Dealer_Name: 'Other' })]),
    );
    assert.is(properties()['company'], 'Acme');
    assert.is(hubspot.countRequests(), 1);
  }),
);

contacts('a contact that is locked for a moment keeps its call waiting, and not out of HubSpot', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { person: { properties: city, onUpdate: 'overwrite' } });
    await deliverOne(connection, deliveryOf([startPush('1')]));
    const start = startPush('2', { PLA_City: 'Perth' });
    hubspot.strike(faults.locked, 'contacts/batch/update');
    const waiting = await deliverOne(connection, deliveryOf([start]));
    assert.is(waiting.kind, 'retry', JSON.stringify(waiting));
    assert.is(hubspot.calls().length, 2);
    const done = await deliverOne(connection, deliveryOf([start], { records: waiting.records ?? {} }));
    assert.is(done.kind, 'delivered', JSON.stringify(done));
    assert.is(hubspot.contacts()[0]?.properties['city'], 'Perth');
    assert.is(hubspot.calls().length, 2);
  }),
);

contacts('fillBlank leaves alone what somebody has filled in since the contact was read', () =>
  withHubSpotEmulator(async (hubspot) => {
    let now = Date.now();
    const tools = testTools({ clock: { now: () => new Date(now), after: systemClock.after } });
    const id = hubspot.addContact({ phone: '0444 444 444' });
    const connection = await open(hubspot, { person: { properties: city } }, tools);
    const fields = { PLA_City: '', PLA_Dealer_Name: '' };
    await deliverOne(connection, deliveryOf([startPush('1', fields)]));
    hubspot.edit('contacts', id, { city: 'Perth' });
    now += 40_000;
    hubspot.forgetRequests();
    const later = { PLA_City: 'Sydney', PLA_Dealer_Name: 'Acme' };
    await deliverOne(connection, deliveryOf([startPush('2', later)]));
    const { city: found, company } = hubspot.contacts()[0]?.properties ?? {};
    assert.equal([found, company], ['Perth', 'Acme']);
    assert.equal(hubspot.requests, {
      'POST /crm/objects/2026-09/contacts/batch/read': 1,
      'POST /crm/objects/2026-09/contacts/batch/update': 1,
      'POST /crm/objects/2026-09/calls/batch/create': 1,
    });
    hubspot.forgetRequests();
    await deliverOne(connection, deliveryOf([startPush('3', later)]));
    assert.is(hubspot.countRequests(), 1, 'nothing to fill, nothing to ask');
  }),
);

for (const name of ['serverError', 'loseAnswer', 'brokenJson', 'rollingLimit'] as const)
  contacts(`a contact that cannot be read again is written nothing: ${name}`, () =>
    withHubSpotEmulator(async (hubspot) => {
      let now = Date.now();
      const tools = testTools({ clock: { now: () => new Date(now), after: systemClock.after } });
      const id = hubspot.addContact({ phone: '0444 444 444' });
      const connection = await open(hubspot, { person: { properties: city } }, tools);
      const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1', { PLA_City: '' })]));
      hubspot.edit('contacts', id, { city: 'Perth' });
      now += 40_000;
      hubspot.strike(faults[name], 'contacts/batch/read');
      const end = deliveryOf([startPush('1', { PLA_City: 'Sydney' }), endPush('1')], { records });
      const failed = await deliverOne(connection, end);
      assert.is(failed.kind, 'retry', JSON.stringify(failed));
      now += 40_000;
      const outcome = await deliverOne(connection, end);
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.is(hubspot.contacts()[0]?.properties['city'], 'Perth');
      assert.is(hubspot.calls().length, 1);
    }),
  );

contacts('fillBlank writes nothing to a contact of which HubSpot does not say what it holds', () =>
  withHubSpotEmulator(async (hubspot) => {
    const id = hubspot.addContact({ phone: '0444 444 444', city: 'Perth' });
    const tools = testTools();
    tools.known.set('+61444444444', { type: 'contact', id });
    const connection = await open(hubspot, { person: { properties: city } }, tools);
    hubspot.strike(emptyAnswer(200), 'contacts/batch/read');
    const outcome = await deliverOne(connection, deliveryOf([startPush('1', { PLA_City: 'Sydney' })]));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.is(hubspot.contacts()[0]?.properties['city'], 'Perth');
  }),
);

contacts('overwrite writes what changed', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addContact({ phone: '0444 444 444', city: 'Perth' });
    const connection = await open(hubspot, { person: { properties: city, onUpdate: 'overwrite' } });
    await deliverOne(connection, deliveryOf([startPush('1', { PLA_City: 'Sydney' })]));
    assert.is(hubspot.contacts()[0]?.properties['city'], 'Sydney');
    hubspot.forgetRequests();
    await deliverOne(connection, deliveryOf([startPush('2', { PLA_City: 'Sydney' })]));
    assert.is(hubspot.countRequests('contacts'), 0);
    await deliverOne(connection, deliveryOf([startPush('3', { PLA_City: 'Hobart' })]));
    assert.is(hubspot.contacts()[0]?.properties['city'], 'Hobart');
  }),
);

contacts('onUpdate: never leaves a contact as it is, but for the key', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.addContact({ phone: '0444 444 444' });
    const connection = await open(hubspot, { person: { properties: city, onUpdate: 'never' } });
    await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.equal(hubspot.contacts()[0]?.properties, {
      phone: '0444 444 444',
      firstname: 'Typed',
      lastname: 'In',
      delacon_caller: '+61444444444',
    });
  }),
);

contacts('a mapped property that the end of the call brings is written then', () =>
  withHubSpotEmulator(async (hubspot) => {
    const person = { properties: { company: '{{ call.survey.outcome }}' } };
    const connection = await open(hubspot, { person });
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
    await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')], { records }));
    assert.is(hubspot.contacts()[0]?.properties['company'], 'Sale');
  }),
);

contacts('numbers are written as an account with phone validation wants them', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.validatePhones();
    const outcome = await deliverOne(
      await open(hubspot),
      deliveryOf([startPush('1', caller('0444 444 444'))]),
    );
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.is(hubspot.contacts()[0]?.properties['phone'], '+61444444444');
  }),
);

contacts('a contact that HubSpot refuses costs no call: it is written without, and says why', () =>
  withHubSpotEmulator(async (hubspot) => {
    hubspot.refuseValues('contacts', 'delacon_caller', /401/);
    const outcomes = await (await open(hubspot)).deliver(
      ['+61444444401', '+61444444402'].map((number) => deliveryOf([startPush(number, caller(number))])),
      soon(),
    );
    assert.equal(
      outcomes.map((outcome) => outcome.kind),
      ['delivered', 'delivered'],
    );
    assert.match(String(outcomes[0]?.notes), 'validation rule of this account');
    assert.equal(
      hubspot.calls().map(({ contactIds }) => contactIds.length),
      [0, 1],
    );
  }),
);

for (const refused of [['lastname'], ['phone'], ['phone', 'lastname'], ['firstname']]) {
  contacts(`an account whose rules refuse our ${refused.join(' and ')} gets the contact without`, () =>
    withHubSpotEmulator(async (hubspot) => {
      for (const name of refused) hubspot.refuseValues('contacts', name, /./);
      const connection = await open(hubspot);
      const outcome = await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')]));
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      assert.equal(
        outcome.notes,
        refused.map((name) => `${name} was left out: HubSpot refuses it.`),
      );
      const ours = {
        phone: '+61444444444',
        firstname: 'Caller',
        lastname: '0444 444 444',
        city: 'abc',
        state: 'abc',
      };
      assert.equal(hubspot.contacts()[0]?.properties, {
        delacon_caller: '+61444444444',
        ...Object.fromEntries(Object.entries(ours).filter(([name]) => !refused.includes(name))),
      });
      assert.equal(linked(hubspot), ['501']);
    }),
  );
}

contacts(
  'what the mapping names is left out when it is refused, of new contacts and of those that are there',
  () =>
    withHubSpotEmulator(async (hubspot) => {
      hubspot.refuseValues('contacts', 'lastname', /./);
      const known = hubspot.addContact({ phone: '0444 444 402', lastname: '' });
      const person = { properties: { lastname: '{{ call.caller.national }}', city: 'Perth' } };
      const connection = await open(hubspot, { person });
      for (const number of ['+61444444401', '+61444444402']) {
        const outcome = await deliverOne(connection, deliveryOf([startPush(number, caller(number))]));
        assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
        assert.match(outcome.notes?.join() ?? '', 'lastname was left out: HubSpot refuses it.');
      }
      assert.equal(
        hubspot.contacts().map(({ properties }) => properties['city']),
        ['Perth', 'Perth'],
      );
      assert.ok(hubspot.contacts().some(({ id }) => id === known));
      assert.is(hubspot.calls().length, 2);
    }),
);

contacts('an own map of people that fails throws, and the number can be resolved again', () =>
  withHubSpotEmulator(async (hubspot) => {
    const tools = testTools();
    const find = tools.people.find;
    tools.people.find = () => Promise.reject(new Error('the store is away'));
    const connection = await open(hubspot, {}, tools);
    const failed = await deliverOne(connection, deliveryOf([startPush('1')])).catch(String);
    assert.match(String(failed), 'the store is away');
    tools.people.find = find;
    await until('it is delivered', async () => {
      return (await deliverOne(connection, deliveryOf([startPush('1')]))).kind === 'delivered';
    });
  }),
);

contacts.run();
