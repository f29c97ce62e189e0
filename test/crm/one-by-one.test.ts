import { CrmRequestFailed, oneByOne } from '../../src/crm/index.ts';
import { assert, suite } from '../support/suite.ts';

const single = suite('records one by one');

const refusal = { kind: 'rejected', reason: 'No.' } as const;
const silence = { kind: 'retry', scope: 'connector', reason: 'No answer.', isUnanswered: true } as const;

single('each has its own fate, and nothing is sent after trouble that is every record’s', async () => {
  const sent: number[] = [];
  const fates = await oneByOne([1, 2, 3, 4, 5], async (record) => {
    sent.push(record);
    if (record === 2) throw new CrmRequestFailed(refusal);
    if (record === 4) throw new CrmRequestFailed(silence);
    return String(record);
  });
  assert.equal(fates, [
    { id: '1' },
    { failure: refusal },
    { id: '3' },
    { failure: silence },
    { failure: { kind: 'retry', scope: 'connector', reason: 'No answer.', isUndone: true } },
  ]);
  assert.equal(sent, [1, 2, 3, 4]);
});

single.run();
