export interface Purged {
  /** Pushes, or calls. */
  removed: number;
  /** Where the next step goes on; null when no call further on is old enough. */
  lastRow: number | null;
}

/** What a part of the store has of a number. */
export interface Holding {
  /** Calls that hold it in a push or in what their pushes said. */
  calls: number[];
  /** Calls of which a CRM or a person said something that holds it. */
  told: number[];
  /** Where the next part begins; null when this was the last. */
  lastRow: number | null;
  /** How much of all calls has been looked at, 0 to 1. */
  share: number;
}

/** What to erase of a caller. */
export interface Erasure {
  /** The calls, by their rows. */
  rows: readonly number[];
  /** E.164. */
  number: string;
  /** Masked: what is kept of it, to tell that it was erased. */
  shown: string;
  /** Other calls of which something was told that holds the number, and what to put in its place. */
  told: readonly number[];
  mask(text: string): string;
  /** Whether a body holds the number: such rejected pushes go, too. */
  holds(text: string): boolean;
  /** Rejected pushes that cannot be searched whole, since they are packed in what is not read, go as well. */
  unsearchable: boolean;
  at: Date;
}

/** How much was erased. */
export interface Erased {
  calls: number;
  pushes: number;
  deliveries: number;
  attempts: number;
  /** Entries of connectors' maps of people. */
  people: number;
  unreadable: number;
  /** The text is gone from the tables and still in SQLite's log: somebody reads the file. `finishErasures` sees to it. */
  inLog: boolean;
}

/** The store itself, and what leaves it. */
export interface Upkeep {
  /**
   * One step of removing the raw pushes of calls, or whole calls, that were last heard of before a time: looks at
   * `limit` calls after `afterRow`. A call that still has something to deliver, or failed, is not removed.
   */
  purge(what: 'pushes' | 'calls', before: Date, afterRow: number, limit: number): Promise<Purged>;
  /**
   * Calls whose pushes or fields, and calls of which what was told, `holds`: among up to `limit` calls after `afterRow`.
   */
  callsHolding(holds: (text: string) => boolean, afterRow: number, limit: number): Promise<Holding>;
  /**
   * Removes the calls, whatever their state, and what else is known of the number. A delivery that is under way does not
   * bring it back: of a number that no later call has, nothing is remembered until `finishErasures` says that it is over.
   */
  erase(erasure: Erasure): Promise<Erased>;
  /** Does what is left to do for earlier erasures. `inLog`: something still reads the file. */
  finishErasures(now: Date): Promise<{ inLog: boolean }>;
  /** Writes a copy of everything as it stands to a new file, while the bridge goes on. */
  backup(file: string): Promise<void>;
  /** The room that it takes on the disk, in bytes. */
  size(): Promise<Record<string, number>>;
  /** Tries what a push does, and takes it back. Rejects unless each push would be taken now. */
  checkWritable(): Promise<void>;
  /** Calls `changed` after another process, such as a command, wrote to the store. The returned function ends it. */
  watch(changed: () => void): () => void;
  /**
   * Resolves with a sentence for the operator when the store's file has been removed, replaced or written over by somebody
   * else: from then on nothing is taken, and all that is left is to rescue and to end. A command's store does not tell.
   */
  readonly lost: Promise<string>;
  /** Saves what can be saved of a store that is lost, and says where. @throws when that fails */
  rescue(): Promise<string>;
  close(): Promise<void>;
}
