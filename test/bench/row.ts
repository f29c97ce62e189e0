import type { Runtime } from './processes.ts';

/** One line of the result. */
export interface Row {
  runtime: Runtime;
  what: string;
  measured: string;
  bar: string;
  /** Undefined: told, not judged. */
  met?: boolean;
}

export interface RowOptions {
  runtime: Runtime;
  seconds: number;
  rounds: number;
}

/** Measures, and answers its lines. */
export type Bench = (options: RowOptions) => Promise<Row[]>;
