import { type CrmFailure, type Look, readBack, type Seen } from '../../src/crm/index.ts';
import { assert, suite } from '../support/suite.ts';

const readingBack = suite('reading back');

const id = (value: string) => ({ object: 'call', field: 'id', value });
const key = (value: string) => ({ object: 'call', field: 'key', value });
const person = (value: string) => ({ object: 'person', field: 'id', value });

const there: Record<string, ReadonlyMap<string, string>> = {
  'call.id': new Map([['1', '1']]),
  'call.key': new Map([['a', '1']]),
  'person.id': new Map([['7', '7']]),
};
const look = async (looks: readonly Look[]) =>
  looks.map(({ object, field }) => there[`${object}.${field}`] as Seen<CrmFailure>);

readingBack('what is there tells what a refusal meant, in one look for all', async () => {
  let looks = 0;
  const meanings = await readBack<CrmFailure>(
    [
      { self: id('2'), keys: [], links: [] },
      { keys: [key('a')], links: [] },
      { self: id('1'), keys: [key('a')], links: [] },
      { keys: [key('b')], links: [person('8')] },
      { keys: [key('b')], links: [person('7')] },
    ],
    (asked) => {
      looks++;
      return look(asked);
    },
  );
  assert.equal(meanings, ['gone', 'taken', undefined, 'orphan', undefined]);
  assert.is(looks, 1);
});

readingBack('a look that fails is the record’s failure; one that is refused says nothing', async () => {
  const failing = async (looks: readonly Look[], failure: CrmFailure) =>
    looks.map(({ field }) => (field === 'key' ? failure : (there['call.id'] as Seen<CrmFailure>)));
  const both = [
    { keys: [key('a')], links: [] },
    { self: id('2'), keys: [], links: [] },
  ];
  const busy = { kind: 'retry', reason: 'busy' } as const;
  assert.equal(await readBack(both, (looks) => failing(looks, busy)), [busy, 'gone']);
  const forbidden = { kind: 'rejected', reason: 'not yours' } as const;
  assert.equal(await readBack(both, (looks) => failing(looks, forbidden)), [undefined, 'gone']);
});

readingBack('nothing is asked where nothing is in doubt', async () => {
  const never = () => assert.unreachable() as never;
  assert.equal(await readBack([], never), []);
});

readingBack.run();
