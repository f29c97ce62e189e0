import { compileCondition } from '../../src/route/condition.ts';
import { explainRoutes, matchRoutes, type Route } from '../../src/route/match.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';

const match = suite('routes');

/** A call of source acme that somebody answered. */
const { call } = deliveryOf([startPush('7'), endPush('7')]);
const route = (to: string[], more: Partial<Route> = {}): Route => ({
  to,
  stop: false,
  place: 'a.yaml:1:1',
  ...more,
});
const when = (source: string) => ({ when: compileCondition(source) });
const connectorsFor = (...routes: Route[]) =>
  matchRoutes(routes, call.source, () => call, 'Australia/Sydney');

match('a route without conditions takes every call', () => {
  assert.equal(connectorsFor(route(['a'])), ['a']);
  assert.equal(connectorsFor(), []);
});

match('every route that matches applies, in order, each connector once', () => {
  assert.equal(connectorsFor(route(['b', 'a']), route(['c', 'a']), route(['d'])), ['b', 'a', 'c', 'd']);
});

match('a route that stops ends the search, if it matches', () => {
  assert.equal(connectorsFor(route(['a'], { stop: true }), route(['b'])), ['a']);
  assert.equal(connectorsFor(route(['a'], { stop: true, ...when('call.missed') }), route(['b'])), ['b']);
  assert.equal(connectorsFor(route(['a'], { stop: true, sources: ['other'] }), route(['b'])), ['b']);
  assert.equal(connectorsFor(route([], { stop: true }), route(['b'])), [], 'a route to nowhere');
});

match('a source and a condition must both hold', () => {
  assert.equal(connectorsFor(route(['a'], { sources: ['acme'] })), ['a']);
  assert.equal(connectorsFor(route(['a'], { sources: ['other'] })), []);
  assert.equal(connectorsFor(route(['a'], { sources: ['acme'], ...when('call.missed') })), []);
  assert.equal(connectorsFor(route(['a'], { sources: ['acme'], ...when('call.result == "answered"') })), [
    'a',
  ]);
  assert.equal(connectorsFor(route(['a'], { sources: ['other'], ...when('true') })), []);
});

match('a condition can see the time zone of the source', () => {
  const inSydney = [route(['a'], when('timezone == "Australia/Sydney"'))];
  assert.equal(
    matchRoutes(inSydney, call.source, () => call, 'Australia/Sydney'),
    ['a'],
  );
  assert.equal(
    matchRoutes(inSydney, call.source, () => call, 'UTC'),
    [],
  );
});

match('it can say why, of the routes that are for the source, in words of the file', () => {
  const routes = [
    route(['a'], { sources: ['other'] }),
    route(['b'], { ...when('call.missed'), place: 'bridge.yaml:7:5' }),
    route(['c'], { sources: ['other', 'acme'] }),
    route(['d', 'e'], { sources: ['acme'], place: 'acme.yaml', isImplied: true }),
    route(['f'], { stop: true }),
    route(['g']),
  ];
  assert.equal(explainRoutes(routes, call, 'Australia/Sydney'), {
    connectors: ['c', 'd', 'e', 'f'],
    looked: [
      { place: 'bridge.yaml:7:5', matched: false, why: 'call.missed is false' },
      { place: 'a.yaml:1:1', matched: true, why: 'takes every call of acme' },
      {
        place: 'acme.yaml',
        matched: true,
        why: 'the file has no routes, so calls of its source acme go to its connectors d, e',
      },
      { place: 'a.yaml:1:1', matched: true, why: 'takes every call' },
    ],
  });
});

match('a condition that cannot be evaluated matches not, and keeps no other route from matching', () => {
  const broken = {
    text: 'call.broken',
    matches() {
      throw new Error('memory alloc limit exceeded');
    },
  };
  const routes = [route(['a'], { when: broken, stop: true }), route(['b'])];
  assert.equal(explainRoutes(routes, call, 'Australia/Sydney'), {
    connectors: ['b'],
    looked: [
      {
        place: 'a.yaml:1:1',
        matched: false,
        why: 'call.broken cannot be evaluated: memory alloc limit exceeded',
      },
      { place: 'a.yaml:1:1', matched: true, why: 'takes every call' },
    ],
  });
});

match.run();
