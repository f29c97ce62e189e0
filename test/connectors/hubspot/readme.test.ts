import { readFileSync } from 'node:fs';
import hubspotConnector from '../../../connectors/hubspot/index.ts';
import { options } from '../../../connectors/hubspot/options.ts';
import { load } from '../../config/with-config.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { assert, suite } from '../../support/suite.ts';

const readme = suite('hubspot README');

const text = readFileSync(new URL('../../../connectors/hubspot/README.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] as string);

readme('its examples load, and the second holds every setting but the host and OAuth', async () => {
  assert.is(examples.length, 2);
  for (const yaml of examples) {
    const { settings } = await load(yaml, { HUBSPOT_TOKEN: 'pat-1' });
    assert.is(settings.connectors['acme-hubspot']?.type, 'hubspot');
  }
  const named = [...(examples[1] ?? '').matchAll(/^ {4}(\w+):/gm)].map((match) => match[1] as string);
  assert.equal([...named, 'baseUrl', 'oauth'].sort(), ['type', ...Object.keys(options.shape)].sort());
});

readme('it names every property that is written', () => {
  const rich = {
    accessToken: 'x',
    attribution: true,
    followUp: { when: 'call.dealer.id' },
    sale: { when: 'call.dealer.id', stage: 'closedwon' },
  };
  const call = deliveryOf([startPush('1'), endPush('1')]);
  const drafts = hubspotConnector.draft(options.parse(rich), call);
  assert.equal(
    drafts.map(({ type }) => type),
    ['contact', 'call', 'task', 'deal'],
  );
  for (const { key, properties } of drafts) {
    for (const name of [key?.property ?? '', ...Object.keys(properties)]) {
      const shown = name.replace(/^delacon_(first|last)(?!_call_at)/, ''); // `delacon_first_call_at`, `_source`, …
      assert.match(text, `\`${shown}\``, name);
    }
  }
});

readme.run();
