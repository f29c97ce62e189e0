import type { Records } from '../../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { answering, withSalesforceEmulator } from '../../support/salesforce-emulator.ts';
import { assert, suite } from '../../support/suite.ts';
import { deliverOne, newCallers, open, soon } from './rig.ts';

const batches = suite('salesforce batches');

batches('a call of a known caller costs one request at its start and one at its end', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    await deliverOne(connection, deliveryOf([startPush('0')]));
    salesforce.forgetRequests();
    const { records = {} } = await deliverOne(connection, deliveryOf([startPush('1')]));
    assert.equal(salesforce.requests, { 'PATCH /composite/sobjects/Task/Delacon_Call_Id__c': 1 });
    salesforce.forgetRequests();
    await deliverOne(connection, deliveryOf([startPush('1'), endPush('1')], { records }));
    assert.equal(salesforce.requests, { 'PATCH /composite/sobjects': 1 });
  }),
);

batches('a call of a new caller, start and end together, costs three requests', () =>
  withSalesforceEmulator(async (salesforce) => {
    await deliverOne(await open(salesforce), deliveryOf([startPush('1'), endPush('1')]));
    assert.equal(salesforce.requests, {
      token: 1,
      'POST /composite': 1,
      'GET /search': 1,
      'POST Lead+Task': 1,
    });
  }),
);

batches('200 calls of 200 new callers cost seven requests, of known ones one', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const outcomes = await connection.deliver(newCallers(200), soon());
    assert.equal(new Set(outcomes.map(({ kind }) => kind)), new Set(['delivered']));
    assert.is(salesforce.requests['POST /composite'], 1);
    assert.is(salesforce.countRequests('GET /search'), 4);
    assert.is(salesforce.countRequests(), 7);
    salesforce.forgetRequests();
    const ends = newCallers(200).map((delivery, i) => ({
      ...delivery,
      records: outcomes[i]?.records as Records,
    }));
    await connection.deliver(ends, soon());
    assert.equal(salesforce.requests, { 'PATCH /composite/sobjects': 1 });
  }),
);

batches('a whole batch whose answer was lost is read back by key in two requests more', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    await connection.deliver(newCallers(200), soon());
    salesforce.forgetRequests();
    const outcomes = await connection.deliver(newCallers(200), soon());
    assert.equal(new Set(outcomes.map(({ kind }) => kind)), new Set(['delivered']));
    assert.is(salesforce.tasks().length, 200);
    assert.is(salesforce.countRequests(), 3);
  }),
);

batches('a value that refuses the whole request is tracked down to its call', () =>
  withSalesforceEmulator(async (salesforce) => {
    const properties = { ActivityDate: '{% if call.id == "c3" %}not a day{% endif %}' };
    const connection = await open(salesforce, { activity: { properties } });
    // Without describe, the value cannot be fitted.
    salesforce.strike(answering(403, [{ errorCode: 'INSUFFICIENT_ACCESS', message: 'no' }]), 'describe');
    const outcomes = await connection.deliver(newCallers(8), soon());
    assert.equal(
      outcomes.map(({ kind, notes = [] }) => [kind, notes.length]),
      Array.from({ length: 8 }, (_, i) => ['delivered', i === 3 ? 1 : 0]),
    );
    assert.match(
      String(outcomes[3]?.notes),
      /without ActivityDate.*JSON_PARSER_ERROR.*Cannot deserialize instance of date/,
    );
    assert.is(salesforce.tasks().length, 8);
  }),
);

batches("a batch that is too large for the org's triggers is halved until they manage", () =>
  withSalesforceEmulator(async (salesforce) => {
    salesforce.org.triggerLimits.set('Task', 20);
    const outcomes = await (await open(salesforce)).deliver(newCallers(70), soon());
    assert.equal(new Set(outcomes.map(({ kind }) => kind)), new Set(['delivered']));
    assert.is(salesforce.tasks().length, 70);
  }),
);

batches('a locked record delays its own call alone', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const starts = newCallers(3).map(({ call }) =>
      deliveryOf([startPush(call.id, { PLA_Caller_Phone_Number: call.caller.raw })]),
    );
    const first = await connection.deliver(starts, soon());
    salesforce.org.locked.add(first[1]?.records?.person?.id ?? '');
    const ends = newCallers(3).map((delivery, i) => ({ ...delivery, records: first[i]?.records as Records }));
    const outcomes = await connection.deliver(ends, soon());
    assert.equal(
      outcomes.map(({ kind }) => kind),
      ['delivered', 'retry', 'delivered'],
    );
    assert.match(JSON.stringify(outcomes[1]), /UNABLE_TO_LOCK_ROW/);
    assert.equal(outcomes[1]?.records, first[1]?.records);
  }),
);

batches('the start of a call locks nobody: another transaction may hold the person meanwhile', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const first = await deliverOne(connection, deliveryOf([startPush('1')]));
    salesforce.org.locked.add(first.records?.person?.id ?? '');
    const outcome = await deliverOne(connection, deliveryOf([startPush('2')]));
    assert.is(outcome.kind, 'delivered', JSON.stringify(outcome));
  }),
);

batches('no more requests run at once than the smallest org takes, whatever is delivered side by side', () =>
  withSalesforceEmulator(
    async (salesforce) => {
      const connection = await open(salesforce);
      await deliverOne(connection, deliveryOf([startPush('0')]));
      const callers = newCallers(800); // each batch of them searches four times at once
      const batches = [0, 200, 400, 600].map((first) => callers.slice(first, first + 200));
      const outcomes = await Promise.all(batches.map((batch) => connection.deliver(batch, soon())));
      assert.equal(new Set(outcomes.flat().map(({ kind }) => kind)), new Set(['delivered']));
      assert.is(salesforce.limitsReached(), 0);
    },
    { longRunning: { most: 5, ms: 0 }, latencyMs: 20 },
  ),
);

batches('an answer that tells of fewer records than were sent is believed of none', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await open(salesforce);
    const fewer = [{ id: '00T5g00000000abAAA', success: true, errors: [], created: true }];
    salesforce.strike(answering(200, fewer), '/Task/');
    const outcomes = await connection.deliver(newCallers(20), soon());
    assert.equal(new Set(outcomes.map(({ kind }) => kind)), new Set(['retry']));
  }),
);

batches.run();
