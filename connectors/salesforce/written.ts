import type { Row } from './answers.ts';
import type { Failure } from './failures.ts';
import type { ObjectName } from './options.ts';

/** Of a record, by their API names. */
export type Fields = Record<string, unknown>;
export type QueryResult = { rows: Row[]; failure?: undefined } | { failure: Failure; rows?: undefined };
export type Written =
  | { id: string; created: boolean; failure?: undefined }
  | { failure: Failure; id?: undefined; created?: undefined };

/** A record to be made, or to be changed if it has an id. */
export interface Attempt {
  object: ObjectName;
  id?: string;
  fields: Fields;
}
