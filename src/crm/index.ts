/*
 * What all CRM connectors share: how a call becomes records of a CRM is decided here once. A connector for a CRM imports this
 * file beside `connector/index.ts`.
 */

export { cacheOf } from '../cache.ts';
export type { Issued, LogIn } from './access.ts';
export { type TouchFields, touchNames } from './attribution.ts';
export { bisect, type PartWritten } from './bisect.ts';
export { type Candidate, candidate, numberIn, type Wanted } from './candidates.ts';
export {
  type Change,
  type CrmDriver,
  type Finder,
  type Made,
  type Newcomer,
  type PeopleDriver,
  type PersonSearch,
  type RecordDriver,
  together,
  type Whereabouts,
} from './driver.ts';
export {
  dryConnection,
  type MadeUp,
  MadeUpRecords,
  mappedNames,
  type PretendedAnswer,
  type PretendedCrm,
  partsOf,
  sendingAll,
  type Wrap,
} from './dry-run.ts';
export { CrmEngine, draftsOf } from './engine.ts';
export {
  asFailure,
  type Circumstances as CrmCircumstances,
  FailingCrm,
  type Failure as CrmFailure,
  outcomeOf,
  pageText,
  RequestFailed as CrmRequestFailed,
  secondsAfter,
} from './failure.ts';
export { type Field, type Fit, fit, leftOut, listed, optionFor, textOf } from './fit.ts';
export { isShown } from './held.ts';
export { clientCredentials, httpExchange } from './http.ts';
export { type MappedField, mappedFields } from './mapped-fields.ts';
export { Metadata } from './metadata.ts';
export { type CrmModel, draftsFrom, type RecordModel, unaskedFields } from './model.ts';
export { crmSettings } from './options.ts';
export type { OwnerField } from './ownership.ts';
export type {
  FittedPerson,
  PersonRecords,
  Updated,
} from './person-updates.ts';
export { mustBeSetUp, ProbeRun, wantedNumber } from './probe.ts';
export { type Doubtful, type Look, readBack, type Seen } from './read-back.ts';
export {
  type Asked,
  asJson,
  type Exchange,
  type RawAnswer,
  Requests,
  type Transport,
} from './requests.ts';
export {
  type Fate,
  oneByOne,
  type Row,
  type SimpleCrm,
  type SimpleModel,
  simpleDriver,
} from './simple-driver.ts';
export { defaultTitle, htmlSummary, textSummary } from './summary.ts';
export { checkOwners, type User, type Users } from './users.ts';
export type { CallRecord, Existing, Work, Written } from './work.ts';
export {
  type Complaint,
  type Draft,
  type Fitted,
  type FittingCrm,
  type Instead,
  type Standing,
  type WrittenFitted,
  writeFitted,
} from './write-fitted.ts';
