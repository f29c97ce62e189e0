/** Why the operator cannot have what was asked for. The message says what to do. */
export class OperatorProblem extends Error {
  override name = 'OperatorProblem';
  readonly kind: 'wrong' | 'forbidden' | 'not found' | 'conflict' | 'not yet';

  constructor(kind: OperatorProblem['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}
