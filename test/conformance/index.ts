/*
 * What a connector from elsewhere is tested with, as `delacon-bridge/conformance`. connectors/README.md shows how.
 */

export { deliveryOf, endPush, startPush } from '../support/build-push.ts';
export { type TestTools, testTools } from '../support/connector-tools.ts';
export { movingClock } from '../support/moving-clock.ts';
export { assert, suite } from '../support/suite.ts';
export { type Crm, connectorContract } from './connector-contract.ts';
export { crmContract, type RuledCrm, type SmallCrm, smallCrmContract } from './crm-contract.ts';
export { dryRunContract } from './dry-run-contract.ts';
