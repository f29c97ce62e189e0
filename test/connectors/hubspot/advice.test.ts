import { failureOfAnswer } from '../../../connectors/hubspot/failures.ts';
import { assert, suite } from '../../support/suite.ts';

/** Who reads a refusal does what it says: it must fit the way in which this bridge logs in. */
const advice = suite('hubspot advice');

const where = { request: 'calls/batch/create', connector: 'acme', now: new Date(), secrets: [] };
const missing = { category: 'MISSING_SCOPES', message: 'This app has not been granted all required scopes.' };

for (const [status, body, ofKey, ofApp] of [
  [
    401,
    { status: 'error', message: 'expired' },
    /Create a service key .* accessToken/,
    /app is still installed.* oauth\.refreshToken/,
  ],
  [
    403,
    missing,
    /Grant .* to it in HubSpot/,
    /Add .* to it, and install it again for a new oauth\.refreshToken/,
  ],
  [403, { status: 'error', message: 'no' }, /the user who made it/, /the user who installed the app/],
] as const)
  advice(`${status} ${body.message}: what to do about a service key, and about an app`, () => {
    const reasonOf = (logsIn: boolean) =>
      failureOfAnswer({ status, headers: {}, body }, { ...where, logsIn }).reason;
    assert.match(reasonOf(false), ofKey);
    assert.not.match(reasonOf(false), /oauth|install/);
    assert.match(reasonOf(true), ofApp);
    assert.not.match(reasonOf(true), /service key|accessToken/);
  });

advice.run();
