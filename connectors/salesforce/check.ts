import { type Finding, ownCommand, type RecordRole } from '../../src/connector/index.ts';
import { checkOwners, type Users, unaskedFields } from '../../src/crm/index.ts';
import type { FieldDescription, ObjectDescription } from './answers.ts';
import type { SalesforceApi } from './api.ts';
import { RequestFailed } from './failures.ts';
import { encryptedPhones, type PlaceName } from './look-up.ts';
import { modelOf, placeFields } from './model.ts';
import { matchOf, type ObjectName, type SalesforceOptions } from './options.ts';
import { flaw, type OwnField, ownFieldsFor } from './own-fields.ts';
import { optional, recordTypeFor, stageFor } from './sales.ts';
import { sharing } from './sharing.ts';

type Descriptions = Partial<Record<ObjectName, ObjectDescription>>;

/** A kind of record that is made, and where its mapping is in the configuration. */
interface Made {
  object: ObjectName;
  part: RecordRole;
  /** Written without being asked for. */
  defaults: readonly string[];
  mapped: readonly string[];
}

/** Looks at everything that can be looked at without writing: login, version, objects, fields, users, stages. */
export async function check(
  api: SalesforceApi,
  options: SalesforceOptions,
  users: Users,
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    const versions = await api.versions(signal);
    const own = ownFieldsFor(options);
    const made = madeBy(options);
    const descriptions = await describeAll(
      api,
      [...new Set([...own, ...made].map(({ object }) => object)), ...matched(options)],
      signal,
    );
    return [
      login(api),
      version(api, versions),
      ...own.map((field) => ownField(api, field, descriptions)),
      ...[...new Set(made.map(({ object }) => object))].flatMap((object) => createable(object, descriptions)),
      ...matched(options).flatMap((object) => readable(object, descriptions)),
      ...matchedPlaces(options).flatMap((object) => encrypted(object, descriptions)),
      ...made.flatMap((one) => defaultFields(one, descriptions)),
      ...made.flatMap((one) => mappedFields(one, descriptions)),
      ...made.flatMap((one) => requiredFields(one, descriptions)),
      ...statuses(options, descriptions.Task),
      ...sales(options, descriptions.Opportunity),
      ...(await owners(api, options, users, signal)),
    ];
  } catch (thrown) {
    if (!(thrown instanceof RequestFailed)) throw thrown;
    const { kind, reason } = thrown.failure;
    // A reason that blocks says itself what to do.
    const fix =
      kind === 'retry'
        ? 'Try again in a minute. If it stays so, look at loginUrl and the network of this machine: names, proxy, firewall.'
        : 'Do what it says, then check again.';
    return [{ level: 'problem', subject: 'login', message: reason, fix }];
  }
}

function madeBy(options: SalesforceOptions): Made[] {
  const { person, activity, followUp, sale, owner } = options;
  const unasked = unaskedFields(modelOf(options));
  const made = (
    object: ObjectName,
    part: RecordRole,
    defaults: readonly string[],
    properties: object = {},
  ): Made => ({
    object,
    part,
    defaults: [...defaults, ...(owner ? ['OwnerId'] : [])],
    mapped: Object.keys(properties),
  });
  return [
    activity.isWritten
      ? made(
          'Task',
          'activity',
          [...unasked.activity.filter((name) => name !== 'Type'), 'WhoId'],
          activity.properties,
        )
      : [],
    person.create
      ? made(
          person.create,
          'person',
          unasked.person.filter(
            (name) => !Object.values(placeFields[person.create || 'Lead']).includes(name),
          ),
          person.properties,
        )
      : [],
    followUp ? made('Task', 'followUp', [...unasked.followUp, 'WhoId'], followUp.properties) : [],
    sale
      ? made(
          'Opportunity',
          'sale',
          unasked.sale.filter((name) => !optional.includes(name)),
          sale.properties,
        )
      : [],
  ].flat();
}

/** Objects that callers are looked for in, besides those that have our key. */
function matched(options: SalesforceOptions): ObjectName[] {
  const match = matchOf(options);
  return match.includes('Account') || match.includes('PersonAccount') ? ['Account'] : [];
}

function matchedPlaces(options: SalesforceOptions): PlaceName[] {
  return [...new Set(matchOf(options).map((one) => (one === 'PersonAccount' ? 'Account' : one)))];
}

/** An object that our user may not see at all has no description. */
async function describeAll(
  api: SalesforceApi,
  objects: readonly ObjectName[],
  signal: AbortSignal,
): Promise<Descriptions> {
  const described = await Promise.all(
    objects.map(async (object) => {
      try {
        return [[object, await api.describe(object, signal)] as const];
      } catch (thrown) {
        if (thrown instanceof RequestFailed && thrown.failure.isMissing) return [];
        throw thrown;
      }
    }),
  );
  return Object.fromEntries(described.flat());
}

function login(api: SalesforceApi): Finding {
  const usage = api.usage ? ` ${api.usage.used} of ${api.usage.limit} API requests used in 24 hours.` : '';
  const message = `Organization ${api.user?.organizationId}, user ${api.user?.id}.${usage}`;
  const account = api.user && { account: api.user.organizationId };
  return { level: 'ok', subject: 'login', message, ...account };
}

function version(api: SalesforceApi, offered: readonly string[]): Finding {
  const subject = `API version ${api.apiVersion}`;
  if (offered.includes(api.apiVersion)) return { level: 'ok', subject, message: 'The org offers it.' };
  const fix = `Set apiVersion to one from ${offered[0]} to ${offered.at(-1)}.`;
  return { level: 'problem', subject, message: 'The org does not offer it.', fix };
}

function ownField(api: SalesforceApi, own: OwnField, descriptions: Descriptions): Finding {
  const fix = `Run \`${ownCommand(`setup ${api.connector}`)}\`.`;
  const subject = `field ${own.object}.${own.name}`;
  const field = fieldOf(descriptions, own.object, own.name);
  if (!field) {
    const message = "It is missing, or the bridge's user may not see it.";
    return { level: 'problem', subject, message, fix };
  }
  const problem = flaw(own, field);
  if (problem !== undefined) return { level: 'problem', subject, message: `It ${problem}`, fix };
  if (!field.createable || !field.updateable) {
    return { level: 'problem', subject, message: "The bridge's user may not edit it.", fix };
  }
  return {
    level: 'ok',
    subject,
    message: own.definition.unique ? 'It is there, and unique.' : 'It is there.',
  };
}

function createable(object: ObjectName, descriptions: Descriptions): Finding[] {
  if (descriptions[object]?.createable) return [];
  const fix = `Give the bridge's user "Create" on ${object}${object === 'Task' ? ' ("Edit Tasks")' : ''}.`;
  const message = "The bridge's user may not create any.";
  return [{ level: 'problem', subject: `object ${object}`, message, fix }];
}

function readable(object: ObjectName, descriptions: Descriptions): Finding[] {
  if (descriptions[object]) return [];
  const fix = `Give the bridge's user "Read" and "View All" on ${object}, or take it out of person.match.`;
  const message = "The bridge's user may not read any.";
  return [{ level: 'problem', subject: `object ${object}`, message, fix }];
}

function encrypted(object: PlaceName, descriptions: Descriptions): Finding[] {
  const described = descriptions[object];
  if (!described) return [];
  return encryptedPhones(object, described).map((name) => ({
    level: 'warning',
    subject: `field ${object}.${name}`,
    message:
      'It is encrypted, so queries cannot compare it: who has a number there alone is found by searching, which is some minutes behind.',
    fix: 'Encrypt it deterministically, if the policy allows that, or live with it.',
  }));
}

/** What is written without being asked for, as far as the mapping does not say otherwise. */
function defaultFields({ object, part, defaults, mapped }: Made, descriptions: Descriptions): Finding[] {
  if (!descriptions[object]) return [];
  return defaults.flatMap((name) => {
    if (mapped.includes(name) || fieldOf(descriptions, object, name)?.createable) return [];
    const fix = `Let the bridge's user edit it, or set ${part}.properties.${name} to "".`;
    const message = "The bridge's user may not write it.";
    return [{ level: 'problem' as const, subject: `field ${object}.${name}`, message, fix }];
  });
}

function mappedFields({ object, part, mapped }: Made, descriptions: Descriptions): Finding[] {
  if (!descriptions[object]) return [];
  return mapped.map((name) => {
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

/** What the org demands of every new record of a kind, and nothing here says. */
function requiredFields({ object, part, defaults, mapped }: Made, descriptions: Descriptions): Finding[] {
  const written = [...defaults, ...mapped];
  const demanded = (descriptions[object]?.fields ?? []).filter(
    ({ nillable, defaultedOnCreate, createable, type }) =>
      createable && !nillable && !defaultedOnCreate && type !== 'boolean',
  );
  return demanded
    .filter(({ name }) => !written.includes(name))
    .map(({ name }) => ({
      level: 'problem',
      subject: `field ${object}.${name}`,
      message: `The org demands it of every new ${object}, and nothing is written to it.`,
      fix: `Map ${part}.properties.${name}.`,
    }));
}

/** Orgs may rename statuses. Salesforce would take ours all the same, and reports would not. */
function statuses(options: SalesforceOptions, task: ObjectDescription | undefined): Finding[] {
  const field = task?.fields.find(({ name }) => name === 'Status');
  const written = [
    ...('Status' in options.activity.properties ? [] : ['In Progress', 'Completed']),
    ...(options.followUp && options.followUp.doneWhen !== 'closedByHand' ? ['Completed'] : []),
  ];
  if (!field || written.length === 0) return [];
  const known = field.picklistValues.filter(({ active }) => active).map(({ value }) => value);
  const missing = [...new Set(written)].filter((status) => !known.includes(status));
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

function sales({ sale }: SalesforceOptions, opportunity: ObjectDescription | undefined): Finding[] {
  if (!sale || !opportunity) return [];
  const stage = stageFor(opportunity, sale.stage);
  const recordType = sale.pipeline === undefined ? undefined : recordTypeFor(opportunity, sale.pipeline);
  const told = (subject: string, found: ReturnType<typeof stageFor>): Finding =>
    found.problem === undefined
      ? { level: 'ok', subject, message: `The org has it: ${found.value}.` }
      : { level: 'problem', subject, message: found.problem, fix: `Set ${subject} to one of these.` };
  return [told('sale.stage', stage), ...(recordType ? [told('sale.pipeline', recordType)] : [])];
}

async function owners(
  api: SalesforceApi,
  options: SalesforceOptions,
  users: Users,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { owner } = options;
  const known = owner ? await checkOwners(users, owner, signal) : [];
  const ids = owner
    ? [...Object.values(owner.map), owner.otherwise].flatMap((one) => users.idOf(one) ?? [])
    : [];
  return [...known, ...(await sharing(api, options, ids, signal))];
}

function fieldOf(descriptions: Descriptions, object: ObjectName, name: string): FieldDescription | undefined {
  return descriptions[object]?.fields.find((field) => field.name === name);
}
