import type { RecordRef } from '../call/records.ts';

/** What connectors know from earlier calls. */
export interface ConnectorMemory {
  findPeople(connector: string, numbers: readonly string[]): Promise<Map<string, RecordRef>>;
  rememberPeople(connector: string, people: ReadonlyMap<string, RecordRef>): Promise<void>;
  forgetPeople(connector: string, numbers: readonly string[]): Promise<void>;
  /** A connector's memory, as in connector/memory.ts. */
  recall(connector: string, names: readonly string[]): Promise<Map<string, string>>;
  remember(connector: string, texts: ReadonlyMap<string, string>): Promise<void>;
  forget(connector: string, names: readonly string[]): Promise<void>;
}
