/** Is told what a connection does. */
export interface Observer {
  requested(kind: string, status: number | 'failed'): void;
  /** Callers were looked up in the connector's own map of people. */
  lookedUp(found: 'cache' | 'store' | 'nowhere', numbers: number): void;
}
