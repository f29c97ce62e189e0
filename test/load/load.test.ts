import { assert, suite } from '../support/suite.ts';
import { type Kind, patient } from './bad-senders.ts';
import { besiege } from './load.ts';

const load = suite('load');

const byTime = patient.filter((kind) => kind.includes('body'));
const byForm: Kind[] = ['has huge headers', 'has very many headers', 'speaks no HTTP'];
/** Bun gives headers 12 s, whatever it is told: too long for a test, so `npm run load` shows that. */
const onNode = patient.filter((kind) => !byTime.includes(kind));

load(
  'slow, silent and broken senders are cut off in time, and meanwhile everybody else is heard',
  async () => {
    const kinds: Kind[] = [
      ...byTime,
      ...byForm,
      'drips a body that nobody reads',
      ...(process.versions['bun'] ? [] : onNode),
    ];
    const report = await besiege({ kinds, ofEach: 30, timeoutSeconds: 1, waves: 1, patienceMs: 30_000 });
    assert.equal(report.left, Object.fromEntries(kinds.map((kind) => [kind, 0])));
    assert.equal(Object.keys(report.pushes), ['200']);
    assert.is(report.stored, report.pushes['200']);
    for (const kind of byTime) assert.equal(report.answered[kind], ['408'], kind);
    assert.equal(report.answered['drips a body that nobody reads'], ['404']);
    assert.equal(report.answered['has huge headers'], ['431']);
    assert.equal(report.answered['has very many headers'], ['431']);
  },
);

load.run();
