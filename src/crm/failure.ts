import type { Records } from '../call/records.ts';
import type { Outcome } from '../connector/contract.ts';
import { mayHaveLeft, whySilent } from '../text/network-error.ts';

/** Why something was not done, as far as all CRMs have it in common. A CRM's own failures say more. */
export interface Failure {
  kind: 'retry' | 'rejected' | 'blocked';
  reason: string;
  notBefore?: Date;
  /** Of a retry: it is the connector's, and says nothing of the call. */
  scope?: 'call' | 'connector';
  /** What was asked may be done still: the CRM itself did not say what became of it. */
  isUnanswered?: true;
  /** Nothing of what was asked was done, and nothing will be: it was not let in, or never sent. */
  isUndone?: true;
  /** It is about one kind of record, such as a permission on deals: others may be written all the same. */
  isOfKind?: true;
  /** What can be done about it. `gone`: the record is not there; `converted`: it has become another. */
  cure?: { what: string };
}

/** A failed request, as an error to throw. */
export class RequestFailed<F extends Failure = Failure> extends Error {
  readonly failure: F;
  /** Of the answer that refused it, if there was one. */
  readonly status: number | undefined;

  constructor(failure: F, cause?: unknown, status?: number) {
    super(failure.reason, { cause });
    this.failure = failure;
    this.status = status;
  }
}

/** Whether a record that was to be changed is not there any more, as it was. */
export function isOfGone({ cure }: Failure): boolean {
  return cure?.what === 'gone' || cure?.what === 'converted';
}

/** Whether a record may have been made all the same, or may be still. */
export function mayBeDone({ kind, isUndone }: Failure): boolean {
  return kind === 'retry' && isUndone !== true;
}

/** What is to be caught of a request. */
export function asFailure<F extends Failure>(thrown: unknown): F {
  if (thrown instanceof RequestFailed) return thrown.failure as F;
  throw thrown;
}

/** What failed as a whole failed for each of so many. */
export function forAll(count: number): (thrown: unknown) => { failure: Failure }[] {
  return (thrown) => {
    const failure = asFailure(thrown);
    return Array.from({ length: count }, () => ({ failure }));
  };
}

/** What reading a failure needs to know of where it happened. */
export interface Circumstances {
  /** As people read it: `calls/batch/create`, `upsert Task`. */
  request: string;
  /** The connector's name, for the command that helps. */
  connector: string;
  now: Date;
  /** Never shown, even when the CRM repeats them. */
  secrets: readonly string[];
  /** A refused token can be asked for anew. */
  logsIn?: boolean;
}

type Plain = Omit<Failure, 'cure'>;

/** Of whom sentences about failures speak. */
export class FailingCrm {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** The CRM's own words, short enough to read, and without secrets. `code`: blank where there is none. */
  quote(code: string | number, message: string, { request, secrets }: Circumstances): string {
    const said = message.replace(/\s+/g, ' ').trim().slice(0, longestQuote);
    const answered = `${this.name} answered ${request}${code === '' ? '' : ` with ${code}`}`;
    return withoutSecrets(`${answered}${said === '' ? '' : `: "${said}"`}.`, secrets);
  }

  /** No answer, or none that can be read: whatever was asked may have been done. */
  silence(thrown: unknown, { request, secrets }: Circumstances): Plain {
    const reason = `${this.name} gave no usable answer to ${request}: ${whySilent(thrown)}.`;
    const what = mayHaveLeft(thrown) ? { isUnanswered: true as const } : { isUndone: true as const };
    return { kind: 'retry', scope: 'connector', reason: withoutSecrets(reason, secrets), ...what };
  }

  /** To follow one would take secrets, and callers' numbers, to whatever host it names. */
  redirection(status: number, location: string, where: Circumstances): Plain {
    const origin = URL.canParse(location) ? ` (at ${new URL(location).origin})` : '';
    const advice = `Redirects are not followed: if it stays so, put the address that it leads to${origin} into the configuration.`;
    return {
      kind: 'retry',
      scope: 'connector',
      reason: `${this.quote(status, '', where)} ${withoutSecrets(advice, where.secrets)}`,
      isUnanswered: true,
    };
  }

  /** It answered 2xx and said nothing of a record. */
  omission({ request }: Circumstances): Plain {
    const reason = `${this.name} accepted ${request}, but did not say what came of this record.`;
    return { kind: 'retry', reason };
  }
}

const longestQuote = 500;

/** What can be read of an answer that is not in the CRM's own form, such as a gateway's page. */
export function pageText(body: unknown): string {
  if (body === undefined) return '';
  if (typeof body !== 'string') return JSON.stringify(body).slice(0, longestPage);
  const beginning = body.slice(0, longestBeginning);
  const title = /<title>([^<]*)<\/title>/i.exec(beginning)?.[1];
  return (title ?? beginning.replace(/<[^<>]*>/g, ' ')).replace(/\s+/g, ' ').trim().slice(0, longestPage);
}

const longestPage = 200;
/** In which a title stands, or what a page begins with. */
const longestBeginning = 16_384;

export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((shown, secret) => (secret ? shown.replaceAll(secret, '[secret]') : shown), text);
}

export function secondsAfter(now: Date, seconds: number): Date {
  return new Date(now.getTime() + seconds * 1000);
}

/** What is to be waited for decides, then what may pass, then what will not. */
const order = ['blocked', 'retry', 'rejected'] as const;

/** What comes of a delivery in whose course all this went wrong, or nothing. */
export function outcomeOf({
  records,
  whyPerson,
  notes,
  failures,
}: {
  records: Records;
  whyPerson?: string | undefined;
  notes: readonly string[];
  failures: readonly Failure[];
}): Outcome {
  const told = {
    ...(notes.length > 0 ? { notes: [...new Set(notes)] } : {}),
    ...(whyPerson ? { whyPerson } : {}),
  };
  const kind = order.find((one) => failures.some((failure) => failure.kind === one));
  if (kind === undefined) return { kind: 'delivered', records, ...told };
  const reason = failures.map((failure) => failure.reason).join(' ');
  const waits = failures.flatMap((one) =>
    one.kind === kind && one.notBefore ? [one.notBefore.getTime()] : [],
  );
  // Where one part of a call met the connector's trouble, the others would have, too.
  const scope = failures.some((one) => one.kind === kind && one.scope === 'connector')
    ? { scope: 'connector' as const }
    : {};
  const notBefore =
    waits.length > 0 && kind !== 'rejected' ? { notBefore: new Date(Math.max(...waits)) } : {};
  return { kind, reason, records, ...told, ...notBefore, ...(kind === 'retry' ? scope : {}) } as Outcome;
}
