import type { PlanStep } from '../../src/connector/contract.ts';
import type { HubSpotApi, ObjectType, PropertyDefinition } from './api.ts';
import { RequestFailed } from './failures.ts';
import type { Found, HubSpotFindings } from './found.ts';
import { ownGroup, ownProperties } from './setup-names.ts';

/** What HubSpot needs to have before the first call: a group and a unique property on calls and on contacts. */

const descriptions: Record<ObjectType, { label: string; description: string }> = {
  calls: {
    label: 'Delacon call ID',
    description: 'Written by delacon-bridge. Unique: it keeps a phone call from being recorded twice.',
  },
  contacts: {
    label: 'Delacon caller',
    description: 'Written by delacon-bridge: the number the contact called from. Unique.',
  },
};

const objectTypes = ['calls', 'contacts'] as const;

/** A step, and what carries it out. */
interface Task {
  step: PlanStep;
  run(signal: AbortSignal): Promise<void>;
}

export async function plan(
  api: HubSpotApi,
  findings: HubSpotFindings,
  signal: AbortSignal,
): Promise<PlanStep[]> {
  return (await tasks(api, findings, signal)).map(({ step }) => step);
}

export async function apply(
  api: HubSpotApi,
  findings: HubSpotFindings,
  signal: AbortSignal,
  done: (step: PlanStep) => void,
): Promise<void> {
  const all = await tasks(api, findings, signal);
  const conflicts = all.filter(({ step }) => step.action === 'conflict');
  if (conflicts.length > 0) {
    throw new Error(conflicts.map(({ step }) => `${step.subject}: ${step.detail}`).join('\n'));
  }
  for (const { step, run } of all) {
    if (step.action === 'create') await run(signal);
    done(step);
  }
}

async function tasks(api: HubSpotApi, findings: HubSpotFindings, signal: AbortSignal): Promise<Task[]> {
  const account = await findings.all();
  const found = await Promise.all(
    objectTypes.map(async (objectType) => {
      const [groups, properties] = await Promise.all([
        api.groups(objectType, signal),
        api.properties(objectType, signal),
      ]);
      return [
        groupTask(api, objectType, groups),
        propertyTask(api, objectType, properties, findings, account),
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

function propertyTask(
  api: HubSpotApi,
  objectType: ObjectType,
  existing: readonly PropertyDefinition[],
  findings: HubSpotFindings,
  account: Partial<Found>,
): Task {
  const name = ownProperties[objectType];
  const isSearched = objectType === 'calls' && account.callKeys === 'searched';
  const problem = flaw(
    existing.find((property) => property.name === name),
    isSearched,
  );
  const subject = `property ${objectType}.${name}`;
  const { label, description } = descriptions[objectType];
  const detail = `"${label}", text with unique values`;
  return {
    step:
      problem === 'missing'
        ? { action: 'create', subject, detail }
        : problem === undefined
          ? { action: 'keep', subject, detail }
          : { action: 'conflict', subject, detail: problem },
    async run(signal) {
      const property = { name, label, description, groupName: ownGroup.name };
      const remaining =
        objectType === 'calls'
          ? await createCallKey(api, property, findings, signal)
          : flaw(await api.createProperty(objectType, property, signal));
      // Creating the name of a deleted property brings that one back as it was.
      if (remaining !== undefined) throw new Error(`${subject}: ${remaining}`);
    },
  };
}

/** An account that refuses unique values on calls gets the property without, and calls are searched for by it. */
async function createCallKey(
  api: HubSpotApi,
  property: Parameters<HubSpotApi['createProperty']>[1],
  findings: HubSpotFindings,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return flaw(await api.createProperty('calls', property, signal));
  } catch (thrown) {
    const isRefused = thrown instanceof RequestFailed && thrown.failure.kind === 'rejected';
    if (!isRefused) throw thrown;
    const remaining = flaw(
      await api.createProperty('calls', { ...property, hasUniqueValue: false }, signal),
      true,
    );
    if (remaining === undefined) await findings.keep({ callKeys: 'searched' });
    return remaining;
  }
}

/** Why a property cannot be the key, if so. `isSearched`: it does not have to be unique. */
export function flaw(property: PropertyDefinition | undefined, isSearched = false): string | undefined {
  if (property === undefined) return 'missing';
  if (property.type !== 'string') return `exists as ${property.type}, not as text. ${makeRoom}`;
  if (property.hasUniqueValue !== true && !isSearched) {
    return `exists without unique values, which HubSpot cannot change afterwards. ${makeRoom}`;
  }
  return undefined;
}

const makeRoom =
  'Delete it for good in HubSpot (Settings, Properties, also from "Archived properties"), then run setup again.';
