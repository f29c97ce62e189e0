/**
 * What a connector keeps between runs, as text under names of its own: a refresh token that was renewed, what a probe
 * found, tasks that are still open. It lies in the store, so whoever runs the connector next finds it.
 */
export interface Memory {
  /** Those that are there. */
  recall(names: readonly string[]): Promise<Map<string, string>>;
  /** Resolves after the commit. */
  remember(texts: ReadonlyMap<string, string>): Promise<void>;
  forget(names: readonly string[]): Promise<void>;
}
