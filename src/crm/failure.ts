/** Why something was not done, as far as all CRMs have it in common. A CRM's own failures say more. */
export interface Failure {
  kind: 'retry' | 'rejected' | 'blocked';
  reason: string;
  notBefore?: Date;
  /** Of a retry: it is the connector's, and says nothing of the call. */
  scope?: 'call' | 'connector';
  /** What can be done about it. `gone`: the record is not there; `converted`: it has become another. */
  cure?: { what: string };
}

/** A failed request, as an error to throw. */
export class RequestFailed<F extends Failure = Failure> extends Error {
  readonly failure: F;

  constructor(failure: F, cause?: unknown) {
    super(failure.reason, { cause });
    this.failure = failure;
  }
}

/** Whether a record that was to be changed is not there any more, as it was. */
export function isOfGone({ cure }: Failure): boolean {
  return cure?.what === 'gone' || cure?.what === 'converted';
}

/** What is to be caught of a request. */
export function asFailure<F extends Failure>(thrown: unknown): F {
  if (thrown instanceof RequestFailed) return thrown.failure as F;
  throw thrown;
}
