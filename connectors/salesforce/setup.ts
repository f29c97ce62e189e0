import type { PlanStep } from '../../src/connector/index.ts';
import type { FieldDescription, Row } from './answers.ts';
import type { SalesforceApi } from './api.ts';
import { RequestFailed } from './failures.ts';
import type { CustomFieldDefinition } from './field-definitions.ts';
import type { SalesforceOptions } from './options.ts';
import { flaw, formOf, mappedFieldsFor, type OwnField, ownFieldsFor } from './own-fields.ts';
import { permissionSet } from './setup-names.ts';
import { isIn, quote } from './soql.ts';

/**
 * What Salesforce needs to have before the first call: unique fields on activities, leads and contacts, further ones
 * for what the configuration asks besides, and for the bridge's user the permission to see them. A field that the
 * Metadata API makes is seen by nobody, not even its maker.
 */

interface Situation {
  steps: PlanStep[];
  missing: OwnField[];
  ungranted: OwnField[];
}

export async function plan(
  api: SalesforceApi,
  options: SalesforceOptions,
  signal: AbortSignal,
): Promise<PlanStep[]> {
  return (await look(api, await wanted(api, options, signal), signal)).steps;
}

export async function apply(
  api: SalesforceApi,
  options: SalesforceOptions,
  signal: AbortSignal,
  done: (step: PlanStep) => void,
): Promise<void> {
  const fields = await wanted(api, options, signal);
  const { steps, missing, ungranted } = await look(api, fields, signal);
  const conflicts = steps.filter(({ action }) => action === 'conflict');
  if (conflicts.length > 0) {
    throw new Error(conflicts.map(({ subject, detail }) => `${subject}: ${detail}`).join('\n'));
  }
  if (missing.length > 0)
    await api.definitions.create(
      missing.map(({ definition }) => definition),
      signal,
    );
  for (const step of steps.slice(0, -1)) done(step);
  if (ungranted.length > 0) await grant(api, ungranted, signal);
  await confirm(api, fields, signal);
  done(steps.at(-1) as PlanStep);
}

/** Ours, and what the mapping names that the bridge's user does not see. */
async function wanted(
  api: SalesforceApi,
  options: SalesforceOptions,
  signal: AbortSignal,
): Promise<OwnField[]> {
  const mapped = mappedFieldsFor(options);
  const seen = await describeOwn(api, mapped, signal);
  return [...ownFieldsFor(options), ...mapped.filter((field) => !seen.has(field))];
}

/** The last step is the permission. */
async function look(
  api: SalesforceApi,
  fields: readonly OwnField[],
  signal: AbortSignal,
): Promise<Situation> {
  const seen = await describeOwn(api, fields, signal);
  const hidden = await readHidden(
    api,
    fields.filter((field) => !seen.has(field)),
    signal,
  );
  const steps = fields.map((field) => stepFor(field, seen.get(field) ?? hidden.get(field)));
  const ungranted = fields.filter((field) => !isUsable(seen.get(field)));
  const subject = `permission set ${permissionSet.Name}`;
  const detail = 'lets the bridge’s user read and edit these fields';
  return {
    steps: [...steps, { action: ungranted.length > 0 ? 'create' : 'keep', subject, detail }],
    missing: fields.filter((_, place) => steps[place]?.action === 'create'),
    ungranted,
  };
}

async function describeOwn(
  api: SalesforceApi,
  own: readonly OwnField[],
  signal: AbortSignal,
): Promise<Map<OwnField, FieldDescription>> {
  const objects = [...new Set(own.map(({ object }) => object))];
  const described = await Promise.all(objects.map((object) => api.describe(object, signal)));
  return new Map(
    own.flatMap((one) => {
      const fields = described[objects.indexOf(one.object)]?.fields;
      const field = fields?.find(({ name }) => name === one.name);
      return field ? [[one, field] as const] : [];
    }),
  );
}

/** What `describe` does not show may be there, and only lack the permission. */
async function readHidden(
  api: SalesforceApi,
  fields: readonly OwnField[],
  signal: AbortSignal,
): Promise<Map<OwnField, Partial<CustomFieldDefinition>>> {
  if (fields.length === 0) return new Map();
  const found = await api.definitions.read(
    fields.map(({ definition }) => definition.fullName),
    signal,
  );
  return new Map(
    fields.flatMap((own, place) => {
      const field = found[place];
      return field ? [[own, field] as const] : [];
    }),
  );
}

function stepFor(
  own: OwnField,
  found: Partial<FieldDescription | CustomFieldDefinition> | undefined,
): PlanStep {
  const { fullName, label } = own.definition;
  const subject = `field ${fullName}`;
  const detail = `"${label}", ${formOf(own)}`;
  if (!found) return { action: 'create', subject, detail };
  const problem = flaw(own, found);
  return problem === undefined
    ? { action: 'keep', subject, detail }
    : { action: 'conflict', subject, detail: problem };
}

function isUsable(field: FieldDescription | undefined): boolean {
  return field?.createable === true && field.updateable;
}

/** A permission set of our own, what it lacks, and its assignment to the user who runs this. */
async function grant(api: SalesforceApi, fields: readonly OwnField[], signal: AbortSignal): Promise<void> {
  const setId = await findOrCreateSet(api, signal);
  const paths = fields.flatMap(({ grants }) => grants);
  const rows = await find(
    api,
    `SELECT Id,Field,PermissionsEdit FROM FieldPermissions WHERE ParentId = ${quote(setId)} AND ${isIn('Field', paths)}`,
    signal,
  );
  const permission = { PermissionsRead: true, PermissionsEdit: true };
  for (const path of paths) {
    const row = rows.find(({ Field }) => Field === path);
    const SobjectType = path.split('.')[0];
    if (!row) {
      await api.create(
        'FieldPermissions',
        { ParentId: setId, SobjectType, Field: path, ...permission },
        signal,
      );
    } else if (row['PermissionsEdit'] !== true)
      await api.change('FieldPermissions', row.Id, permission, signal);
  }
  const user = api.user?.id ?? '';
  const assigned = await find(
    api,
    `SELECT Id FROM PermissionSetAssignment WHERE AssigneeId = ${quote(user)} AND PermissionSetId = ${quote(setId)}`,
    signal,
  );
  if (assigned.length > 0) return;
  await api.create('PermissionSetAssignment', { AssigneeId: user, PermissionSetId: setId }, signal);
}

async function findOrCreateSet(api: SalesforceApi, signal: AbortSignal): Promise<string> {
  const statement = `SELECT Id FROM PermissionSet WHERE Name = ${quote(permissionSet.Name)}`;
  const [existing] = await find(api, statement, signal);
  if (existing) return existing.Id;
  const made = await api.create('PermissionSet', { ...permissionSet }, signal);
  return made ?? ((await find(api, statement, signal))[0] as Row).Id;
}

async function find(api: SalesforceApi, statement: string, signal: AbortSignal): Promise<Row[]> {
  const [found] = await api.query([statement], signal);
  if (found?.rows) return found.rows;
  throw new RequestFailed(
    found?.failure ?? { kind: 'retry', reason: 'Salesforce did not answer the query.' },
  );
}

async function confirm(api: SalesforceApi, fields: readonly OwnField[], signal: AbortSignal): Promise<void> {
  const seen = await describeOwn(api, fields, signal);
  const unusable = fields.filter((own) => !isUsable(seen.get(own)));
  if (unusable.length === 0) return;
  const names = unusable.flatMap(({ grants }) => grants).join(', ');
  throw new Error(
    `Salesforce still does not let the bridge's user edit ${names}. Give the user the permission set ${permissionSet.Name} in Setup.`,
  );
}
