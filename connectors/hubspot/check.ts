import { type Finding, ownCommand } from '../../src/connector/index.ts';
import { checkOwners, listed, type Users } from '../../src/crm/index.ts';
import type { PropertyDefinition } from './answers.ts';
import type { HubSpotApi } from './api.ts';
import { areSearched, type Facts, type HubSpotFacts } from './facts.ts';
import { RequestFailed } from './failures.ts';
import { fieldOf, fitProperty } from './fields.ts';
import { defaultOutcomes } from './model.ts';
import { type HubSpotOptions, mappedProperties } from './options.ts';
import type { Pipelines } from './pipelines.ts';
import { crowding, flaw, objectTypes, wantedProperties } from './setup.ts';
import { mappedAt, type ObjectType } from './setup-names.ts';

/**
 * Looks at everything that can be looked at without writing: token, scopes to read, own and mapped properties, call
 * outcomes, owners, and where deals go.
 */
export async function check(
  api: HubSpotApi,
  options: HubSpotOptions,
  { facts, pipelines }: { facts: HubSpotFacts; pipelines: Pipelines },
  users: Users,
  signal: AbortSignal,
): Promise<Finding[]> {
  const token = await found('token', () => accountFindings(api, signal));
  if (token.some(({ level }) => level === 'problem')) return token; // everything else would say the same
  const account = await facts.all();
  const all = [...token];
  for (const objectType of objectTypes(options)) {
    const more = await found(`properties of ${objectType}`, async () => {
      const properties = await api.properties(objectType, signal);
      return [
        ...ownProperties(api, objectType, options, account, properties),
        ...mapped(api.connector, objectType, mappedProperties(options)[objectType], properties),
        ...(objectType === 'calls' ? callOutcomes(options, properties) : []),
      ];
    });
    all.push(...more);
  }
  const { owner } = options;
  if (owner) all.push(...(await found('owner', () => checkOwners(users, owner, signal))));
  if (options.followUp && !options.owner && !('hubspot_owner_id' in options.followUp.properties)) {
    all.push({
      level: 'warning',
      subject: 'followUp',
      message: "Nobody owns the tasks, so they are in nobody's queue.",
      fix: 'Set `owner`, or map followUp.properties.hubspot_owner_id.',
    });
  }
  if (options.sale) all.push(...(await found('sale', () => saleFindings(pipelines, signal))));
  if (options.activity.company)
    all.push(...(await found('activity.company', () => companyFindings(api, signal))));
  return all;
}

/** What HubSpot refuses to show is a finding, too, and hides nothing else. */
async function found(subject: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (thrown) {
    if (!(thrown instanceof RequestFailed)) throw thrown;
    const { kind, reason } = thrown.failure;
    // A reason that blocks says itself what to do.
    const fix =
      kind === 'retry'
        ? 'Try again in a minute. If it stays so, look at the network of this machine: names, proxy, firewall.'
        : 'Do what it says, then check again.';
    return [{ level: 'problem', subject, message: reason, fix }];
  }
}

async function accountFindings(api: HubSpotApi, signal: AbortSignal): Promise<Finding[]> {
  try {
    const { portalId } = await api.account(signal);
    return [{ level: 'ok', subject: 'token', message: `HubSpot account ${portalId}.`, account: portalId }];
  } catch (thrown) {
    if (!(thrown instanceof RequestFailed) || thrown.failure.cure?.what !== 'permission') throw thrown;
    // No scope that can be granted is for this alone, and calls are written without it.
    return [
      {
        level: 'warning',
        subject: 'account',
        message: 'HubSpot does not tell this token which account it is for.',
        fix: 'Nothing needs to be done: records are shown without links to HubSpot.',
      },
    ];
  }
}

function ownProperties(
  api: HubSpotApi,
  objectType: ObjectType,
  options: HubSpotOptions,
  account: Partial<Facts>,
  properties: readonly PropertyDefinition[],
): Finding[] {
  const fix = `Run \`${ownCommand(`setup ${api.connector}`)}\`.`;
  return wantedProperties(objectType, options, account).map((wanted) => {
    const subject = `property ${objectType}.${wanted.name}`;
    const problem = flaw(
      wanted,
      properties.find((property) => property.name === wanted.name),
    );
    const message = areSearched(objectType, account)
      ? `HubSpot does not keep it unique here, so ${objectType} are searched for before they are made again.`
      : `It is there${wanted.hasUniqueValue ? ', and unique' : ''}.`;
    if (problem === undefined) return { level: 'ok', subject, message };
    if (problem === 'missing') {
      const crowded = objectType === 'contacts' ? crowding(objectType, wanted, properties) : undefined;
      const message = crowded === undefined ? 'It is missing.' : `It is missing, and ${crowded}`;
      return { level: 'problem', subject, message, fix };
    }
    return { level: 'problem', subject, message: `It ${problem}`, fix };
  });
}

function mapped(
  connector: string,
  objectType: ObjectType,
  names: readonly string[],
  properties: readonly PropertyDefinition[],
): Finding[] {
  return names.map((name) => {
    const subject = `property ${objectType}.${name}`;
    const property = properties.find((known) => known.name === name);
    const where = `${mappedAt[objectType]}.${name}`;
    if (!property) {
      const fix = `Create it in HubSpot or by \`${ownCommand(`setup ${connector}`)}\`, or take ${where} out of the configuration.`;
      return { level: 'problem', subject, message: 'It is mapped, but HubSpot does not have it.', fix };
    }
    if (property.modificationMetadata?.readOnlyValue) {
      const fix = `Take ${where} out of the configuration.`;
      return { level: 'problem', subject, message: 'It is mapped, but HubSpot sets it itself.', fix };
    }
    if (fieldOf(property).options?.length === 0) {
      const fix = `Add options to it in HubSpot (call types: Settings, Objects, Activities), or take ${where} out of the configuration.`;
      const message = 'It is a list without options in this account, so what is mapped to it is left out.';
      return { level: 'warning', subject, message, fix };
    }
    return { level: 'ok', subject, message: `It is there: ${property.type}.` };
  });
}

/** Accounts may replace the outcomes that HubSpot begins with, and a call with an unknown one goes without. */
function callOutcomes(options: HubSpotOptions, calls: readonly PropertyDefinition[]): Finding[] {
  const property = calls.find(({ name }) => name === 'hs_call_disposition');
  if (!property || property.options.length === 0 || 'hs_call_disposition' in options.activity.properties)
    return [];
  const outcomes = Object.entries({ ...defaultOutcomes, ...options.activity.outcomes });
  const missing = outcomes.filter(
    ([, outcome]) => outcome !== '' && fitProperty(property.name, outcome, property, 'UTC').text === null,
  );
  if (missing.length === 0) return [];
  const names = missing.map(([name, outcome]) => `"${outcome}" for ${name}`).join(', ');
  return [
    {
      level: 'problem',
      subject: 'property calls.hs_call_disposition',
      message: `The account has no call outcome ${names}. It has ${listed(property.options)}.`,
      fix: 'Name one of them in activity.outcomes, by label or id, or "" to write none.',
    },
  ];
}

async function saleFindings(pipelines: Pipelines, signal: AbortSignal): Promise<Finding[]> {
  pipelines.forget();
  const place = await pipelines.place(signal);
  if ('problem' in place) {
    return [{ level: 'problem', subject: 'sale', message: place.problem, fix: place.fix }];
  }
  const message = `Deals go to pipeline ${place.pipeline}, stage ${place.stage}.`;
  return [{ level: 'ok', subject: 'sale', message }];
}

async function companyFindings(api: HubSpotApi, signal: AbortSignal): Promise<Finding[]> {
  await api.companiesOf(['1'], signal);
  return [{ level: 'ok', subject: 'activity.company', message: 'The companies of contacts can be read.' }];
}
