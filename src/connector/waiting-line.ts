import type { Urgency } from '../call/call.ts';

/** Who is most urgent comes first. */
const order: readonly Urgency[] = ['live', 'backlog', 'historic'];
/** Of so many turns, one is that of who would come later, in rotation: nobody waits for ever. */
const oneOf = 5;

/** Who waits for a turn: by urgency, and within one in the order of coming. */
export class WaitingLine<Waiting> {
  readonly #lines: Record<Urgency, Waiting[]> = { live: [], backlog: [], historic: [] };
  #turns = 0;

  add(urgency: Urgency, waiting: Waiting): void {
    this.#lines[urgency].push(waiting);
  }

  /** Whose turn it is, among those whose urgency `may` go now. */
  next(may: (urgency: Urgency) => boolean = () => true): Waiting | undefined {
    const waiting = order.filter((urgency) => this.#lines[urgency].length > 0 && may(urgency));
    const turn = this.#turns + 1;
    const rotated = turn % oneOf === 0 ? (turn / oneOf - 1) % Math.max(1, waiting.length - 1) : null;
    const chosen = rotated === null ? waiting[0] : waiting.at(-1 - rotated);
    if (chosen === undefined) return undefined;
    this.#turns++;
    return this.#lines[chosen].shift();
  }

  remove(urgency: Urgency, waiting: Waiting): void {
    const line = this.#lines[urgency];
    const at = line.indexOf(waiting);
    if (at >= 0) line.splice(at, 1);
  }

  has(urgency: Urgency): boolean {
    return this.#lines[urgency].length > 0;
  }

  get isEmpty(): boolean {
    return order.every((urgency) => !this.has(urgency));
  }
}
