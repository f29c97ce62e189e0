import type { Finding } from '../../src/connector/contract.ts';
import type { FieldDescription, ObjectDescription, SalesforceApi } from './api.ts';
import { RequestFailed } from './failures.ts';
import type { ObjectName, SalesforceOptions } from './options.ts';
import { allOwnFields, flaw } from './own-fields.ts';

type Descriptions = Record<ObjectName, ObjectDescription>;

const defaults: Record<ObjectName, string[]> = {
  Task: [
    'TaskSubtype',
    'CallType',
    'Subject',
    'Status',
    'ActivityDate',
    'CallDurationInSeconds',
    'CallDisposition',
    'CallObject',
    'Description',
    'WhoId',
  ],
  Lead: ['LastName', 'Company', 'Phone', 'LeadSource'],
  Contact: ['LastName', 'Phone', 'LeadSource'],
};

/** Looks at everything that can be looked at without writing: login, version, objects, own and mapped fields. */
export async function check(
  api: SalesforceApi,
  options: SalesforceOptions,
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    const versions = await api.versions(signal);
    const [Task, Lead, Contact] = await Promise.all([
      api.describe('Task', signal),
      api.describe('Lead', signal),
      api.describe('Contact', signal),
    ]);
    const descriptions = { Task, Lead, Contact };
    const { create } = options.person;
    return [
      login(api),
      version(api, versions),
      ...ownFieldsOf(api, descriptions),
      ...createableObject('Task', descriptions),
      ...(create === false ? [] : createableObject(create, descriptions)),
      ...defaultFields('Task', Object.keys(options.activity.properties), descriptions),
      ...(create === false
        ? []
        : defaultFields(create, Object.keys(options.person.properties), descriptions)),
      ...mappedFields('Task', 'activity', Object.keys(options.activity.properties), descriptions),
      ...(create === false
        ? []
        : mappedFields(create, 'person', Object.keys(options.person.properties), descriptions)),
      ...statuses(options, Task),
    ];
  } catch (thrown) {
    if (!(thrown instanceof RequestFailed)) throw thrown;
    const { kind, reason } = thrown.failure;
    const fix =
      kind === 'retry'
        ? 'Try again in a minute.'
        : 'Look at the External Client App, its secret, its Run As user and auth.loginUrl.';
    return [{ level: 'problem', subject: 'login', message: reason, fix }];
  }
}

function login(api: SalesforceApi): Finding {
  const usage = api.usage ? ` ${api.usage.used} of ${api.usage.limit} API requests used in 24 hours.` : '';
  const message = `Organization ${api.user?.organizationId}, user ${api.user?.id}.${usage}`;
  return { level: 'ok', subject: 'login', message };
}

function version(api: SalesforceApi, offered: readonly string[]): Finding {
  const subject = `API version ${api.apiVersion}`;
  if (offered.includes(api.apiVersion)) return { level: 'ok', subject, message: 'The org offers it.' };
  const fix = `Set apiVersion to one from ${offered[0]} to ${offered.at(-1)}.`;
  return { level: 'problem', subject, message: 'The org does not offer it.', fix };
}

function ownFieldsOf(api: SalesforceApi, descriptions: Descriptions): Finding[] {
  const fix = `Run \`delacon-bridge setup ${api.connector}\`.`;
  return allOwnFields.map((own) => {
    const subject = `field ${own.object}.${own.name}`;
    const field = fieldOf(descriptions, own.object, own.name);
    if (!field) {
      const message = "It is missing, or the bridge's user may not see it.";
      return { level: 'problem', subject, message, fix };
    }
    const problem = flaw(field);
    if (problem !== undefined) return { level: 'problem', subject, message: `It ${problem}`, fix };
    if (!field.createable || !field.updateable) {
      return { level: 'problem', subject, message: "The bridge's user may not edit it.", fix };
    }
    return { level: 'ok', subject, message: 'It is there, and unique.' };
  });
}

function createableObject(object: ObjectName, descriptions: Descriptions): Finding[] {
  if (descriptions[object].createable) return [];
  const fix = `Give the bridge's user "Create" on ${object}${object === 'Task' ? ' ("Edit Tasks")' : ''}.`;
  const message = "The bridge's user may not create any.";
  return [{ level: 'problem', subject: `object ${object}`, message, fix }];
}

/** What is written without being asked for, as far as the mapping does not say otherwise. */
function defaultFields(object: ObjectName, mapped: readonly string[], descriptions: Descriptions): Finding[] {
  return defaults[object].flatMap((name) => {
    const part = object === 'Task' ? 'activity' : 'person';
    if (mapped.includes(name) || fieldOf(descriptions, object, name)?.createable) return [];
    const fix = `Let the bridge's user edit it, or set ${part}.properties.${name} to "".`;
    const message = "The bridge's user may not write it.";
    return [{ level: 'problem' as const, subject: `field ${object}.${name}`, message, fix }];
  });
}

function mappedFields(
  object: ObjectName,
  part: 'activity' | 'person',
  names: readonly string[],
  descriptions: Descriptions,
): Finding[] {
  return names.map((name) => {
    const subject = `field ${object}.${name}`;
    const field = fieldOf(descriptions, object, name);
    const where = `${part}.properties.${name}`;
    if (!field) {
      const fix = `Create it in Salesforce, let the bridge's user see it, or take ${where} out of the configuration.`;
      const message = "It is mapped, but missing, or the bridge's user may not see it.";
      return { level: 'problem', subject, message, fix };
    }
    if (!field.createable) {
      const fix = `Let the bridge's user edit it, or take ${where} out of the configuration.`;
      return { level: 'problem', subject, message: 'It is mapped, but may not be written.', fix };
    }
    return { level: 'ok', subject, message: `It is there: ${field.type}.` };
  });
}

/** Orgs may rename statuses. Salesforce would take ours all the same, and reports would not. */
function statuses(options: SalesforceOptions, task: ObjectDescription): Finding[] {
  const field = task.fields.find(({ name }) => name === 'Status');
  if (!field || 'Status' in options.activity.properties) return [];
  const known = field.picklistValues.filter(({ active }) => active).map(({ value }) => value);
  const missing = ['In Progress', 'Completed'].filter((status) => !known.includes(status));
  if (missing.length === 0) return [];
  return [
    {
      level: 'warning',
      subject: 'field Task.Status',
      message: `The org has no status ${missing.join(', ')}; it has ${known.join(', ')}.`,
      fix: 'Map activity.properties.Status to statuses of the org.',
    },
  ];
}

function fieldOf(descriptions: Descriptions, object: ObjectName, name: string): FieldDescription | undefined {
  return descriptions[object].fields.find((field) => field.name === name);
}
