import type * as z from 'zod';
import type { Call, Urgency } from '../call/call.ts';
import type { Region } from '../call/phone.ts';
import type { RecordRef, RecordRole, Records } from '../call/records.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Value } from '../route/template.ts';
import type { Memory } from './memory.ts';
import type { People } from './people.ts';
import type { Quota } from './quota.ts';
import type { RateLimit } from './rate-limit.ts';

/*
 * What a connector is, and what passes between it and the bridge. Connectors import it through index.ts.
 */

/** One call for one connector. Always the call's current state, never a step of its history. */
export interface Delivery {
  /** The value under which the CRM holds the activity: unique within the connector, the same at every attempt. */
  key: string;
  call: Call;
  source: { name: string; region: Region; timezone: string };
  /** Of the folded call. An activity that shows a lower one is behind. */
  revision: number;
  /** 1 for the first. */
  attempt: number;
  urgency: Urgency;
  /** What earlier attempts are known to have written. Empty after a lost answer, though the CRM may hold the activity. */
  records: Records;
}

/** What came of one delivery. The delivery loop acts on `kind`; people read the rest. */
export type Outcome = Told &
  (
    | { kind: 'delivered'; records: Records }
    /**
     * Worth another try. What nobody foresaw belongs here. `scope` says whose trouble it is. `connector`: no answer, a
     * 5xx, a limit on whole requests, a gateway's page; other calls would fare no better, so they wait, too. `call`,
     * which is what is meant where nothing is said: this one waits by itself.
     */
    | { kind: 'retry'; reason: string; scope?: 'call' | 'connector'; notBefore?: Date; records?: Records }
    /** This call can never be written as it is mapped. */
    | { kind: 'rejected'; reason: string; records?: Records }
    /** No call will be written until someone acts, such as on a revoked token; or not before a known time. */
    | { kind: 'blocked'; reason: string; notBefore?: Date; records?: Records }
  );

interface Told {
  notes?: string[];
  /**
   * A request that writes was sent, and what became of it is not known: no answer in time, a connection that was cut, half
   * an answer, or a gateway's. The CRM may carry it out later still, even after a newer state, so what is delivered is
   * written once more some minutes later. Nothing is said of a request that only reads, or never left.
   */
  unanswered?: true;
  /** How the person was found or made, when that was found out: a sentence without whole numbers, as by `maskWritten`. */
  whyPerson?: string;
}

/** What `check` found. `fix` says what to do, and is there whenever something is to be done. */
export interface Finding {
  level: 'ok' | 'warning' | 'problem';
  /** What it is about: `token`, `property calls.delacon_call_id`. */
  subject: string;
  message: string;
  fix?: string;
  /** Which account of the CRM it was found to be, by the CRM's own id. */
  account?: string;
}

/** One thing that `setup` looked for. */
export interface PlanStep {
  /** `conflict`: it exists in a form we cannot use and cannot change; `detail` says what to do. */
  action: 'create' | 'keep' | 'conflict';
  subject: string;
  detail: string;
}

/** One of our beliefs about the CRM, put to the test on an account. */
export interface Assumption {
  /** `A unique property on calls can be the key of an upsert.` */
  assumption: string;
  expected: string;
  /** In the CRM's words where there are any. */
  seen: string;
  /** Null: it could not be tried, and `seen` says why. */
  holds: boolean | null;
  /** What the connector does where it does not hold. */
  otherwise: string;
}

/** Tries on a test account what documents alone do not settle. */
export interface Probe {
  /** What it will write, one sentence each, for whoever runs it to agree to. */
  readonly writes: readonly string[];
  /** What it talks to, for the report: `CRM API v3`. */
  readonly api: string;
  /** Tries everything, removes what it wrote, and keeps what `deliver` has to know in `tools.memory`. */
  run(signal: AbortSignal, found: (result: Assumption) => void): Promise<void>;
}

/** A record as the mapping makes it, before any CRM has seen it. */
export interface RecordDraft {
  role: RecordRole;
  type: string;
  /** The property and value that make it unique. */
  key?: { property: string; value: string };
  properties: Record<string, Exclude<Value, null>>;
  notes: string[];
}

export interface Connection {
  /** The most deliveries that one `deliver` takes, and how many `deliver` may run side by side. */
  readonly limits: { batch: number; parallel: number };
  /**
   * Writes the current state of each call under its key, so that doing it twice is doing it once. A batch may hold
   * several calls of one caller, oldest first, and no other batch holds any of theirs meanwhile. Answers one outcome
   * for each delivery, in order. What throws counts as the connector's `retry`, left `unanswered`. `signal` aborts on
   * shutdown.
   */
  deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]>;
  /** Reads only: credentials, scopes, fields, mapping. */
  check(signal: AbortSignal): Promise<Finding[]>;
  /** What the CRM needs to have. Reads only. */
  plan(signal: AbortSignal): Promise<PlanStep[]>;
  /** Creates what `plan` found missing. Running it again changes nothing. Throws with the CRM's words. */
  apply(signal: AbortSignal, done: (step: PlanStep) => void): Promise<void>;
  /** What the CRM still allows today, once an answer has told. Below the reserve the bridge saves requests. */
  readonly quota?: Quota | undefined;
  /** Undefined where there is nothing to find out. */
  readonly probe?: Probe;
  /**
   * What the CRM holds of what the bridge may have written, by the CRM's labels, for people to look at. Null when the
   * record is gone. Undefined where there is nothing to ask.
   */
  read?(record: RecordRef, signal: AbortSignal): Promise<Record<string, unknown> | null>;
  /** The record's page in the CRM, if it has one. */
  link(record: RecordRef): string | undefined;
  close(): Promise<void>;
}

/** What a connection gets from the bridge, so that tests patch nothing. */
export interface Tools {
  /** The connector's name in the configuration. */
  name: string;
  /** Its answers have an end: beyond 16 MB, or after two minutes, reading them fails. */
  fetch: typeof fetch;
  clock: Clock;
  log: Log;
  /** The own map of people: which record a number was found or made as. A hint that a CRM may have outdated. */
  people: People;
  /** What this connector keeps between runs. */
  memory: Memory;
  /** Call once for each request sent to the CRM: `explain` and the metrics tell of them. */
  countRequest(kind: string, status: number | 'failed'): void;
  /** A limit that this connection keeps by itself. */
  rateLimit(requests: number, perMs: number): RateLimit;
  /** A folder that this connector may write to. */
  dataDir: string;
}

/** A request that `deliver` would send. */
export interface PlannedRequest {
  method: string;
  /** With its query, without the host. */
  path: string;
  /** As JSON. Undefined: none. */
  body?: unknown;
  /** It only read, and was sent. */
  sent: boolean;
}

/** Watches a `deliver` that must not write. */
export interface DryRun {
  /** false: nothing is sent, and the CRM is taken to be set up and empty. true: what only reads is sent. */
  online: boolean;
  plan(request: PlannedRequest): void;
  /** Really keeps what a log-in issued, in `tools.memory`'s place: what was issued before is used up. */
  keep?(texts: ReadonlyMap<string, string>): Promise<void>;
}

/** All that a dry run is for. */
export type DryConnection = Pick<Connection, 'deliver' | 'close'>;

export interface ConnectorDefinition<Options = unknown> {
  /** How YAML names it. */
  type: string;
  /** The connector's own settings; `type` is not among them. */
  options: z.ZodType<Options>;
  /**
   * What tells the account that these options log in to from others, as far as they do: where it is the same, two
   * connectors write to one. May be a secret, and is never shown.
   */
  account?(options: Options): string | undefined;
  /** The records of a call under these options. No I/O: `preview` shows them, and `deliver` writes them. */
  draft(options: Options, delivery: Delivery): RecordDraft[];
  open(options: Options, tools: Tools): Connection | Promise<Connection>;
  /**
   * A connection whose `deliver` sends nothing that writes: it tells `dryRun` of each request and goes on as if the
   * CRM had done what it asks. `tools.people` and `tools.memory` forget afterwards what they are told. `preview
   * --requests` shows the requests.
   */
  openDry?(options: Options, tools: Tools, dryRun: DryRun): DryConnection | Promise<DryConnection>;
}

export function defineConnector<Options>(
  definition: ConnectorDefinition<Options>,
): ConnectorDefinition<Options> {
  return definition;
}
