/*
 * Everything a connector needs of the bridge. A connector is a module whose default export is `defineConnector(…)`;
 * it imports this file, for a CRM also crm/index.ts, and nothing else from src. connectors/README.md shows how.
 */

/** The bridge's own: a connector from elsewhere need not bring one. */
export * as z from 'zod';
export { type Call, isVoicemail, type Urgency } from '../call/call.ts';
export { maskKnownNumbers, maskNumber, maskNumbersIn, maskWritten } from '../call/mask.ts';
export { parsePhone, type Region, writtenForms } from '../call/phone.ts';
export type { RecordRef, RecordRole, Records } from '../call/records.ts';
export { type Clock, isRecent, sleep } from '../clock.ts';
export type { Log } from '../log.ts';
export { holds } from '../route/condition.ts';
export { type Mapping, mapFields } from '../route/map-fields.ts';
export { compileTemplate, type Value } from '../route/template.ts';
export { localDate } from '../text/business-hours.ts';
export { mayHaveLeft, whySilent } from '../text/network-error.ts';
export { ownCommand } from '../text/own-command.ts';
export { counted } from '../text/plural.ts';
export { AccountFacts } from './account-facts.ts';
export { ConcurrencyLimit } from './concurrency-limit.ts';
export {
  type Assumption,
  type Connection,
  type ConnectorDefinition,
  type Delivery,
  type DryConnection,
  type DryRun,
  defineConnector,
  type Finding,
  type Outcome,
  type PlannedRequest,
  type PlanStep,
  type Probe,
  type RecordDraft,
  type Tools,
} from './contract.ts';
export { followUpOption } from './follow-up.ts';
export { labelled } from './labelled.ts';
export type { Memory } from './memory.ts';
export {
  activityOption,
  attributionOption,
  baseUrl,
  condition,
  duration,
  exactUrl,
  expression,
  leavesSomething,
  mapping,
  moved,
  personOptions,
  reserveOption,
  secret,
  template,
  token,
  writeOption,
} from './options.ts';
export { ownerOf, ownerOption } from './owner.ts';
export type { People } from './people.ts';
export { Quota } from './quota.ts';
export type { RateLimit } from './rate-limit.ts';
export { RefreshTokens } from './refresh-tokens.ts';
export { type Sale, type SaleOptions, saleOption } from './sale.ts';
export type { Trace, Trial } from './trials.ts';
export { Unanswered } from './unanswered.ts';
export { cut, type Values } from './values.ts';
