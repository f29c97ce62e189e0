import { TokenTable } from '../../src/receive/tokens.ts';
import { assert, suite } from '../support/suite.ts';

const tokens = suite('push tokens');

const first = 'token-of-acme-0123456789';
const last = 'token-of-beta-0123456789';
const guesses = [first, last, 'token-of-acme-012345678X', 'x', '', 'x'.repeat(100_000)];
const newTable = () =>
  new TokenTable({ acme: { tokens: [first, 'another-of-acme-01234567'] }, beta: { tokens: [last] } });

/** What is looked up in any map meanwhile. */
function lookedUpIn<T>(run: () => T): { result: T; keys: unknown[] } {
  const { get } = Map.prototype;
  const keys: unknown[] = [];
  Map.prototype.get = function (this: Map<unknown, unknown>, key: unknown) {
    keys.push(key);
    return get.call(this, key);
  };
  try {
    return { result: run(), keys };
  } finally {
    Map.prototype.get = get;
  }
}

/*
 * However many tokens there are and whichever is presented, one digest is made and looked up once. With a key that
 * nobody knows, a guess that is near makes a digest that is not.
 */
tokens('what is compared is a digest of what was presented, once, whichever token it is', () => {
  const table = newTable();
  const looked = guesses.map((guess) => lookedUpIn(() => table.sourceOf(guess)));
  assert.equal(
    looked.map(({ result }) => result),
    ['acme', 'beta', undefined, undefined, undefined, undefined],
  );
  for (const { keys } of looked) assert.match(keys.join(), /^[0-9a-f]{64}$/);
  const near = looked.map(({ keys }) => String(keys[0]).slice(0, 8));
  assert.is(new Set(near).size, guesses.length, 'a common beginning is no longer common');
});

tokens('digests are made with a key of the table: they cannot be made in advance', () => {
  const [one, other] = [newTable(), newTable()].map((table) => lookedUpIn(() => table.sourceOf(first)).keys);
  assert.not.equal(one, other);
});

tokens.run();
