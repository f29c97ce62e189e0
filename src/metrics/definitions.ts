/*
 * Every metric that the bridge exposes: the one list from which they are made, and from which tests hold the reference
 * (config/metrics.md), the dashboard and the alert rules to what there is. Names and units follow Prometheus'
 * conventions. The values of a label come from the configuration, or are the few that its help names: never a number,
 * a token or a call id.
 */

export interface Definition {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  labels: readonly string[];
  /** Of a histogram: upper bounds. */
  buckets?: readonly number[];
}

export const definitions = {
  delacon_bridge_build_info: {
    type: 'gauge',
    help: 'Always 1: the version of the bridge, and what it runs on.',
    labels: ['version', 'runtime', 'runtime_version'],
  },

  delacon_bridge_pushes_total: {
    type: 'counter',
    help: 'Pushes by what they were answered: stored, repeated, unreadable, not_stored, unknown_token (no source), wrong_path, refused_address, rate_limited, too_large, not_whole, wrong_method, closing.',
    labels: ['source', 'outcome'],
  },
  delacon_bridge_push_commit_duration_seconds: {
    type: 'histogram',
    help: 'From the arrival of a push to the commit that holds it, just before its answer.',
    labels: [],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  },
  delacon_bridge_last_push_timestamp_seconds: {
    type: 'gauge',
    help: 'When the latest push of a source was stored. If none is known: when the bridge started.',
    labels: ['source'],
  },
  delacon_bridge_calls_total: {
    type: 'counter',
    help: 'Calls of which a first push was stored.',
    labels: ['source'],
  },

  delacon_bridge_rejected_bodies: {
    type: 'gauge',
    help: 'Pushes that could not be read and are kept, to be read again.',
    labels: ['source'],
  },
  delacon_bridge_rejected_bodies_bytes: {
    type: 'gauge',
    help: 'Length of those bodies: beyond retention.rejectedBytes the oldest go.',
    labels: ['source'],
  },

  delacon_bridge_deliveries_total: {
    type: 'counter',
    help: 'Attempts to deliver a call, by outcome: delivered, retry, rejected, blocked.',
    labels: ['connector', 'outcome'],
  },
  delacon_bridge_deliveries_failed_total: {
    type: 'counter',
    help: 'Deliveries that were rejected or given up: they wait for a replay.',
    labels: ['connector'],
  },
  delacon_bridge_delivery_lag_seconds: {
    type: 'histogram',
    help: 'From when a delivery fell due, which is when its push was stored, to its commit in the CRM.',
    labels: ['connector'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400],
  },
  delacon_bridge_backlog_deliveries: {
    type: 'gauge',
    help: 'Deliveries that are not in the CRM yet. Not counted beyond 100000.',
    labels: ['connector'],
  },
  delacon_bridge_backlog_oldest_seconds: {
    type: 'gauge',
    help: 'For how long the oldest of them has been due. 0: none is.',
    labels: ['connector'],
  },
  delacon_bridge_failed_deliveries: {
    type: 'gauge',
    help: 'Deliveries that failed and were not replayed since. Not counted beyond 100000.',
    labels: ['connector'],
  },

  delacon_bridge_connector_state: {
    type: 'gauge',
    help: '1 for the state a connector is in, 0 for the others: working, thrifty (few requests are left for the day), open (the CRM does not answer, or asks to wait), blocked (somebody must act), paused (somebody lets it rest), standby (another instance runs it).',
    labels: ['connector', 'state'],
  },
  delacon_bridge_lease_held: {
    type: 'gauge',
    help: '1: this instance runs the connector.',
    labels: ['connector'],
  },
  delacon_bridge_crm_requests_total: {
    type: 'counter',
    help: 'Requests to the CRM by kind and HTTP status; failed: no answer came.',
    labels: ['connector', 'kind', 'status'],
  },
  delacon_bridge_crm_quota_limit_requests: {
    type: 'gauge',
    help: 'Requests that the CRM allows for a day. Absent until one of its answers has told.',
    labels: ['connector'],
  },
  delacon_bridge_crm_quota_remaining_requests: {
    type: 'gauge',
    help: 'Requests of the day that are left. Absent until an answer of the CRM has told.',
    labels: ['connector'],
  },
  delacon_bridge_people_lookups_total: {
    type: 'counter',
    help: "Look-ups of a caller in the bridge's own map of people, by where they were found: cache, store, nowhere.",
    labels: ['connector', 'found'],
  },

  delacon_bridge_store_size_bytes: {
    type: 'gauge',
    help: 'Room that the store takes on the disk: database, wal.',
    labels: ['file'],
  },

  process_cpu_seconds_total: {
    type: 'counter',
    help: 'Processor time spent, by the process and by the system for it.',
    labels: [],
  },
  process_resident_memory_bytes: { type: 'gauge', help: 'Memory that the process holds.', labels: [] },
  process_heap_bytes: { type: 'gauge', help: 'JavaScript heap in use.', labels: [] },
  process_open_fds: { type: 'gauge', help: 'Open files and connections. Counted on Linux only.', labels: [] },
  process_start_time_seconds: {
    type: 'gauge',
    help: 'When the process started, in seconds since 1970.',
    labels: [],
  },
} as const satisfies Record<string, Definition>;

export type MetricName = keyof typeof definitions;
