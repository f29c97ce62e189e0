import { readFile } from 'node:fs/promises';
import salesforceConnector from '../../../connectors/salesforce/index.ts';
import type { SalesforceOptions } from '../../../connectors/salesforce/options.ts';
import {
  allOwnNames,
  followUpKey,
  ownFields,
  personAccountKey,
} from '../../../connectors/salesforce/setup-names.ts';
import { load } from '../../config/with-config.ts';
import { deliveryOf, endPush, startPush } from '../../support/build-push.ts';
import { assert, suite } from '../../support/suite.ts';

const readme = suite('salesforce README');

const text = await readFile(new URL('../../../connectors/salesforce/README.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml as string);

async function optionsOf(yaml: string): Promise<SalesforceOptions> {
  const { settings } = await load(`sources: { acme: { tokens: [0a1b2c3d4e5f6a7b8c9d] } }\n${yaml}`, {
    SF_ID: 'id',
    SF_SECRET: 'secret',
  });
  return settings.connectors['acme-salesforce']?.options as SalesforceOptions;
}

readme('every example loads', async () => {
  assert.is(examples.length, 3);
  for (const yaml of examples) assert.ok(await optionsOf(yaml), yaml);
});

readme('the whole example makes every kind of record, and each field of theirs is in the table', async () => {
  const options = await optionsOf(examples[1] ?? '');
  const missed = endPush('1', { PLA_CallResult: 'Unanswered', PLA_Answering_Point: '029898 9898' });
  const drafts = [missed, endPush('1')].flatMap((end) =>
    salesforceConnector.draft(options, deliveryOf([startPush('1'), end])),
  );
  assert.equal(new Set(drafts.map(({ role }) => role)), new Set(['person', 'activity', 'followUp', 'sale']));
  const mapped = [options.person, options.activity].flatMap(({ properties }) => Object.keys(properties));
  const touches = /`Delacon_(First|Last)_…__c`/;
  for (const name of drafts.flatMap(({ properties }) => Object.keys(properties))) {
    if (mapped.includes(name)) continue;
    const isTold = /^Delacon_(First|Last)_/.test(name) ? touches.test(text) : text.includes(`\`${name}\``);
    assert.ok(isTold, name);
  }
});

readme('every field that setup makes is in the table', () => {
  for (const name of [...Object.values(ownFields), followUpKey, personAccountKey])
    assert.match(text, `\`${name}\``);
  for (const name of allOwnNames) {
    const part = /^Delacon_(?:First|Last)_(\w+)__c$/.exec(name)?.[1];
    if (part) assert.match(text, `\`${part}\``);
  }
});

readme.run();
