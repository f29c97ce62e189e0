import { assert, suite } from '../support/suite.ts';
import { fuzz } from './fuzz.ts';

const fuzzing = suite('broken inputs');

fuzzing('nothing that reads from outside breaks, answers oddly or takes long', async () => {
  const seed = 7; // always the same: `npm run fuzz` looks further
  const { broken, inputs } = await fuzz(seed, 12_000);
  assert.equal(broken, [], `npm run fuzz -- --inputs 12000 --seed ${seed}`);
  assert.ok(
    Object.values(inputs).every((count) => count > 10),
    JSON.stringify(inputs),
  );
});

fuzzing.run();
