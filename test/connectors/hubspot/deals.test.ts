import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { testTools } from '../../support/connector-tools.ts';
import { answering, type Fault, faults, withHubSpotEmulator } from '../../support/hubspot-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, open, soon, strikeForGood } from './rig.ts';

const deals = suite('hubspot deals');

const sold = (id: string, more: Record<string, string> = {}) =>
  deliveryOf([startPush(id), endPush(id, more)]);
const sale = { when: "call.survey.outcome == 'Sale'", stage: 'closedwon' };

deals('a sale leaves one deal, on the caller and the call', () =>
  withHubSpotEmulator(async (hubspot) => {
    const owner = hubspot.addOwner('jane@acme.example');
    const connection = await open(hubspot, {
      sale: { ...sale, properties: { dealtype: 'New business' } },
      owner: { by: 'call.answeredBy.number', map: { '02 9898 9898': 'jane@acme.example' } },
    });
    const outcome = await deliverOne(connection, sold('1'));
    const [deal, ...others] = hubspot.records('deals');
    assert.is(others.length, 0);
    assert.equal(deal?.properties, {
      delacon_call_id: '1',
      dealname: 'Sale by phone, 0444 444 444',
      pipeline: 'default',
      dealstage: 'closedwon',
      amount: '1250',
      closedate: '2019-05-02T00:13:07.003Z',
      hubspot_owner_id: owner,
      dealtype: 'newbusiness',
    });
    assert.equal(deal?.links, { contacts: ['501'], companies: [], calls: ['39001'] });
    assert.equal(outcome, {
      kind: 'delivered',
      records: {
        person: { type: 'contact', id: '501' },
        activity: { type: 'call', id: '39001' },
        sale: { type: 'deal', id: deal?.id ?? '' },
      },
      whyPerson: 'Created, as nobody had this number.',
    });
  }),
);

deals('pipeline and stage are found by id or label, whatever the case', () =>
  withHubSpotEmulator(async (hubspot) => {
    for (const [pipeline, stage] of [
      ['Trade', 'sold'],
      ['8675309', '975311'],
    ]) {
      const connection = await open(hubspot, { sale: { ...sale, pipeline, stage } });
      await deliverOne(connection, sold(`${pipeline}`));
    }
    assert.equal(
      hubspot.records('deals').map(({ properties }) => [properties['pipeline'], properties['dealstage']]),
      [
        ['8675309', '975311'],
        ['8675309', '975311'],
      ],
    );
  }),
);

deals('a hundred sales cost two requests, and one for the pipelines the first time', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { sale });
    await deliverOne(connection, deliveryOf([startPush('before')]));
    hubspot.forgetRequests();
    const batch = (name: string) => Array.from({ length: 100 }, (_, i) => sold(`${name}${i}`));
    await connection.deliver(batch('a'), soon());
    assert.equal(hubspot.requests, {
      'POST /crm/objects/2026-09/calls/batch/create': 1,
      'GET /crm/pipelines/2026-09/deals': 1,
      'POST /crm/objects/2026-09/deals/batch/create': 1,
    });
    await connection.deliver(batch('b'), soon());
    assert.is(hubspot.countRequests('pipelines'), 1);
    assert.is(hubspot.records('deals').length, 200);
  }),
);

deals('it is made once: a later push of the call leaves it to people', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { sale });
    const { records = {} } = await deliverOne(connection, sold('1'));
    hubspot.edit('deals', records.sale?.id ?? '', { amount: '99', dealstage: 'closedlost' });
    hubspot.forgetRequests();
    await deliverOne(connection, { ...sold('1', { PLA_SurveySaleAmount: '$5.00' }), records });
    assert.is(hubspot.countRequests('deals'), 0);
    assert.is(hubspot.records('deals')[0]?.properties['amount'], '99');
  }),
);

deals('an amount that is no number is left out, and noted', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, {
      sale: { ...sale, amount: 'about {{ call.survey.saleAmount }}' },
    });
    const outcome = await deliverOne(connection, sold('1'));
    assert.is(outcome.kind, 'delivered');
    assert.equal(outcome.notes, ['amount was left out: "about 1250" is not a number.']);
    assert.is(hubspot.records('deals')[0]?.properties['amount'], undefined);
  }),
);

for (const [name, settings, words] of [
  [
    'pipeline',
    { ...sale, pipeline: 'Retail' },
    'HubSpot has no deal pipeline "Retail". It has Sales Pipeline (default), Trade (8675309). Name one of them in sale.pipeline',
  ],
  [
    'stage',
    { ...sale, pipeline: 'Trade', stage: 'Won' },
    'The deal pipeline Trade has no stage "Won". It has Quoted (975310), Sold (975311). Name one of them in sale.stage',
  ],
] as const) {
  deals(`an unknown ${name} fails the sale with what there is; the call is written, and others go on`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const connection = await open(hubspot, { sale: settings });
      const batch = [sold('1'), deliveryOf([startPush('2'), endPush('2', { PLA_SurveyOutcome: 'None' })])];
      const outcomes = await connection.deliver(batch, soon());
      assert.equal(
        outcomes.map(({ kind }) => kind),
        ['rejected', 'delivered'],
      );
      assert.match(JSON.stringify(outcomes[0]).replaceAll('\\"', '"'), words);
      assert.is(hubspot.calls().length, 2);
      assert.is(hubspot.records('deals').length, 0);
      // As a replay after the configuration has been mended.
      const mended = await open(hubspot, { sale });
      const again = { ...sold('1'), records: outcomes[0]?.records ?? {} };
      assert.is((await deliverOne(mended, again)).kind, 'delivered');
      assert.is(hubspot.records('deals').length, 1);
      assert.is(hubspot.calls().length, 2);
    }),
  );
}

deals('a stage that was removed since is found out, and named at the next attempt', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { sale });
    await deliverOne(connection, sold('1'));
    hubspot.removeStage('closedwon');
    const first = await deliverOne(connection, sold('2'));
    assert.is(first.kind, 'retry', JSON.stringify(first));
    const second = await deliverOne(connection, { ...sold('2'), records: first.records ?? {} });
    assert.is(second.kind, 'rejected', JSON.stringify(second));
    assert.match(JSON.stringify(second), 'has no stage');
    assert.is(hubspot.calls().length, 2);
  }),
);

deals('a deal whose call is deleted just then is made with the call, at the next attempt', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { sale });
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
    hubspot.archiveCall(records.activity?.id ?? '');
    const outcome = await deliverOne(connection, { ...sold('1'), records });
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.equal(hubspot.records('deals')[0]?.links.calls, [hubspot.calls()[0]?.id]);
  }),
);

deals('a sale of a withheld number is a deal on the call alone', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await open(hubspot, { sale });
    const withheld = [startPush('1', { PLA_Caller_Phone_Number: 'anonymous' }), endPush('1')];
    assert.is((await deliverOne(connection, deliveryOf(withheld))).kind, 'delivered');
    assert.equal(hubspot.records('deals')[0]?.links, { contacts: [], companies: [], calls: ['39001'] });
  }),
);

const scopes = {
  category: 'MISSING_SCOPES',
  errors: [{ context: { requiredGranularScopes: ['crm.objects.deals.write'] } }],
};
const table: [string, string, Fault, string, string][] = [
  ['403', 'deals/batch/create', answering(403, scopes), 'blocked', 'Grant crm.objects.deals.write'],
  [
    '400',
    'deals/batch/create',
    answering(400, { category: 'VALIDATION_ERROR', message: 'no' }),
    'rejected',
    'no',
  ],
  ['423', 'deals/batch/create', faults.locked, 'retry', '423'],
  ['429', 'deals/batch/create', faults.rollingLimitWithWait, 'retry', '429'],
  ['477', 'deals/batch/create', faults.moving, 'blocked', 'data centre'],
  ['502', 'deals/batch/create', faults.badGateway, 'retry', '502'],
  ['a lost answer', 'deals/batch/create', faults.loseAnswer, 'retry', 'no usable answer'],
  ['524 after the write', 'deals/batch/create', faults.originTimeout, 'retry', '524'],
  [
    '403',
    'pipelines/2026-09/deals',
    answering(403, { category: 'MISSING_SCOPES' }),
    'blocked',
    'lacks a scope',
  ],
  ['503', 'pipelines/2026-09/deals', faults.unavailable, 'retry', '503'],
];
for (const [name, at, fault, kind, words] of table) {
  deals(`${name} at ${at}: ${kind}, the call is written, and in the end there is one deal`, () =>
    withHubSpotEmulator(async (hubspot) => {
      const connection = await open(hubspot, { sale }, testTools());
      if (kind === 'rejected') strikeForGood(hubspot, fault, at);
      else hubspot.strike(fault, at);
      const failed = await deliverOne(connection, sold('1'));
      hubspot.calm();
      assert.is(failed.kind, kind, JSON.stringify(failed));
      assert.match(JSON.stringify(failed), 'The call is in HubSpot, its sale is not done yet.');
      assert.match(JSON.stringify(failed), words);
      assert.is(hubspot.calls().length, 1);
      const outcome = await deliverOne(connection, { ...sold('1'), records: failed.records ?? {} });
      assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
      const [deal, ...others] = hubspot.records('deals');
      assert.is(others.length, 0);
      assert.equal(deal?.links, { contacts: ['501'], companies: [], calls: ['39001'] });
    }),
  );
}

deals('a follow-up and a deal that both fail are both told, and the one that may pass decides', () =>
  withHubSpotEmulator(async (hubspot) => {
    const settings = { sale, followUp: { when: "call.survey.outcome == 'Sale'" } };
    const connection = await open(hubspot, settings);
    const refusal = answering(400, { category: 'VALIDATION_ERROR', message: 'no task' });
    strikeForGood(hubspot, refusal, 'tasks/batch/create');
    hubspot.strike(faults.serverError, 'deals/batch/create');
    const failed = await deliverOne(connection, sold('1'));
    hubspot.calm();
    assert.is(failed.kind, 'retry');
    assert.match(JSON.stringify(failed), /follow-up is not done yet.*no task.*sale is not done yet.*500/);
    const outcome = await deliverOne(connection, { ...sold('1'), records: failed.records ?? {} });
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
    assert.is(hubspot.records('tasks').length, 1);
    assert.is(hubspot.records('deals').length, 1);
  }),
);

deals.run();
