import { expiredToken, overLimit } from './refusals.ts';

/** What goes wrong at one request. */
export interface Fault {
  /** Whether the request is carried out before it goes wrong. */
  commits: boolean;
  /** What is answered in place of the truth; without it the connection is cut. */
  answer?: { status: number; headers?: Record<string, string>; body: string };
  /** No answer at all until the emulator closes. */
  hangs?: boolean;
}

function json(status: number, body: unknown, headers: Record<string, string> = {}) {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

function html(status: number) {
  return {
    status,
    headers: { 'Content-Type': 'text/html' },
    body: `<html><head><title>${status} Server Error</title></head><body><h1>Server Error</h1></body></html>`,
  };
}

const refused = (refusal: { status: number; body: unknown }) => ({
  commits: false,
  answer: json(refusal.status, refusal.body),
});

/** The ways in which HubSpot, or the network before it, is known to fail. */
export const faults = {
  /** The answer is lost after the write. */
  loseAnswer: { commits: true },
  /** The connection is cut before anything happened. */
  drop: { commits: false },
  /** The write is done, and nothing is ever answered. */
  hang: { commits: true, hangs: true },
  rollingLimit: refused(overLimit('rolling')),
  /** HubSpot does not promise the header, and may send it. */
  rollingLimitWithWait: {
    commits: false,
    answer: json(429, overLimit('rolling').body, { 'Retry-After': '7' }),
  },
  secondlyLimit: refused(overLimit('secondly')),
  secondlyLimitOldForm: refused(overLimit('secondlyOld')),
  dailyLimit: refused(overLimit('daily')),
  locked: { commits: false, answer: json(423, { status: 'error', message: 'This record is locked.' }) },
  moving: {
    commits: false,
    answer: json(
      477,
      { status: 'error', message: 'This account is being moved.' },
      { 'Retry-After': '3600' },
    ),
  },
  serverError: { commits: false, answer: json(500, { status: 'error', message: 'internal error' }) },
  badGateway: { commits: false, answer: html(502) },
  unavailable: { commits: false, answer: html(503) },
  gatewayTimeout: { commits: true, answer: html(504) },
  originTimeout: { commits: true, answer: html(524) },
  /** Half an answer, after the write. */
  brokenJson: {
    commits: true,
    answer: { status: 200, headers: { 'Content-Type': 'application/json' }, body: '{"status":"COMP' },
  },
  expiredToken: refused(expiredToken()),
} satisfies Record<string, Fault>;

/** A 2xx that says nothing of what was asked. */
export function emptyAnswer(status: number): Fault {
  const at = '2026-11-02T03:15:00.000Z';
  return {
    commits: false,
    answer: json(status, { status: 'COMPLETE', results: [], startedAt: at, completedAt: at }),
  };
}

/** Any refusal, for texts of one's own. */
export function answering(status: number, body: unknown, headers: Record<string, string> = {}): Fault {
  return { commits: false, answer: json(status, body, headers) };
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
