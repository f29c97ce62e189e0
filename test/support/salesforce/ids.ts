import { RowRefusal } from './refusals.ts';

export const prefixes: Record<string, string> = {
  Account: '001',
  Contact: '003',
  EntityDefinition: '4ie',
  Event: '00U',
  FieldPermissions: '01k',
  Group: '00G',
  Lead: '00Q',
  ObjectPermissions: '110',
  Opportunity: '006',
  PermissionSet: '0PS',
  PermissionSetAssignment: '0Pa',
  RecordType: '012',
  Task: '00T',
  User: '005',
  UserRole: '00E',
};

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';

/** The 18 characters of an id: 15 that differ by case, and three that say which of them are upper case. */
export function makeId(object: string, serial: number): string {
  const fifteen = `${prefixes[object]}5g00000${serial.toString(36).padStart(5, '0')}`;
  return fifteen + suffix(fifteen);
}

/** An id in its long form, from either. */
export function longId(id: unknown): string {
  const text = String(id);
  if (/^[a-zA-Z0-9]{15}$/.test(text)) return text + suffix(text);
  if (/^[a-zA-Z0-9]{18}$/.test(text) && suffix(text.slice(0, 15)) === text.slice(15)) return text;
  throw new RowRefusal('MALFORMED_ID', `Id: id value of incorrect type: ${text}`, ['Id']);
}

export function objectOf(id: string): string | undefined {
  return Object.keys(prefixes).find((object) => id.startsWith(prefixes[object] as string));
}

function suffix(fifteen: string): string {
  return [0, 5, 10]
    .map((start) => {
      const upper = [...fifteen.slice(start, start + 5)].map((letter) => /[A-Z]/.test(letter));
      return alphabet[upper.reduce((bits, isUpper, place) => bits + (isUpper ? 2 ** place : 0), 0)];
    })
    .join('');
}
