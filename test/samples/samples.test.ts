import { readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import * as hubspotRig from '../connectors/hubspot/rig.ts';
import * as salesforceRig from '../connectors/salesforce/rig.ts';
import * as webhookRig from '../connectors/webhook/rig.ts';
import { deliveryOf } from '../support/build-push.ts';
import { withHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { withSalesforceEmulator } from '../support/salesforce-emulator.ts';
import { assert, suite } from '../support/suite.ts';
import { withWebhookReceiver } from '../support/webhook-receiver.ts';
import { token, withPage } from '../support/with-page.ts';
import { sampleCalls } from './calls.ts';

/*
 * What people see of ten kinds of calls, written out in the files beside this one, to be read. A test delivers the calls and
 * compares. WRITE_SAMPLES=1 in the environment writes them anew: read what changed before it is kept.
 */

const samples = suite('samples of calls, as people read them');

const settings = {
  followUp: {},
  sale: { when: "call.survey.outcome == 'Sale'" },
};

/** The records of each call under its name. A value of several lines stands below its name. */
function written(
  sections: readonly (readonly [name: string, records: readonly [title: string, values: object][]])[],
): string {
  const valueText = (value: unknown) => String(value instanceof Date ? value.toISOString() : value);
  return sections
    .map(([name, records]) =>
      [
        `== ${name}`,
        ...records.map(([title, values]) =>
          [
            title,
            ...inOrder(values).map(([property, value]) => {
              const lines = valueText(value).split('\n');
              return `  ${property}: ${lines.length > 1 ? `\n    ${lines.join('\n    ')}` : lines[0]}`.replace(
                /: \n/,
                ':\n',
              );
            }),
          ].join('\n'),
        ),
      ].join('\n'),
    )
    .join('\n\n');
}

/** In whatever order they were written: titles first, and last our own keys, which say nothing to people. */
function inOrder(values: object): [name: string, value: unknown][] {
  const rank = (name: string) => (/^delacon_/i.test(name) ? 2 : /title|subject|name$/i.test(name) ? 0 : 1);
  return Object.entries(values).sort(([one], [other]) => rank(one) - rank(other) || (one < other ? -1 : 1));
}

/** HTML as it looks, with where links lead. */
function seen(html: string): string {
  return html
    .replace(/<br>/g, '\n')
    .replace(/<a [^>]*href="([^"]*)"[^>]*>(.*?)<\/a>/g, '[$2]($1)')
    .replace(/<[^>]*>/g, '')
    .replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code))
    .replaceAll('&amp;', '&')
    .replaceAll('&quot;', '"');
}

function compare(file: string, found: string): void {
  const written = new URL(file, import.meta.url);
  if (process.env['WRITE_SAMPLES']) writeFileSync(written, `${found}\n`);
  const wanted = readFileSync(written, 'utf8').trimEnd();
  assert.fixture(found, wanted);
}

const deliveries = () =>
  sampleCalls.map(
    ({ name, pushes, lapsed }) => [name, deliveryOf(pushes, { lapsed: lapsed ?? false })] as const,
  );

samples('in HubSpot: hubspot.txt', () =>
  withHubSpotEmulator(async (hubspot) => {
    const connection = await hubspotRig.open(hubspot, {
      ...settings,
      sale: { ...settings.sale, stage: 'closedwon' },
    });
    for (const [, delivery] of deliveries()) await hubspotRig.deliverOne(connection, delivery);
    const of = (kind: 'calls' | 'tasks' | 'deals', id: string) =>
      hubspot.records(kind).filter(({ properties }) => properties['delacon_call_id'] === id);
    const shown = (properties: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(properties).map(([name, value]) => [
          name,
          name.endsWith('_body') ? seen(value) : value,
        ]),
      );
    compare(
      'hubspot.txt',
      written(
        deliveries().map(([name, { key }]) => {
          const contactIds = hubspot
            .calls()
            .find(({ properties }) => properties['delacon_call_id'] === key)?.contactIds;
          return [
            name,
            [
              ...hubspot
                .contacts()
                .filter(({ id }) => contactIds?.includes(id))
                .map(({ properties }) => ['contact', properties] as [string, object]),
              ...(['calls', 'tasks', 'deals'] as const).flatMap((kind) =>
                of(kind, key).map(
                  ({ properties }) => [kind.slice(0, -1), shown(properties)] as [string, object],
                ),
              ),
            ],
          ];
        }),
      ),
    );
  }),
);

samples('in Salesforce: salesforce.txt', () =>
  withSalesforceEmulator(async (salesforce) => {
    const connection = await salesforceRig.open(salesforce, {
      ...settings,
      sale: { ...settings.sale, stage: 'Closed Won' },
    });
    await connection.check(salesforceRig.soon()); // which tells what types Tasks have
    for (const [, delivery] of deliveries()) await salesforceRig.deliverOne(connection, delivery);
    const own =
      /^(?:id|Id|OwnerId|WhoId|WhatId|AccountId|ContactId|IsDeleted|IsArchived|IsConverted|Created.*|LastModified.*|CompletedDateTime|Name|Status\$)$/;
    const shown = (record: object) =>
      Object.fromEntries(Object.entries(record).filter(([name]) => !own.test(name)));
    compare(
      'salesforce.txt',
      written(
        deliveries().map(([name, { key }]) => {
          const tasks = salesforce.tasks();
          const call = tasks.find((task) => task['Delacon_Call_Id__c'] === key);
          return [
            name,
            [
              ...salesforce
                .leads()
                .filter(({ id }) => id === call?.['WhoId'])
                .map((lead) => ['Lead', shown(lead)] as [string, object]),
              ...tasks
                .filter((task) => [task['Delacon_Call_Id__c'], task['Delacon_Follow_Up__c']].includes(key))
                .map((task) => ['Task', shown(task)] as [string, object]),
              ...salesforce
                .opportunities()
                .filter((sale) => sale['Delacon_Call_Id__c'] === key)
                .map((sale) => ['Opportunity', { Name: sale['Name'], ...shown(sale) }] as [string, object]),
            ],
          ];
        }),
      ),
    );
  }),
);

samples('at a webhook: webhook.txt', () =>
  withWebhookReceiver(async (receiver) => {
    const connection = await webhookRig.open(receiver);
    for (const [, delivery] of deliveries()) await webhookRig.deliverOne(connection, delivery);
    const told = (value: unknown): unknown =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(
            Object.entries(value)
              .filter(
                ([name, inner]) =>
                  inner !== null &&
                  inner !== '' &&
                  name !== 'fields' &&
                  name !== 'properties' &&
                  name !== 'source',
              )
              .map(([name, inner]) => [name, told(inner)])
              .filter(([, inner]) => typeof inner !== 'object' || Object.keys(inner as object).length > 0),
          )
        : value;
    compare(
      'webhook.txt',
      deliveries()
        .map(
          ([name, { key }]) =>
            `== ${name}\n${stringify(told(receiver.filed.get(key)), { lineWidth: 0 }).trimEnd()}`,
        )
        .join('\n\n'),
    );
  }),
);

samples('on the page: page.txt', () =>
  withPage(token, async ({ get, receive, store }) => {
    const pages: string[] = [];
    for (const { name, pushes, lapsed } of sampleCalls) {
      for (const push of pushes) await receive(push, { receivedAt: new Date('2026-11-02T02:10:00Z') });
      if (lapsed) await store.lapse(new Date('2026-11-02T12:00:00Z'), () => [], 100);
      const { text } = await get(`/calls/acme/${pushes[0]?.['PLA_Call_Id']}`);
      const sheet = /<h2>The call<\/h2><\/header>(.*?)<\/section>/s.exec(text)?.[1] ?? '';
      const heading = /<div class="head"><h1>.*?<\/h1>(?:<p>.*?<\/p>)?/s.exec(text)?.[0] ?? '';
      const lines = `${heading.replace('</h1>', '\n')}${sheet}`
        .replace(/<\/p>/g, '\n')
        .replace(/<dt>(.*?)<\/dt>/gs, '\n$1: ')
        .replace(/\n+/g, '<br>');
      pages.push(`== ${name}\n${seen(lines).trim().replace(/\n+/g, '\n')}`);
    }
    compare('page.txt', pages.join('\n\n'));
  }),
);

samples.run();
