import type { RecordRef } from '../../src/connector/index.ts';
import type { Written } from './api.ts';
import type { Failure } from './failures.ts';
import type { TaskJob } from './tasks.ts';

/** Whom a call belongs to: a lead, a contact or an account, nobody, or not to be known yet. */
export type Resolution =
  | {
      person: RecordRef | null;
      why?: string;
      notes: string[];
      /** They were made just now. */
      isNew?: true;
      /** What became of calls that were sent along with them. */
      along?: ReadonlyMap<TaskJob, Written>;
      failure?: undefined;
    }
  | { failure: Failure; person?: undefined };
