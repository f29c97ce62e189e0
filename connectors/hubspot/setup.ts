import type { Mapping, PlanStep } from '../../src/connector/index.ts';
import { type MappedField, mappedFields } from '../../src/crm/index.ts';
import type { PropertyDefinition } from './answers.ts';
import type { HubSpotApi, NewProperty } from './api.ts';
import type { LinkFrom } from './associations.ts';
import { attributionProperties } from './attribution.ts';
import { areSearched, type Facts, type HubSpotFacts, keyFacts } from './facts.ts';
import { RequestFailed } from './failures.ts';
import type { HubSpotOptions } from './options.ts';
import { isOwn, type ObjectType, ownGroup, ownProperties } from './setup-names.ts';

/*
 * What HubSpot needs to have before the first call: on each kind of object that the configuration asks for, a group and
 * a unique property; on contacts those that tell how a person's calls came about, where that is wanted; and what the mapping
 * names and the account lacks.
 */

const keys: Record<ObjectType, { label: string; description: string }> = {
  calls: {
    label: 'Delacon call ID',
    description: 'Written by delacon-bridge. Unique: it keeps a phone call from being recorded twice.',
  },
  contacts: {
    label: 'Delacon caller',
    description: 'Written by delacon-bridge: the number the contact called from. Unique.',
  },
  tasks: {
    label: 'Delacon call ID',
    description: 'Written by delacon-bridge. Unique: it keeps a phone call from leaving two tasks.',
  },
  deals: {
    label: 'Delacon call ID',
    description: 'Written by delacon-bridge. Unique: it keeps a phone call from leaving two deals.',
  },
};

/** The objects that these options write to. */
export function objectTypes(options: HubSpotOptions): ObjectType[] {
  return [
    ...(options.activity.isWritten ? ['calls' as const] : []),
    'contacts',
    ...(options.followUp ? ['tasks' as const] : []),
    ...(options.sale ? ['deals' as const] : []),
  ];
}

/** The properties of ours that an object is to have. Keys need not be unique where its records are searched for. */
export function wantedProperties(
  objectType: ObjectType,
  options: HubSpotOptions,
  found: Partial<Facts>,
): NewProperty[] {
  const key: NewProperty = {
    name: ownProperties[objectType],
    ...keys[objectType],
    groupName: ownGroup.name,
    type: 'string',
    hasUniqueValue: !areSearched(objectType, found),
  };
  if (objectType !== 'contacts' || !options.attribution) return [key];
  const touches = attributionProperties.map((one) => ({
    ...one,
    groupName: ownGroup.name,
    hasUniqueValue: false,
  }));
  return [key, ...touches];
}

/** A step, and what carries it out. */
interface Task {
  step: PlanStep;
  run(signal: AbortSignal): Promise<void>;
}

export async function plan(
  api: HubSpotApi,
  options: HubSpotOptions,
  facts: HubSpotFacts,
  signal: AbortSignal,
): Promise<PlanStep[]> {
  return (await tasks(api, options, facts, signal)).map(({ step }) => step);
}

export async function apply(
  api: HubSpotApi,
  options: HubSpotOptions,
  facts: HubSpotFacts,
  signal: AbortSignal,
  done: (step: PlanStep) => void,
): Promise<void> {
  const all = await tasks(api, options, facts, signal);
  const conflicts = all.filter(({ step }) => step.action === 'conflict');
  if (conflicts.length > 0) {
    throw new Error(conflicts.map(({ step }) => `${step.subject}: ${step.detail}`).join('\n'));
  }
  for (const { step, run } of all) {
    if (step.action === 'create') await run(signal);
    done(step);
  }
}

async function tasks(
  api: HubSpotApi,
  options: HubSpotOptions,
  facts: HubSpotFacts,
  signal: AbortSignal,
): Promise<Task[]> {
  const account = await facts.all();
  const found = await Promise.all(
    objectTypes(options).map(async (objectType) => {
      const [groups, properties] = await Promise.all([
        api.groups(objectType, signal),
        api.properties(objectType, signal),
      ]);
      return [
        groupTask(api, objectType, groups),
        ...wantedProperties(objectType, options, account).map((wanted) =>
          propertyTask(api, objectType, wanted, properties, facts),
        ),
        ...mappedTasks(api, objectType, options, properties),
      ];
    }),
  );
  return found.flat();
}

function groupTask(api: HubSpotApi, objectType: ObjectType, groups: readonly string[]): Task {
  const exists = groups.includes(ownGroup.name);
  return {
    step: {
      action: exists ? 'keep' : 'create',
      subject: `property group ${objectType}.${ownGroup.name}`,
      detail: `"${ownGroup.label}", where HubSpot lists the bridge's properties`,
    },
    run: (signal) => api.createGroup(objectType, ownGroup, signal),
  };
}

const types: Record<MappedField['holds'], NewProperty['type']> = {
  text: 'string',
  number: 'number',
  'yes or no': 'bool',
  'date and time': 'datetime',
};

/** Names beginning with `hs_` are HubSpot's own: one that is not there is written wrongly. */
const isNameOfProperty = (name: string) => /^(?!hs_|hubspot_)[a-z][a-z0-9_]{0,99}$/.test(name);

function mappedTasks(
  api: HubSpotApi,
  objectType: ObjectType,
  { person, activity, followUp, sale }: HubSpotOptions,
  existing: readonly PropertyDefinition[],
): Task[] {
  const mappings: Record<ObjectType, Mapping> = {
    contacts: person.properties,
    calls: activity.properties,
    tasks: followUp?.properties ?? {},
    deals: sale?.properties ?? {},
  };
  const isLacking = ({ name }: MappedField) =>
    isNameOfProperty(name) && !isOwn(name) && !existing.some((property) => property.name === name);
  return mappedFields(mappings[objectType])
    .filter(isLacking)
    .map(({ name, label, holds }) => ({
      step: {
        action: 'create',
        subject: `property ${objectType}.${name}`,
        detail: `"${label}", ${holds}, for what the mapping writes`,
      },
      async run(signal) {
        const description = 'Written by delacon-bridge, as its mapping says.';
        const property = {
          name,
          label,
          description,
          groupName: ownGroup.name,
          type: types[holds],
          hasUniqueValue: false,
        };
        await api.createProperty(objectType, property, signal);
      },
    }));
}

function propertyTask(
  api: HubSpotApi,
  objectType: ObjectType,
  wanted: NewProperty,
  existing: readonly PropertyDefinition[],
  facts: HubSpotFacts,
): Task {
  const problem = flaw(
    wanted,
    existing.find((property) => property.name === wanted.name),
  );
  const subject = `property ${objectType}.${wanted.name}`;
  const form = wanted.type === 'datetime' ? 'date and time' : 'text';
  const detail = `"${wanted.label}", ${form}${wanted.hasUniqueValue ? ' with unique values' : ''}`;
  return {
    step:
      problem === 'missing'
        ? { action: 'create', subject, detail }
        : problem === undefined
          ? { action: 'keep', subject, detail }
          : { action: 'conflict', subject, detail: problem },
    async run(signal) {
      const tellOfCrowd = (cause: unknown): never => {
        const crowded = crowding(objectType, wanted, existing);
        throw crowded === undefined ? cause : new Error(`${subject}: ${crowded}`, { cause });
      };
      const remaining =
        wanted.hasUniqueValue && objectType !== 'contacts'
          ? await createKey(api, objectType, wanted, facts, signal)
          : flaw(wanted, await api.createProperty(objectType, wanted, signal).catch(tellOfCrowd));
      // Creating the name of a deleted property brings that one back as it was.
      if (remaining !== undefined) throw new Error(`${subject}: ${remaining}`);
    },
  };
}

/** An account that refuses unique values gets the property without, and what has it is searched for. */
async function createKey(
  api: HubSpotApi,
  objectType: LinkFrom,
  wanted: NewProperty,
  facts: HubSpotFacts,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return flaw(wanted, await api.createProperty(objectType, wanted, signal));
  } catch (thrown) {
    if (!(thrown instanceof RequestFailed) || thrown.failure.kind !== 'rejected') throw thrown;
    const searched = { ...wanted, hasUniqueValue: false };
    const remaining = flaw(searched, await api.createProperty(objectType, searched, signal));
    if (remaining === undefined) await facts.keep({ [keyFacts[objectType]]: 'searched' });
    return remaining;
  }
}

/** Why a property does not do, if so. */
export function flaw(wanted: NewProperty, property: PropertyDefinition | undefined): string | undefined {
  if (property === undefined) return 'missing';
  if (property.type !== wanted.type) {
    const form = wanted.type === 'datetime' ? 'as date and time' : 'as text';
    return `exists as ${property.type}, not ${form}. ${makeRoom}`;
  }
  if (wanted.hasUniqueValue && property.hasUniqueValue !== true) {
    return `exists without unique values, which HubSpot cannot change afterwards. ${makeRoom}`;
  }
  return undefined;
}

/** Of one object. https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide */
const mostUnique = 10;

/** Why HubSpot makes no unique property, if it may be that: which of the others can go, a person knows. */
export function crowding(
  objectType: ObjectType,
  { hasUniqueValue }: NewProperty,
  existing: readonly PropertyDefinition[],
): string | undefined {
  const unique = existing.filter((property) => property.hasUniqueValue && !property.hubspotDefined);
  if (!hasUniqueValue || unique.length < mostUnique) return undefined;
  const names = unique.map(({ name }) => name).join(', ');
  return `${objectType} have as many properties with unique values as HubSpot allows: ${names}. Delete one that nobody needs for good in HubSpot (Settings, Properties, also from "Archived properties"), then run setup again.`;
}

const makeRoom =
  'Delete it for good in HubSpot (Settings, Properties, also from "Archived properties"), then run setup again.';
