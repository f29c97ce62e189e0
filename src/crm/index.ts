/*
 * What all CRM connectors share: how a call becomes records of a CRM is decided here once. A connector for a CRM imports this
 * file beside `connector/index.ts`.
 */

export { type Field, type Fit, fit, leftOut, listed, optionFor, textOf } from './fit.ts';
