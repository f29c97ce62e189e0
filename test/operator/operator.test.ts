import { callsPage } from '../../src/operator/calls.ts';
import { overview } from '../../src/operator/overview.ts';
import { OperatorProblem } from '../../src/operator/problem.ts';
import { story } from '../../src/operator/story.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';
import { withOperator } from '../support/with-operator.ts';

const operator = suite('operator');

const yaml = 'sources: { acme: {} }\nconnectors: { box: { type: sandbox } }\n';

operator('overview, list and story of a call are as their schemas say', () =>
  withOperator(yaml, async ({ operator: asked, receive, index }) => {
    await receive(startPush('1'));
    await receive(endPush('1', { PLA_CallResult: 'Busy' }));
    await index();
    assert.is(overview.parse(await asked.overview()).calls.received, 1);
    const [call] = callsPage.parse(await asked.calls()).calls;
    assert.equal([call!.callId, call!.result, call!.missed], ['1', 'busy', true]);
    const told = story.parse(await asked.story('acme', '1'));
    assert.equal(
      told.pushes.map(({ kind }) => kind),
      ['start', 'end'],
    );
    assert.equal(told.fields.find(({ name }) => name === 'PLA_CallResult')?.push, 2);
  }),
);

operator('what is not there is a problem with a way out', () =>
  withOperator(yaml, async ({ operator: asked }) => {
    const problem = await asked.story('acme', '1').catch((thrown) => thrown);
    assert.instance(problem, OperatorProblem);
    assert.match(problem.message, 'No call 1 of acme is stored');
    const unknown = await asked.check('bix').catch((thrown) => thrown);
    assert.is(unknown.message, 'There is no connector "bix". Did you mean "box"? Known: box.');
  }),
);

operator('a masked reader sees no whole number, no raw push and no recording, and changes nothing', () =>
  withOperator(yaml, async ({ operator: asked, receive, index }) => {
    await receive(startPush('1', { PLA_Caller_Phone_Number: '0412 345 678', note: 'ring 412345678' }));
    await receive(endPush('1'));
    await index();
    const reader = asked.for({ role: 'reader', masked: true });
    const shown = JSON.stringify([await reader.calls(), await reader.story('acme', '1')]);
    assert.not.match(shown, /412\W*345\W*678/);
    assert.not.match(shown, 'recordings/1.wav');
    const told = await reader.story('acme', '1');
    assert.equal([told.callId, told.recording, told.pushes[0]!.body], ['1', null, null]);
    const problem = await reader.replay('acme', '1').catch((thrown) => thrown);
    assert.is(problem.kind, 'forbidden');
  }),
);

operator.run();
