import { type SimulatedPush, simulatedDay } from '../../src/cli/simulated-day.ts';
import { seeded } from '../support/random.ts';
import { asPrinted, type Body, oddBody, unreadable } from './odd-bodies.ts';

/** A push that was sent, and whether the bridge took it upon itself. */
export interface Sent extends Body {
  acknowledged: boolean;
  /** It said what was corrected since: sent again, it would take that back. */
  isCorrected: boolean;
}

/** A body that is no push: how often it was sent, and how often the answer said so. */
export interface Unread {
  body: Body;
  sent: number;
  refused: number;
}

/** `refused`: for now. `unread`: for good. */
export type Answer = 'acknowledged' | 'refused' | 'unread' | 'cut off';

/**
 * Delacon, as the bridge sees it: day after day of calls, each push sent once or, now and then, again; some corrected and
 * corrected back; some built by hand, encoded or compressed; and some that are none.
 */
export class Delacon {
  /** Everything that was sent, in order. */
  readonly sent: Sent[] = [];
  readonly unread: Unread[] = unreadable.map((body) => ({ body, sent: 0, refused: 0 }));
  /** Answers that are none to what was sent, in sentences. */
  readonly wronglyAnswered: string[] = [];
  readonly #url: string;
  readonly #random: () => number;
  readonly #odd: () => number;
  readonly #seed: number;
  #days = 0;
  #waiting: SimulatedPush[] = [];

  constructor(url: string, seed: number, random: () => number) {
    this.#url = url;
    this.#seed = seed;
    this.#random = random;
    this.#odd = seeded(seed + 1);
  }

  /** Sends the next push, and now and then repeats one that was sent, or sends what is none. */
  async send(): Promise<Answer> {
    const again =
      this.#random() < 0.05 ? this.sent[Math.floor(this.#random() * this.sent.length)] : undefined;
    if (again && !again.isCorrected) return this.#post(again);
    const odd = this.#odd();
    if (odd < 0.03) return this.#sendUnreadable();
    const { fields } = this.#next();
    const push = this.#toSend(odd < 0.25 ? oddBody(this.#odd, fields) : asPrinted(fields));
    const answer = await this.#post(push);
    const isCorrected = answer === 'acknowledged' && fields['PLA_Duration'] && this.#odd() < 0.1;
    return isCorrected ? this.#correct(push) : answer;
  }

  #toSend(body: Body): Sent {
    const push = { ...body, acknowledged: false, isCorrected: false };
    this.sent.push(push);
    return push;
  }

  /** The duration was another one; no, it was not. */
  async #correct(push: Sent): Promise<Answer> {
    const other = this.#toSend(asPrinted({ ...push.fields, PLA_Duration: '9999s' }));
    other.isCorrected = true;
    const answers = [await this.#post(other), await this.#post(push)] as const;
    // What was cut off may have come, or not.
    if (answers[0] === 'cut off' || answers[1] !== 'acknowledged') push.isCorrected = true;
    return answers[1];
  }

  async #sendUnreadable(): Promise<Answer> {
    const one = this.unread[Math.floor(this.#odd() * this.unread.length)] as Unread;
    one.sent++;
    const answer = await this.#ask(one.body);
    if (answer === 'unread') one.refused++;
    if (answer === 'acknowledged')
      this.wronglyAnswered.push(`${JSON.stringify(one.body.text)} was acknowledged`);
    return answer;
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

  /** What was acknowledged before stays so, whatever comes of the repetition. */
  async #post(push: Sent): Promise<Answer> {
    const answer = await this.#ask(push);
    push.acknowledged ||= answer === 'acknowledged';
    if (answer === 'unread')
      this.wronglyAnswered.push(`a push was not read: ${JSON.stringify(push.text.slice(0, 500))}`);
    return answer;
  }

  async #ask({ bytes, headers }: Body): Promise<Answer> {
    try {
      const answer = await fetch(this.#url, {
        method: 'POST',
        body: bytes,
        headers,
        signal: AbortSignal.timeout(8_000),
      });
      const { success, error } = (await answer.json()) as { success?: string; error?: string };
      if (answer.status === 200 && success === 'true') return 'acknowledged';
      if (answer.status === 400 || answer.status === 415) return 'unread';
      if (answer.status !== 503) this.wronglyAnswered.push(`a push was answered ${answer.status}: ${error}`);
      return 'refused';
    } catch {
      return 'cut off'; // it may be stored, or not
    }
  }
}
