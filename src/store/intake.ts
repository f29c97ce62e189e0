import type { CallState } from '../call/call.ts';
import type { Fields } from '../call/push.ts';

/** A push to record. */
export interface NewPush {
  source: string;
  callId: string;
  fields: Fields;
  /** The body as it came. */
  body: string;
  receivedAt: Date;
  /** How long its call may stay without an end before it lapses. */
  lapseAfterMs: number;
  /** The connectors that get the call in this state. Runs within the commit, so it does no I/O. */
  route(state: CallState): Iterable<string>;
}

export interface Recorded {
  /** The very same body was stored before: counted, and nothing changed. */
  repeat: boolean;
  /** It is the first that is heard of the call. */
  begins: boolean;
  /** Of the call, after this push. */
  revision: number;
  state: CallState;
  /** Connectors that have something to deliver now. */
  due: string[];
}

/** What happens to calls: pushes say something of them, and an end does not come. */
export interface Intake {
  /** Records a push, its call and its deliveries in one commit. Pushes that come together share a commit. */
  record(push: NewPush): Promise<Recorded>;
  /** Closes calls whose end did not come in time. Returns the connectors that have something to deliver. */
  lapse(now: Date, route: NewPush['route'], limit: number): Promise<{ lapsed: number; due: string[] }>;
  /** When the next call lapses, if no end comes. */
  nextLapseAt(): Promise<Date | null>;
}
