/** The right to run a connector. Who acquires it later has a higher fence, and what the earlier holder writes is refused. */
export interface Lease {
  name: string;
  holder: string;
  fence: number;
}

/** Who may run what, of all processes that could. */
export interface Leases {
  /**
   * The lease, if nobody else holds it. Acquiring raises the fence. One that lasts for far longer than anybody is given
   * was taken before the clock was set back, and is over.
   */
  acquireLease(name: string, holder: string, now: Date, forMs: number): Promise<Lease | null>;
  /** False when somebody else has acquired it. */
  renewLease(lease: Lease, now: Date, forMs: number): Promise<boolean>;
  /** @param left whether anything that was under way may not have been settled */
  releaseLease(lease: Lease, left?: 'nothing' | 'something'): Promise<void>;
}
