import { field } from './fields.ts';
import type { Org } from './org.ts';

/** The SOAP Metadata API, as far as fields go: createMetadata and readMetadata of CustomField. */
export function runSoap(
  org: Org,
  envelope: string,
  isToken: (token: string) => boolean,
  mayCustomize: boolean,
): { status: number; body: string } {
  const token = /<sessionId>([^<]*)<\/sessionId>/.exec(envelope)?.[1] ?? '';
  if (!isToken(token))
    return fault('sf:INVALID_SESSION_ID', 'INVALID_SESSION_ID: Invalid Session ID found in SessionHeader');
  if (!mayCustomize) {
    return fault(
      'sf:INSUFFICIENT_ACCESS',
      'INSUFFICIENT_ACCESS: use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions',
    );
  }
  const call = /<(createMetadata|readMetadata)>([\s\S]*)<\/\1>/.exec(envelope);
  if (!call) return fault('sf:UNKNOWN_EXCEPTION', 'UNKNOWN_EXCEPTION: no such operation');
  const [, operation, content] = call as unknown as [string, string, string];
  return operation === 'createMetadata' ? create(org, content) : read(org, content);
}

function create(org: Org, content: string) {
  const components = [...content.matchAll(/<metadata xsi:type="(\w+)">([\s\S]*?)<\/metadata>/g)];
  if (components.length > 10) return fault('sf:LIMIT_EXCEEDED', 'LIMIT_EXCEEDED: more than 10 components');
  const results = components.map(([, type, inner]) => {
    const parts = elements(inner as string);
    const problem =
      type === 'CustomField' ? createField(org, parts) : ['INVALID_TYPE', `no such type: ${type}`];
    const error = problem
      ? `<errors><message>${escapeXml(problem[1] as string)}</message><statusCode>${problem[0]}</statusCode></errors>`
      : '';
    return `<result>${error}<fullName>${escapeXml(parts['fullName'] ?? '')}</fullName><success>${!problem}</success></result>`;
  });
  return answer('createMetadata', results.join(''));
}

/** Why a field cannot be made, or undefined once it is. Nobody may see it yet. */
function createField(org: Org, parts: Record<string, string>): [string, string] | undefined {
  const [owner, name] = (parts['fullName'] ?? '').split('.') as [string, string | undefined];
  const objects = owner === 'Activity' ? ['Task', 'Event'] : [owner];
  if (!name?.endsWith('__c'))
    return ['INVALID_FULL_NAME', `${parts['fullName']}: a custom field ends in __c`];
  if (!parts['label'] || !parts['type']) return ['REQUIRED_FIELD_MISSING', 'label and type are required'];
  if (parts['type'] === 'Text' && !(Number(parts['length']) >= 1 && Number(parts['length']) <= 255)) {
    return ['INVALID_FIELD', 'length must be between 1 and 255'];
  }
  for (const object of objects) {
    const fields = org.objects.get(object);
    if (!fields) return ['INVALID_TYPE', `entity type not found: ${object}`];
    if (fields.some((known) => known.name === name)) {
      return ['DUPLICATE_DEVELOPER_NAME', `There is already a field named ${name} on ${object}.`];
    }
  }
  for (const object of objects) addField(org, object, name, parts);
  return undefined;
}

export function addField(org: Org, object: string, name: string, parts: Record<string, unknown>): void {
  const types: Record<string, Parameters<typeof field>[1]> = {
    Text: 'string',
    Number: 'double',
    Date: 'date',
    DateTime: 'datetime',
    Checkbox: 'boolean',
  };
  const isTrue = (part: unknown) => String(part) === 'true';
  org.objects.get(object)?.push(
    field(name, types[String(parts['type'])] ?? 'string', {
      label: String(parts['label'] ?? name),
      length: Number(parts['length'] ?? 0),
      externalId: isTrue(parts['externalId']),
      unique: isTrue(parts['unique']),
      caseSensitive: isTrue(parts['caseSensitive']),
      idLookup: isTrue(parts['externalId']),
    }),
  );
  // An org with person accounts shows fields of contacts on accounts, too.
  if (object === 'Contact' && org.behaviour.personAccounts) {
    addField(org, 'Account', name.replace(/__c$/, '__pc'), parts);
  }
}

function read(org: Org, content: string) {
  const records = [...content.matchAll(/<fullNames>([^<]*)<\/fullNames>/g)].map(([, fullName]) => {
    const [owner, name] = (fullName as string).split('.') as [string, string];
    const found = org.objects
      .get(owner === 'Activity' ? 'Task' : owner)
      ?.find((known) => known.name === name);
    if (!found) return '<records xsi:nil="true"/>';
    const type =
      { string: 'Text', double: 'Number', date: 'Date', datetime: 'DateTime', boolean: 'Checkbox' }[
        found.type as string
      ] ?? found.type;
    const parts = {
      fullName,
      type,
      label: found.label,
      length: found.length,
      externalId: found.externalId,
      unique: found.unique,
      caseSensitive: found.caseSensitive,
    };
    const inner = Object.entries(parts).map(
      ([part, value]) => `<${part}>${escapeXml(String(value))}</${part}>`,
    );
    return `<records xsi:type="CustomField">${inner.join('')}</records>`;
  });
  return answer('readMetadata', `<result>${records.join('')}</result>`);
}

function elements(xml: string): Record<string, string> {
  return Object.fromEntries(
    [...xml.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, name, text]) => [name, unescapeXml(text as string)]),
  );
}

function answer(operation: string, inner: string) {
  return {
    status: 200,
    body: wrap(
      `<${operation}Response xmlns="http://soap.sforce.com/2006/04/metadata">${inner}</${operation}Response>`,
    ),
  };
}

function fault(code: string, text: string) {
  return {
    status: 500,
    body: wrap(
      `<soapenv:Fault><faultcode>${code}</faultcode><faultstring>${escapeXml(text)}</faultstring></soapenv:Fault>`,
    ),
  };
}

function wrap(inner: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>${inner}</soapenv:Body></soapenv:Envelope>`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function unescapeXml(text: string): string {
  const names: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(\w+);/g, (whole, name: string) => names[name] ?? whole);
}
