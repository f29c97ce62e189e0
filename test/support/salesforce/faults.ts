import { dayUsedUp, type Refusal, refused, sessionExpired, tooManyAtOnce } from './refusals.ts';

/** What goes wrong at one request. */
export interface Fault {
  /** Whether the request is carried out before it goes wrong. */
  commits: boolean;
  /** What is answered in place of the truth; without it the connection is cut. */
  answer?: { status: number; headers?: Record<string, string>; body: string };
  /** No answer at all until the emulator closes. */
  hangs?: boolean;
  /** The truth, but so much later. */
  delayMs?: number;
  /** The truth, but so many of the records that it writes are held by somebody else just now. */
  lockedRows?: number;
  /** How many before them are free. */
  freeRows?: number;
}

function json(status: number, body: unknown) {
  return {
    status,
    headers: { 'Content-Type': 'application/json;charset=UTF-8' },
    body: JSON.stringify(body),
  };
}

const html = (status: number, title: string) => ({
  status,
  headers: { 'Content-Type': 'text/html' },
  body: `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`,
});

const refusing = ({ status, body }: Refusal): Fault => ({ commits: false, answer: json(status, body) });

/** The ways in which Salesforce, or the network before it, is known to fail. */
export const faults = {
  /** The answer is lost after the write. */
  loseAnswer: { commits: true },
  /** The connection is cut before anything happened. */
  drop: { commits: false },
  /** The write is done, and nothing is ever answered. */
  hang: { commits: true, hangs: true },
  dayUsedUp: refusing(dayUsedUp()),
  tooManyAtOnce: refusing(tooManyAtOnce()),
  sessionExpired: refusing(sessionExpired()),
  serverError: refusing(
    refused(500, 'UNKNOWN_EXCEPTION', 'An unexpected error occurred. ErrorId: 1234-5678'),
  ),
  unavailable: refusing(refused(503, 'SERVER_UNAVAILABLE', 'The server is too busy. Try again later.')),
  maintenance: { commits: false, answer: html(503, 'Down for maintenance') },
  gatewayTimeout: { commits: true, answer: html(504, 'Gateway Timeout') },
  /** Half an answer, after the write. */
  brokenJson: {
    commits: true,
    answer: {
      status: 200,
      headers: { 'Content-Type': 'application/json;charset=UTF-8' },
      body: '[{"id":"00T5',
    },
  },
  lockedRow: { commits: true, lockedRows: 1 },
  lockedRows: { commits: true, lockedRows: 1_000 },
  slow: { commits: true, delayMs: 50 },
} satisfies Record<string, Fault>;

/** Any answer, for texts of one's own. */
export function answering(status: number, body: unknown): Fault {
  return { commits: false, answer: json(status, body) };
}

interface Planned {
  fault: Fault;
  at: string;
  skip: number;
}

/** Faults that wait for their request. Each strikes once, but for one that strikes every request while it lasts. */
export class FaultPlan {
  outage: Fault | undefined;
  #planned: Planned[] = [];

  add(fault: Fault, at: string, skip: number): void {
    this.#planned.push({ fault, at, skip });
  }

  clear(): void {
    this.#planned = [];
  }

  /** The fault that strikes this request, if any. */
  strike(request: string): Fault | undefined {
    if (this.outage) return this.outage;
    const due = this.#planned.find((planned) => request.includes(planned.at) && planned.skip-- <= 0);
    if (due) this.#planned.splice(this.#planned.indexOf(due), 1);
    return due?.fault;
  }
}
