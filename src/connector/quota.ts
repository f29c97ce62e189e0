/** What a CRM grants for a day, and how much of it is left, as its answers tell. */
export class Quota {
  readonly #reserve: number;
  #limit = 0;
  #remaining = 0;

  /** @param reserve the share of the limit, 0 to 1, that is to be left for others */
  constructor(reserve: number) {
    this.#reserve = reserve;
  }

  /** Call with each answer that tells. What is no number is passed over; fewer than none are none. */
  saw(remaining: number, limit: number): void {
    if (Number.isNaN(remaining) || !(limit > 0)) return;
    this.#remaining = Math.max(remaining, 0);
    this.#limit = limit;
  }

  /** Requests a day; 0 until an answer has told. */
  get limit(): number {
    return this.#limit;
  }

  get remaining(): number {
    return this.#remaining;
  }

  /** Time to save requests: calls are written once, when they are over, and together. */
  get isLow(): boolean {
    return this.#limit > 0 && this.#remaining < this.#limit * this.#reserve;
  }

  /** None is left. Whether there are more again, only another request tells. */
  get isSpent(): boolean {
    return this.#limit > 0 && this.#remaining === 0;
  }
}
