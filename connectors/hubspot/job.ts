import type { Values } from '../../src/connector/index.ts';
import type { Link } from './associations.ts';
import type { Failure } from './failures.ts';
import type { Instead } from './fields.ts';

/** A record that a call leaves in HubSpot, under the call's key. */
export interface Job {
  key: string;
  values: Values;
  timezone: string;
  /** By property, what to write in place of a value that does not do. */
  instead?: Instead;
  /** What it belongs to: sent along when it is made, and not again. */
  links: readonly Link[];
  /** What is there of it by now. */
  known: KnownRecord | null;
}

/** What became of it. Without a failure it is there, with its links; after one too, there may be something. */
export interface JobResult {
  id: string | null;
  /** Whether it was made, or found made, just now. */
  isNew: boolean;
  isLinked: boolean;
  notes: readonly string[];
  failure?: Failure;
}

/** Of a record that is there. */
export interface KnownRecord {
  id: string;
  isLinked: boolean;
  /** Found just now. False: an earlier attempt told of it. */
  isNew: boolean;
}

export type Results<J extends Job> = Map<J, JobResult>;

/** Of a record that is not known to be there. */
export function nothing(failure: Failure): JobResult {
  return { id: null, isNew: false, isLinked: false, notes: [], failure };
}
