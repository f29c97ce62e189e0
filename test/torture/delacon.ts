import { type SimulatedPush, simulatedDay } from '../../src/cli/simulated-day.ts';

/** A push that was sent, and whether the bridge took it upon itself. */
export interface Sent {
  fields: Record<string, string>;
  body: string;
  acknowledged: boolean;
}

/** Delacon, as the bridge sees it: day after day of calls, each push sent once or, now and then, again. */
export class Delacon {
  /** Everything that was sent, in order. */
  readonly sent: Sent[] = [];
  readonly #url: string;
  readonly #random: () => number;
  readonly #seed: number;
  #days = 0;
  #waiting: SimulatedPush[] = [];

  constructor(url: string, seed: number, random: () => number) {
    this.#url = url;
    this.#seed = seed;
    this.#random = random;
  }

  /** Sends the next push, and now and then repeats one that was sent. False: the bridge did not acknowledge it. */
  async send(): Promise<boolean> {
    const again =
      this.#random() < 0.05 ? this.sent[Math.floor(this.#random() * this.sent.length)] : undefined;
    if (again) {
      // What was acknowledged before stays so, whatever comes of the repetition.
      const acknowledged = await this.#post(again.body);
      again.acknowledged ||= acknowledged;
      return acknowledged;
    }
    const { fields } = this.#next();
    const body = JSON.stringify(fields);
    const push = { fields, body, acknowledged: false };
    this.sent.push(push);
    push.acknowledged = await this.#post(body);
    return push.acknowledged;
  }

  #next(): SimulatedPush {
    if (this.#waiting.length === 0) {
      const days = this.#days++;
      // Call ids are made of it: a larger one would leave the whole numbers, and calls would share ids.
      this.#waiting = simulatedDay(
        40,
        (this.#seed % 10_000) * 1_000 + days,
        new Date(Date.UTC(2026, 10, 1 + (days % 28))),
      );
    }
    return this.#waiting.shift() as SimulatedPush;
  }

  async #post(body: string): Promise<boolean> {
    try {
      const answer = await fetch(this.#url, { method: 'POST', body, signal: AbortSignal.timeout(5_000) });
      const { success } = (await answer.json()) as { success?: string };
      return answer.status === 200 && success === 'true';
    } catch {
      return false; // cut off: it may be stored, or not
    }
  }
}
