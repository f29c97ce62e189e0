/*
 * Everything a connector needs of the bridge. A connector is a module whose default export is `defineConnector(…)`;
 * it imports this file, for a CRM also crm/index.ts, and nothing else from src. connectors/README.md shows how.
 */

export type { Call, Urgency } from '../call/call.ts';
export { maskKnownNumbers, maskNumber, maskNumbersIn, maskWritten } from '../call/mask.ts';
export { parsePhone, type Region, samePhone, writtenForms } from '../call/phone.ts';
export { type RecordRef, type RecordRole, type Records, recordRoles } from '../call/records.ts';
export { type Clock, isRecent, sleep } from '../clock.ts';
export type { Log } from '../log.ts';
export { type Condition, holds } from '../route/condition.ts';
export { type Mapping, mapFields } from '../route/map-fields.ts';
export { compileTemplate, type Template, type Value } from '../route/template.ts';
export { localDate } from '../text/business-hours.ts';
export { instantOf, isDate } from '../text/dates.ts';
export { mayHaveLeft, whySilent } from '../text/network-error.ts';
export { counted } from '../text/plural.ts';
export { bounded } from './bounded-answer.ts';
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
export { Findings } from './findings.ts';
export { type FollowUpOptions, followUpOf, followUpOption } from './follow-up.ts';
export { labelled } from './labelled.ts';
export type { Memory } from './memory.ts';
export { OpenFollowUps } from './open-follow-ups.ts';
export {
  activityOption,
  attributionOption,
  baseUrl,
  condition,
  duration,
  exactUrl,
  expression,
  isLoopback,
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
export { type OwnerOptions, ownerOf, ownerOption } from './owner.ts';
export type { People } from './people.ts';
export { Quota } from './quota.ts';
export type { RateLimit } from './rate-limit.ts';
export { keepingRotated, RefreshTokens } from './refresh-tokens.ts';
export { type Sale, type SaleOptions, saleOf, saleOption } from './sale.ts';
export { SingleFlight } from './single-flight.ts';
export { type Trace, type Trial, Trials } from './trials.ts';
export { Unanswered } from './unanswered.ts';
export { cut, type Values, withMapping } from './values.ts';
export { knownPerson } from './why-person.ts';
