/**
 * The version of HubSpot's API that is called, named here and nowhere else. A version is kept for 18 months, so this one
 * until about March 2028; a test holds every request to it.
 * https://developers.hubspot.com/docs/developer-tooling/platform/versioning
 */
const version = '2026-09';

/** `pathOf('crm/objects', 'calls/search')`: the version stands between an API and what is asked of it. */
export const pathOf = (api: string, what = ''): string => `/${api}/${version}${what && '/'}${what}`;

/** For people. */
export const apiName = `HubSpot API ${version}`;
