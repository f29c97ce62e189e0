import type { Finding } from '../../src/connector/index.ts';
import type { Row } from './answers.ts';
import type { SalesforceApi } from './api.ts';
import { matchOf, type ObjectName, type SalesforceOptions } from './options.ts';
import { isIn, quote } from './soql.ts';

/*
 * Who may change a Task once it is somebody else's. Under the org-wide default of activities, `Private` in a new org, that
 * is its owner, those above them in the role hierarchy, and who may modify all; under `Controlled by Parent`, who may
 * change the Lead, Contact or Account that it is of. https://help.salesforce.com/s/articleView?id=000325945
 */

const subject = 'sharing of activities';
const open = ['ReadWrite', 'ReadWriteTransfer', 'FullAccess'];

/**
 * Whether the bridge can still write to the Tasks that it gives away. What our user may not see of the org's set-up
 * leaves that open, and is said.
 */
export async function sharing(
  api: SalesforceApi,
  options: SalesforceOptions,
  ownerIds: readonly string[],
  signal: AbortSignal,
): Promise<Finding[]> {
  if (!options.owner && !('OwnerId' in options.activity.properties)) return [];
  const user = api.user?.id ?? '';
  const parents = parentsOf(options);
  const [models, assignments, users, roles] = await rows(
    api,
    [
      `SELECT Id,QualifiedApiName,InternalSharingModel FROM EntityDefinition WHERE ${isIn('QualifiedApiName', ['Task', ...parents, 'Account'])}`,
      `SELECT Id,PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = ${quote(user)}`,
      `SELECT Id,Username,UserRoleId FROM User WHERE ${isIn('Id', [user, ...ownerIds])}`,
      'SELECT Id,ParentRoleId FROM UserRole',
    ],
    signal,
  );
  const sets = assignments?.map((row) => String(row['PermissionSetId'])) ?? [];
  const [granted, objects] =
    sets.length === 0
      ? []
      : await rows(
          api,
          [
            `SELECT Id FROM PermissionSet WHERE PermissionsModifyAllData = true AND ${isIn('Id', sets)}`,
            `SELECT Id,SobjectType FROM ObjectPermissions WHERE PermissionsModifyAllRecords = true AND ${isIn('ParentId', sets)}`,
          ],
          signal,
        );
  const modelOf = (object: string) =>
    models?.find((row) => row['QualifiedApiName'] === object)?.['InternalSharingModel'];
  const mayModify = (object: string) => objects?.some((row) => row['SobjectType'] === object) ?? false;
  if ((granted?.length ?? 0) > 0 || parents.every(mayModify))
    return [{ level: 'ok', subject, message: 'The bridge may write to Tasks that it has given away.' }];

  const fix = `Give the bridge's user "Modify All" on ${parents.join(', ')}, or a role above those of all owners.`;
  const later =
    'Each call is completed as it is given away, but what comes later (a survey, a correction, an end after lapseAfter) then shows as failed.';
  const model = modelOf('Task');
  if (model === 'Private') {
    const others = (users ?? []).filter((row) => row.Id !== user && !isAbove(user, row, users, roles));
    if (users && ownerIds.length > 0 && others.length === 0)
      return [{ level: 'ok', subject, message: "Private, and the bridge's user is above all owners." }];
    const whose = others.length > 0 ? ` of ${others.map((row) => row['Username']).join(', ')}` : '';
    const message = `Activities are Private in this org: the bridge may not change Tasks${whose}. ${later}`;
    return [{ level: 'problem', subject, message, fix }];
  }
  if (model === 'ControlledByParent') {
    const isOpen = (object: string): boolean => {
      const its = String(modelOf(object));
      return mayModify(object) || open.includes(its) || (its === 'ControlledByParent' && isOpen('Account'));
    };
    const closed = parents.filter((object) => !isOpen(object));
    if (closed.length === 0)
      return [{ level: 'ok', subject, message: 'Who may change the person may change the Task.' }];
    const message = `Who may change a Task's person may change the Task, and the bridge may not change every ${closed.join(', ')}. ${later}`;
    return [{ level: 'problem', subject, message, fix }];
  }
  const message = `It cannot be seen whether the bridge may still change Tasks that it has given away. Where not: ${later.charAt(0).toLowerCase()}${later.slice(1)}`;
  return [{ level: 'warning', subject, message, fix }];
}

/** What a Task may be of. */
function parentsOf(options: SalesforceOptions): ObjectName[] {
  const { create } = options.person;
  const matched = matchOf(options).map((match) => (match === 'PersonAccount' ? 'Account' : match));
  return [...new Set<ObjectName>([...matched, ...(create === false ? [] : [create])])].sort();
}

/** Undefined for what our user may not see. */
async function rows(
  api: SalesforceApi,
  statements: readonly string[],
  signal: AbortSignal,
): Promise<(Row[] | undefined)[]> {
  return (await api.query(statements, signal)).map((found) => found.rows);
}

function isAbove(
  user: string,
  owner: Row,
  users: readonly Row[] | undefined,
  roles: readonly Row[] | undefined,
): boolean {
  const mine = users?.find(({ Id }) => Id === user)?.['UserRoleId'];
  const parentOf = (role: unknown) => roles?.find(({ Id }) => Id === role)?.['ParentRoleId'];
  let role = parentOf(owner['UserRoleId']);
  for (let n = 0; role && role !== mine && n < 500; n++) role = parentOf(role);
  return Boolean(mine) && role === mine;
}
