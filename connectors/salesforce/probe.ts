import type { Assumption, Probe, Tools, Trial } from '../../src/connector/index.ts';
import { mustBeSetUp } from '../../src/crm/index.ts';
import type { Row } from './answers.ts';
import type { SalesforceApi } from './api.ts';
import { RequestFailed } from './failures.ts';
import type { SalesforceOptions } from './options.ts';
import { people, requests, search } from './probe-people.ts';
import { ProbedOrg, subject, words } from './probed-org.ts';
import { plan } from './setup.ts';
import { ownFields } from './setup-names.ts';
import { isIn, quote } from './soql.ts';

/** Puts the open points of what is known about Salesforce to the test. */
export class SalesforceProbe implements Probe {
  readonly api: string;
  readonly writes = [
    'make about a dozen Leads and Tasks called "delacon-bridge probe", and an Account if the user may, and delete them all (they stay in the recycle bin for a while),',
    'use numbers that nobody has: +61 491 570 006 and others that are kept for fiction,',
    'send some requests that Salesforce must refuse, and search for up to ten minutes, because its index lags.',
  ];
  readonly #api: SalesforceApi;
  readonly #options: SalesforceOptions;
  readonly #tools: Tools;

  constructor(api: SalesforceApi, options: SalesforceOptions, tools: Tools) {
    this.#api = api;
    this.#options = options;
    this.#tools = tools;
    this.api = `Salesforce REST API v${api.apiVersion}`;
  }

  async run(signal: AbortSignal, found: (result: Assumption) => void): Promise<void> {
    mustBeSetUp(await plan(this.#api, this.#options, signal), this.#tools);
    for (const object of ['Task', 'Lead']) {
      const { body } = await this.#api.ask('GET', `/sobjects/${object}/describe`, undefined, signal);
      if ((body as { deletable?: unknown }).deletable === false)
        throw new Error(
          `Nothing was tried. Let the bridge's user delete ${object}s for the time of the probe, so that nothing is left.`,
        );
    }
    const on = new ProbedOrg(this.#api, this.#tools, signal);
    const trials = [setUp(on), tasks(on), refusals(on), people(on), requests(on), search(on)];
    await on.run(trials.flat(), this.#api.facts, found);
  }
}

function setUp(on: ProbedOrg): Trial[] {
  return [
    {
      assumption: 'The Metadata API shows the definitions of fields.',
      expected: 'readMetadata answers the field of the key.',
      otherwise: 'goes on: the permission is needed for setup only',
      see: async () => {
        const path = `Activity.${ownFields.Task}`;
        try {
          const [field] = await on.api.definitions.read([path], on.signal);
          const seen = field ? `${path}: ${field.type}, unique ${field.unique}.` : `${path} is not shown.`;
          return { holds: field !== undefined, seen };
        } catch (thrown) {
          if (!(thrown instanceof RequestFailed) || thrown.failure.kind === 'retry') throw thrown;
          return { holds: false, seen: thrown.failure.reason };
        }
      },
    },
    {
      assumption: 'Permissions of fields can be read as records.',
      expected: 'a query of FieldPermissions is answered',
      otherwise: 'needs the permission set to be given by hand; check says so',
      see: async () => {
        const path = `Task.${ownFields.Task}`;
        const { rows, failure } = await on.query(
          `SELECT Id,PermissionsEdit FROM FieldPermissions WHERE Field = ${quote(path)}`,
        );
        return { holds: rows !== undefined, seen: rows ? `${rows.length} rows.` : (failure?.reason ?? '') };
      },
    },
  ];
}

function tasks(on: ProbedOrg): Trial[] {
  return [
    {
      assumption: 'An upsert under our field makes a Task that is a call.',
      expected: '"created": true, TaskSubtype Call',
      otherwise: '',
      see: async () => {
        const { key, result } = await on.task();
        const { rows } = await on.query(
          `SELECT Id,TaskSubtype FROM Task WHERE ${isIn(ownFields.Task, [key])}`,
        );
        const subtype = rows?.[0]?.['TaskSubtype'];
        const holds = result.created === true && subtype === 'Call';
        return { holds, seen: `${words(result)}; TaskSubtype ${String(subtype)}.` };
      },
    },
    {
      assumption:
        'That a Task is there is said by refusing its TaskSubtype, in words that the connector knows.',
      expected: 'INVALID_FIELD_FOR_INSERT_UPDATE with TaskSubtype',
      otherwise:
        'looks up what is there after every refusal that it does not know; where it is not refused, the Task is updated, which is as well',
      see: async () => {
        const { key } = await on.task();
        const result = await on.upsert('Task', key, on.call());
        if (result.success) return { holds: false, seen: `It is taken: ${words(result)}.` };
        const cure = on.failureOf(result)?.cure;
        const known =
          cure?.what === 'taken' || (cure?.what === 'fields' && cure.names.includes('TaskSubtype'));
        return { holds: on.isKnown(known), seen: words(result) };
      },
    },
    {
      assumption: 'Salesforce keeps our key unique on Tasks.',
      expected: 'DUPLICATE_VALUE to a second Task with the key',
      otherwise: 'finds the Task by the key all the same; the field should be mended: run check',
      see: async () => {
        const { key } = await on.task();
        const result = await on.create('Task', key, { ...on.call(), [ownFields.Task]: key });
        const holds = !result.success && on.failureOf(result)?.cure?.what === 'taken';
        return { holds, seen: words(result) };
      },
    },
    {
      assumption: 'A key that comes twice in one request fails both, and neither is written.',
      expected: 'DUPLICATE_VALUE, "Duplicate external id specified"',
      otherwise: 'never sends a key twice in one request',
      see: async () => {
        const key = on.trials.key();
        const records = [1, 2].map(() => on.record('Task', { ...on.call(), [ownFields.Task]: key }));
        const results = await on.collection('Task', key, records);
        return { holds: results.every(({ success }) => !success), seen: results.map(words).join('; ') };
      },
    },
    {
      assumption: 'A query sees at once what was written, by the key.',
      expected: 'the Task that was just made, with query and with queryAll',
      otherwise: '',
      see: async () => {
        const { key, result } = await on.task();
        const condition = isIn(ownFields.Task, [key]);
        const plain = await on.query(`SELECT Id FROM Task WHERE ${condition}`);
        const all = await on.query(
          `SELECT Id FROM Task WHERE IsDeleted = false AND ${condition}`,
          'queryAll',
        );
        const sees = ({ rows }: { rows?: Row[] | undefined }) =>
          rows?.some(({ Id }) => Id === result.id) === true;
        const seen = [plain, all].map((found) => found.failure?.reason ?? `${found.rows?.length} rows`);
        return { holds: sees(plain) && sees(all), seen: seen.join('; ') };
      },
    },
  ];
}

function refusals(on: ProbedOrg): Trial[] {
  const unread = 'looks up what is there after every refusal that it does not know';
  return [
    {
      assumption: 'That the person of a new Task is deleted is said in words that the connector knows.',
      expected: 'ENTITY_IS_DELETED or INVALID_CROSS_REFERENCE_KEY',
      otherwise: unread,
      see: async () => {
        const lead = await on.lead();
        await on.delete('Lead', lead, on.signal);
        const result = await on.upsert('Task', on.trials.key(), { ...on.call(), WhoId: lead });
        if (result.success) return { holds: null, seen: `Salesforce takes it: ${words(result)}` };
        return {
          holds: on.isKnown(on.failureOf(result)?.cure?.what === 'gone'),
          seen: words(result),
        };
      },
    },
    {
      assumption: 'That a Task to be updated is deleted is said in words that the connector knows.',
      expected: 'ENTITY_IS_DELETED',
      otherwise: unread,
      see: async () => {
        const { id = '' } = await on.upsert('Task', on.trials.key(), on.call());
        await on.delete('Task', id, on.signal);
        const [result = {}] = await on.update('Task', id, { Description: 'probe' });
        if (result.success) return { holds: false, seen: `Salesforce takes it: ${words(result)}` };
        return {
          holds: on.isKnown(on.failureOf(result)?.cure?.what === 'gone'),
          seen: words(result),
        };
      },
    },
    {
      assumption: 'That the person of a Task is a converted Lead is said in words that the connector knows.',
      expected: 'CANNOT_UPDATE_CONVERTED_LEAD',
      otherwise: unread,
      see: async () => ({
        holds: null,
        seen: 'Not tried: the REST API cannot convert a Lead, and what a conversion makes could not all be deleted.',
      }),
    },
    {
      assumption: 'A value that is too long is refused by its own code.',
      expected: 'STRING_TOO_LONG',
      otherwise: 'shows the call as failed, in the words of Salesforce',
      see: async () => {
        const result = await on.upsert('Task', on.trials.key(), {
          ...on.call(),
          Subject: 'x'.repeat(256),
        });
        return { holds: on.failureOf(result)?.cure?.what === 'values', seen: words(result) };
      },
    },
    {
      assumption: 'A value that is not on a restricted list is refused by its own code.',
      expected: 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
      otherwise: 'shows the call as failed, in the words of Salesforce',
      see: async () => {
        const result = await on.upsert('Task', on.trials.key(), {
          ...on.call(),
          CallType: 'Probe',
        });
        return { holds: on.failureOf(result)?.cure?.what === 'values', seen: words(result) };
      },
    },
    {
      assumption: 'A field that is not there is named.',
      expected: 'INVALID_FIELD, "No such column"',
      otherwise: 'shows the call as failed, in the words of Salesforce',
      see: async () => {
        const result = await on.upsert('Task', on.trials.key(), {
          ...on.call(),
          Delacon_Probe__c: 'x',
        });
        const cure = on.failureOf(result)?.cure;
        return {
          holds: cure?.what === 'fields' && cure.names.includes('Delacon_Probe__c'),
          seen: words(result),
        };
      },
    },
    {
      assumption: 'A Task of a Lead cannot be related to an Account.',
      expected: 'FIELD_INTEGRITY_EXCEPTION on WhoId and WhatId',
      otherwise: 'does as always: it sets WhatId on no Task of a Lead',
      see: async () => {
        const name = on.trials.key();
        const account = await on.create('Account', name, { Name: `${subject} ${name}` });
        if (!account.success) return { holds: null, seen: `No Account could be made: ${words(account)}` };
        const lead = await on.lead();
        const linked = { ...on.call(), WhoId: lead, WhatId: account.id };
        const result = await on.upsert('Task', on.trials.key(), linked);
        return { holds: !result.success, seen: words(result) };
      },
    },
  ];
}
