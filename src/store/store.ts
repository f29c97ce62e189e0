import type { CallIndex } from './call-index.ts';
import type { Calls } from './calls.ts';
import type { ConnectorMemory } from './connector-memory.ts';
import type { ConnectorStates } from './connector-state.ts';
import type { Deliveries } from './deliveries.ts';
import type { Intake } from './intake.ts';
import type { Kept } from './kept.ts';
import type { Leases } from './leases.ts';
import type { Rejections } from './rejections.ts';
import type { Upkeep } from './upkeep.ts';

/*
 * What a store promises. test/conformance/store-contract.ts checks it for every implementation.
 *
 * A method that writes resolves after the commit: what it wrote survives a kill of the process and, with the disk
 * honest about fsync, of the machine. A method that rejects has written nothing.
 */

/** The store cannot take a write now: disk full, I/O error, closing. Nothing was written; trying later may succeed. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable';
}

/** All that is stored. Whoever uses it asks for the parts it needs. */
export interface Store
  extends Intake,
    Rejections,
    Deliveries,
    Leases,
    ConnectorStates,
    ConnectorMemory,
    Kept,
    Calls,
    CallIndex,
    Upkeep {}
