import type { Lease } from './leases.ts';

/** A connector's circuit: as deliver/circuit.ts has it. */
export interface CircuitState {
  connector: string;
  /** Why nothing is being written until somebody acts, in the connector's words. Null while nobody has to. */
  blockedReason: string | null;
  /** Why nothing is being written though nobody has to act. Null while it works, or is blocked. */
  openReason?: string | null;
  since: Date;
  /** When it is tried next. Null while it is not known, or works. */
  probeAt?: Date | null;
}

export interface ConnectorState extends Required<CircuitState> {
  /** Since when and why a person lets it rest. Null while nobody does. */
  paused: { since: Date; reason: string | null } | null;
  /** The last attempt that came to nothing. */
  lastError: {
    at: Date;
    outcome: 'retry' | 'rejected' | 'blocked';
    reason: string;
    source: string;
    callId: string;
  } | null;
}

/** How connectors are doing. */
export interface ConnectorStates {
  /** Changes nothing when the lease is no longer the holder's. */
  setConnectorState(state: CircuitState, lease?: Lease): Promise<void>;
  /**
   * Null ends the pause, and lets the connector be tried at once. A pause is kept apart from the circuit, which opens and
   * closes meanwhile.
   */
  pauseConnector(connector: string, pause: ConnectorState['paused']): Promise<void>;
  connectorStates(): Promise<ConnectorState[]>;
}
