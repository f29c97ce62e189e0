/*
 * The two lines that due deliveries stand in, each in the order of its times. Who waits for a lane is in the same line, out
 * of sight: see sqlite/due.ts.
 */

/** Where a delivery stands whose push made it due. */
export const fresh = 0;
/** Where one stands that was tried before, or that somebody or a lapse made due. Its time may be in the future. */
export const again = 1;
/** Added to either while it waits for its lane, and a look passes over it. */
export const behind = 2;

/** All of them. */
export const lines = [fresh, again, fresh + behind, again + behind] as const;
