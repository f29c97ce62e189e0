import type { Finding } from '../../src/connector/contract.ts';
import type { HubSpotApi, ObjectType, PropertyDefinition } from './api.ts';
import { dispositions } from './call-draft.ts';
import { RequestFailed } from './failures.ts';
import type { Found, HubSpotFindings } from './found.ts';
import type { HubSpotOptions } from './options.ts';
import { flaw } from './setup.ts';
import { ownProperties } from './setup-names.ts';

/** Looks at everything that can be looked at without writing: token, scopes to read, own and mapped properties. */
export async function check(
  api: HubSpotApi,
  options: HubSpotOptions,
  findings: HubSpotFindings,
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    const account = await findings.all();
    const { portalId } = await api.account(signal);
    const calls = await api.properties('calls', signal);
    const contacts = await api.properties('contacts', signal);
    return [
      { level: 'ok', subject: 'token', message: `HubSpot account ${portalId}.` },
      ownProperty(api, 'calls', calls, account),
      ownProperty(api, 'contacts', contacts, account),
      ...mappedProperties('calls', 'activity', Object.keys(options.activity.properties), calls),
      ...mappedProperties('contacts', 'person', Object.keys(options.person.properties), contacts),
      ...callOutcomes(options, calls),
    ];
  } catch (thrown) {
    if (!(thrown instanceof RequestFailed)) throw thrown;
    const { kind, reason } = thrown.failure;
    const fix =
      kind === 'retry' ? 'Try again in a minute.' : 'Look at the access token and its scopes in HubSpot.';
    return [{ level: 'problem', subject: 'token', message: reason, fix }];
  }
}

function ownProperty(
  api: HubSpotApi,
  objectType: ObjectType,
  properties: readonly PropertyDefinition[],
  account: Partial<Found>,
): Finding {
  const name = ownProperties[objectType];
  const subject = `property ${objectType}.${name}`;
  const isSearched = objectType === 'calls' && account.callKeys === 'searched';
  const problem = flaw(
    properties.find((property) => property.name === name),
    isSearched,
  );
  if (problem === undefined && isSearched) {
    const message =
      'HubSpot does not keep it unique here, so calls are searched for before they are made again.';
    return { level: 'ok', subject, message };
  }
  if (problem === undefined) return { level: 'ok', subject, message: 'It is there, and unique.' };
  const fix = `Run \`delacon-bridge setup ${api.connector}\`.`;
  if (problem === 'missing') return { level: 'problem', subject, message: 'It is missing.', fix };
  return { level: 'problem', subject, message: `It ${problem}`, fix };
}

function mappedProperties(
  objectType: ObjectType,
  part: 'activity' | 'person',
  names: readonly string[],
  properties: readonly PropertyDefinition[],
): Finding[] {
  return names.map((name) => {
    const subject = `property ${objectType}.${name}`;
    const property = properties.find((known) => known.name === name);
    const where = `${part}.properties.${name}`;
    if (!property) {
      const fix = `Create it in HubSpot, or take ${where} out of the configuration.`;
      return { level: 'problem', subject, message: 'It is mapped, but HubSpot does not have it.', fix };
    }
    if (property.modificationMetadata?.readOnlyValue) {
      const fix = `Take ${where} out of the configuration.`;
      return { level: 'problem', subject, message: 'It is mapped, but HubSpot sets it itself.', fix };
    }
    return { level: 'ok', subject, message: `It is there: ${property.type}.` };
  });
}

/** Accounts may replace the outcomes that HubSpot begins with, and a call with an unknown one would be refused. */
function callOutcomes(options: HubSpotOptions, calls: readonly PropertyDefinition[]): Finding[] {
  const property = calls.find(({ name }) => name === 'hs_call_disposition');
  if (!property || property.options.length === 0 || 'hs_call_disposition' in options.activity.properties)
    return [];
  const known = new Set(property.options.map((option) => option.value));
  const missing = Object.entries(dispositions).filter(([, id]) => !known.has(id));
  if (missing.length === 0) return [];
  return [
    {
      level: 'problem',
      subject: 'property calls.hs_call_disposition',
      message: `The account has no call outcome ${missing.map(([name, id]) => `${name} (${id})`).join(', ')}.`,
      fix: 'Map activity.properties.hs_call_disposition to the outcomes of the account, or to "" to write none.',
    },
  ];
}
