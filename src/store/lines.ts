import type { Urgency } from '../call/call.ts';

/*
 * The lines that due deliveries stand in, each in the order of its times. Who waits for a lane is in the same line, out
 * of sight: see sqlite/due.ts.
 */

/** Where a delivery stands whose push made it due. */
export const fresh = 0;
/** Where one stands that was tried before, or that somebody or a lapse made due. Its time may be in the future. */
export const again = 1;
/** A bit beside either while it waits for its lane, and a look passes over it. */
export const behind = 2;
/** Where one stands, tried or not, whose push came late: live calls are not looked for here. */
export const late = 4;
/** And one of a call that was first heard of long after its end. */
export const historic = 5;

export const linesInSight = [fresh, again, late, historic] as const;
/** All of them. */
export const lines = [...linesInSight, ...linesInSight.map((line) => line | behind)] as const;

/** Where a push puts what it makes due. */
export const lineOf: Record<Urgency, number> = { live: fresh, backlog: late, historic };
