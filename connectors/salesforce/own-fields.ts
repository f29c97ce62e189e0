import type { CustomFieldDefinition, FieldDescription } from './api.ts';
import type { ObjectName } from './options.ts';
import { ownFields } from './setup-names.ts';

/** Our own fields: how they are to be, and whether they are. */

export interface OwnField {
  object: ObjectName;
  name: string;
  definition: CustomFieldDefinition;
  /** What permissions are granted on. Task and Event share a field, and its permissions. */
  grants: string[];
}

const call: OwnField = {
  object: 'Task',
  name: ownFields.Task,
  definition: {
    fullName: `Activity.${ownFields.Task}`,
    label: 'Delacon Call ID',
    type: 'Text',
    length: 64,
    externalId: true,
    unique: true,
    caseSensitive: true,
    description: 'Written by delacon-bridge. Unique: it keeps a phone call from being recorded twice.',
  },
  grants: [`Task.${ownFields.Task}`, `Event.${ownFields.Task}`],
};

function caller(object: 'Lead' | 'Contact'): OwnField {
  return {
    object,
    name: ownFields[object],
    definition: {
      fullName: `${object}.${ownFields[object]}`,
      label: 'Delacon Caller',
      type: 'Text',
      length: 40,
      externalId: true,
      unique: true,
      caseSensitive: false,
      description: 'Written by delacon-bridge: the number this person called from. Unique.',
    },
    grants: [`${object}.${ownFields[object]}`],
  };
}

export const allOwnFields: readonly OwnField[] = [call, caller('Lead'), caller('Contact')];

/** Why a field cannot be the key, if so. It takes what describe tells, or what its definition says. */
export function flaw(field: Partial<FieldDescription | CustomFieldDefinition>): string | undefined {
  if (field.type !== 'string' && field.type !== 'Text')
    return `exists as ${field.type}, not as text. ${makeRoom}`;
  if (!field.externalId) return `exists, but is not an external ID. ${mendIt}`;
  if (!field.unique) return `exists, but does not have to be unique. ${mendIt}`;
  return undefined;
}

const makeRoom =
  'Delete it in Salesforce (Setup, Object Manager), also from "Deleted Fields", then run setup again.';
const mendIt = 'Edit it in Salesforce (Setup, Object Manager): tick "External ID" and "Unique".';
