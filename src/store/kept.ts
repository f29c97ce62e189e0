/** What the bridge keeps for itself. */
export interface Kept {
  /** What the bridge keeps for itself between runs, and in its backups, by name. Null: nothing. */
  kept(name: string): Promise<string | null>;
  keep(name: string, text: string): Promise<void>;
  /** Keeps the text unless one is kept already. Returns the one that is: of several that ask at once, all get the same. */
  keepFirst(name: string, text: string): Promise<string>;
  /** A link that signs a browser in: what it carries is known by its digest alone. Those whose time is over are removed. */
  addSignInLink(digest: string, now: Date, expiresAt: Date): Promise<void>;
  /** Uses the link up. False when there is none, or its time is over. */
  useSignInLink(digest: string, now: Date): Promise<boolean>;
}
