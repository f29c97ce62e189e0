/**
 * The generations of HubSpot's API that are called, each named here and nowhere else. A test holds every request to them.
 * https://developers.hubspot.com/docs/developer-tooling/platform/versioning
 *
 * The first ones of OAuth are switched off on 16 February 2027:
 * https://developers.hubspot.com/changelog/v1-oauth-api-deprecation
 */
export const apiVersions = {
  crm: 'v3',
  associations: 'v4',
  'account-info': 'v3',
  oauth: '2026-03',
} as const;
