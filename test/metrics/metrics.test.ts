import { readFileSync } from 'node:fs';
import { Quota } from '../../src/connector/quota.ts';
import type { WorkerCondition } from '../../src/deliver/worker.ts';
import { type Definition, definitions } from '../../src/metrics/definitions.ts';
import { Metrics, type RunningConnector } from '../../src/metrics/metrics.ts';
import type { Recorded } from '../../src/store/intake.ts';
import type { Store } from '../../src/store/store.ts';
import { pushToken, type RunningBridge, withBridgeFolder } from '../support/bridge-process.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { withHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { metricsIn, type Sample, sumOf } from '../support/read-metrics.ts';
import { assert, suite, until } from '../support/suite.ts';
import { VirtualTime } from '../support/virtual-clock.ts';
import { newPush, withSqliteStore } from '../support/with-store.ts';

const metrics = suite('metrics');

const root = new URL('../../', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), 'utf8');
const all: [name: string, definition: Definition][] = Object.entries(definitions);

const scrape = async (bridge: RunningBridge, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${bridge.url}/metrics`, { headers });
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
};

metrics('a running bridge exposes what is defined, with these labels, and nothing else', () =>
  withHubSpotEmulator((hubspot) =>
    withBridgeFolder(async (folder) => {
      folder.configure(`sources: { acme: { tokens: [${pushToken}] } }
operator: { token: operator-token-of-acme }
connectors: { crm: { type: hubspot, accessToken: ${hubspot.token}, baseUrl: "${hubspot.url}" } }
`);
      const bridge = await folder.startHere();
      await bridge.push(startPush('7'));
      await bridge.push(endPush('7'));
      await bridge.push(endPush('7'));
      await bridge.push('{');
      await fetch(`${bridge.url}/push/no-such-token`, { method: 'POST', body: '{}' });
      await fetch(`${bridge.url}/push/${pushToken}`);
      await bridge.push(JSON.stringify({ PLA_Call_Id: '8', PLA_City: 'x'.repeat(300_000) }));
      let text = '';
      await until('the call to be delivered', async () => {
        text = (await scrape(bridge, { authorization: 'Bearer operator-token-of-acme' })).text;
        return (
          sumOf(text, 'delacon_bridge_deliveries_total', { outcome: 'delivered' }) >= 1 &&
          sumOf(text, 'delacon_bridge_backlog_deliveries') === 0
        );
      });
      const { types, helps, samples } = metricsIn(text);
      assert.equal(types, Object.fromEntries(all.map(([name, { type }]) => [name, type])));
      assert.equal(helps, Object.fromEntries(all.map(([name, { help }]) => [name, help])));
      for (const { metric, labels } of samples) {
        const { labels: named } = definitions[metric as keyof typeof definitions] as Definition;
        assert.equal(
          Object.keys(labels)
            .filter((label) => label !== 'le')
            .sort(),
          [...named].sort(),
          metric,
        );
      }

      const pushes = (outcome: string, source: string) =>
        sumOf(text, 'delacon_bridge_pushes_total', { outcome, source });
      assert.equal(
        [pushes('stored', 'acme'), pushes('repeated', 'acme'), pushes('unreadable', 'acme')],
        [2, 1, 1],
      );
      assert.equal(
        [pushes('unknown_token', ''), pushes('wrong_method', 'acme'), pushes('too_large', 'acme')],
        [1, 1, 1],
      );
      assert.is(sumOf(text, 'delacon_bridge_rejected_bodies', { source: 'acme' }), 1);
      assert.ok(sumOf(text, 'delacon_bridge_rejected_bodies_bytes', { source: 'acme' }) > 0);
      assert.is(pushes('not_stored', 'acme'), 0, 'told of before there is one');
      assert.is(sumOf(text, 'delacon_bridge_calls_total', { source: 'acme' }), 1);
      assert.is(sumOf(text, 'delacon_bridge_push_commit_duration_seconds_count'), 3);
      assert.ok(sumOf(text, 'delacon_bridge_delivery_lag_seconds_count', { connector: 'crm' }) >= 1);
      assert.ok(
        sumOf(text, 'delacon_bridge_crm_requests_total', { kind: 'calls/batch/upsert', status: '200' }) >=
          1 ||
          sumOf(text, 'delacon_bridge_crm_requests_total', { kind: 'calls/batch/create', status: '201' }) >=
            1,
        text,
      );
      assert.is(sumOf(text, 'delacon_bridge_connector_state', { connector: 'crm', state: 'working' }), 1);
      assert.is(sumOf(text, 'delacon_bridge_lease_held', { connector: 'crm' }), 1);
      assert.ok(sumOf(text, 'delacon_bridge_people_lookups_total', { found: 'nowhere' }) >= 1);
      assert.ok(sumOf(text, 'delacon_bridge_store_size_bytes', { file: 'database' }) > 0);
      assert.ok(sumOf(text, 'process_resident_memory_bytes') > 1e7);
      assert.ok(!/0?44444444|1122334|a-push-token/.test(text), 'numbers, ids or tokens in the metrics');
    }),
  ),
);

metrics('they need the token, and the read-only one will do', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(`sources: { acme: { tokens: [${pushToken}] } }
operator: { token: operator-token-of-acme, readOnlyToken: reader-token-of-acme }
connectors: { sandbox: { type: sandbox } }
`);
    const bridge = await folder.startHere();
    assert.is((await scrape(bridge)).status, 401);
    assert.is((await scrape(bridge, { authorization: 'Bearer another-token-of-acme' })).status, 401);
    const answer = await scrape(bridge, { authorization: 'Bearer reader-token-of-acme' });
    assert.equal([answer.status, answer.type], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  }),
);

metrics('where no token is configured they answer nobody without the one that was made', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(
      `sources: { acme: { tokens: [${pushToken}] } }\nconnectors: { sandbox: { type: sandbox } }\n`,
    );
    const bridge = await folder.startHere();
    assert.is((await scrape(bridge)).status, 401);
    assert.is((await scrape(bridge, { 'x-forwarded-for': '127.0.0.1' })).status, 401);
  }),
);

const working: WorkerCondition = {
  holdsLease: true,
  isPaused: false,
  blockedSince: null,
  openSince: null,
  isProbing: false,
  isThrifty: false,
};

interface Rig {
  metrics: Metrics;
  store: Store;
  time: VirtualTime;
  crm: RunningConnector;
  samples(name: string): Promise<Sample[]>;
}

function withMetrics(use: (rig: Rig) => Promise<void>): Promise<void> {
  return withSqliteStore(async (store) => {
    const time = new VirtualTime();
    const crm: RunningConnector = { name: 'crm', connection: {}, condition: working };
    const metrics = new Metrics({
      store,
      clock: time.clock(),
      sources: () => ({ acme: {}, other: {} }),
      connectors: () => [crm],
    });
    const samples = async (name: string) =>
      metricsIn(await metrics.text()).samples.filter((sample) => sample.name === name);
    await use({ metrics, store, time, crm, samples });
  });
}

metrics('the lag counts from when a delivery fell due, its failed attempts included', () =>
  withMetrics(async ({ metrics, time, samples }) => {
    const dueAt = time.now();
    await time.pass(2_000, async () => {});
    metrics.settled(
      { connector: 'crm', dueAt, failingSince: null, isRewrite: false },
      'delivered',
      'delivered',
    );
    await time.pass(598_000, async () => {});
    // Tried again just now, after ten minutes of failing.
    metrics.settled(
      { connector: 'crm', dueAt: time.now(), failingSince: dueAt, isRewrite: false },
      'delivered',
      'delivered',
    );
    metrics.settled({ connector: 'crm', dueAt, failingSince: null, isRewrite: false }, 'retry', 'due');
    metrics.settled({ connector: 'crm', dueAt, failingSince: null, isRewrite: false }, 'retry', 'failed');
    metrics.settled({ connector: 'crm', dueAt, failingSince: null, isRewrite: false }, 'rejected', 'failed');
    const [sum] = await samples('delacon_bridge_delivery_lag_seconds_sum');
    assert.equal(sum, { ...sum, labels: { connector: 'crm' }, value: 602 });
    const attempts = await samples('delacon_bridge_deliveries_total');
    assert.equal(attempts.map(({ labels, value }) => [labels['outcome'], value]).sort(), [
      ['blocked', 0],
      ['delivered', 2],
      ['rejected', 1],
      ['retry', 2],
    ]);
    assert.is((await samples('delacon_bridge_deliveries_failed_total'))[0]?.value, 2);
  }),
);

metrics('backlog, failures and the age of the oldest are those of the store', () =>
  withMetrics(async ({ store, time, samples }) => {
    const receivedAt = time.now();
    await store.record(newPush(startPush('1'), { receivedAt }));
    await store.record(newPush(startPush('2'), { receivedAt: new Date(receivedAt.getTime() + 60_000) }));
    await time.pass(90_000, async () => {});
    assert.is((await samples('delacon_bridge_backlog_deliveries'))[0]?.value, 2);
    assert.is((await samples('delacon_bridge_backlog_oldest_seconds'))[0]?.value, 90);
    assert.is((await samples('delacon_bridge_failed_deliveries'))[0]?.value, 0);
    await time.pass(500, async () => {});
    await store.record(newPush(startPush('3'), { receivedAt: time.now() }));
    assert.is((await samples('delacon_bridge_backlog_deliveries'))[0]?.value, 2, 'asked twice in a second');
    await time.pass(500, async () => {});
    assert.is((await samples('delacon_bridge_backlog_deliveries'))[0]?.value, 3);
  }),
);

metrics('a connector is in one state, and its quota is told once it is known', () =>
  withMetrics(async ({ crm, samples }) => {
    const state = async () =>
      (await samples('delacon_bridge_connector_state'))
        .filter(({ value }) => value === 1)
        .map(({ labels }) => labels['state']);
    assert.equal(await state(), ['working']);
    crm.condition = { ...working, isThrifty: true };
    assert.equal(await state(), ['thrifty']);
    crm.condition = { ...working, isThrifty: true, blockedSince: new Date() };
    assert.equal(await state(), ['blocked']);
    crm.condition = { ...working, isPaused: true, blockedSince: new Date() };
    assert.equal(await state(), ['paused']);
    crm.condition = { ...working, holdsLease: false };
    assert.equal(await state(), ['standby']);
    assert.is((await samples('delacon_bridge_lease_held'))[0]?.value, 0);

    const quota = new Quota(0.1);
    crm.connection = { quota };
    assert.equal(await samples('delacon_bridge_crm_quota_limit_requests'), []);
    quota.saw(249_000, 250_000);
    assert.is((await samples('delacon_bridge_crm_quota_limit_requests'))[0]?.value, 250_000);
    assert.is((await samples('delacon_bridge_crm_quota_remaining_requests'))[0]?.value, 249_000);
  }),
);

metrics('kinds of requests without end become one', () =>
  withMetrics(async ({ metrics, samples }) => {
    const observer = metrics.observer('crm');
    for (let id = 0; id < 500; id++) observer.requested(`GET /contacts/${id}`, id % 2 ? 200 : 'failed');
    const requests = await samples('delacon_bridge_crm_requests_total');
    assert.ok(requests.length < 70, `${requests.length} series`);
    assert.is(
      requests.reduce((sum, { value }) => sum + value, 0),
      500,
    );
    assert.equal([...new Set(requests.map(({ labels }) => labels['status']))].sort(), ['200', 'failed']);
  }),
);

metrics('a second push that says nothing new is no second call', () =>
  withMetrics(async ({ metrics, store, time, samples }) => {
    for (const body of ['{"PLA_Call_Id":"1"}', '{"PLA_Call_Id":"1"} ', '{"PLA_Call_Id":"1"}']) {
      const push = newPush({ PLA_Call_Id: '1' }, { body, receivedAt: time.now() });
      metrics.recorded(push, await store.record(push));
      await time.pass(1_000, async () => {});
    }
    const counts = await samples('delacon_bridge_calls_total');
    assert.equal(
      counts.map(({ labels, value }) => [labels['source'], value]),
      [
        ['acme', 1],
        ['other', 0],
      ],
    );
  }),
);

metrics(
  'of ten thousand sources, those that push first have series of their own, and the rest are summed',
  () =>
    withSqliteStore(async (store) => {
      const names = Array.from({ length: 10_000 }, (_, n) => `client-${n}`);
      const metrics = new Metrics({
        store,
        clock: new VirtualTime().clock(),
        sources: () => Object.fromEntries(names.map((name) => [name, {}])),
        connectors: () => [],
      });
      const state = (await store.record(newPush(startPush('1')))).state;
      const recorded = { repeat: false, begins: true, revision: 1, due: [], state } as unknown as Recorded;
      const pushOf = (source: string) =>
        metrics.recorded(newPush(startPush('1'), { source, receivedAt: state.firstReceivedAt }), recorded);
      for (const name of names.toReversed()) pushOf(name);
      metrics.refused('unreadable', 'client-1');
      for (const source of names.slice(0, 300))
        await store.reject(
          [
            {
              source,
              cause: 'unreadable',
              mark: '',
              reason: 'no',
              sender: '',
              firstAt: state.firstReceivedAt,
              lastAt: state.firstReceivedAt,
              count: 1,
              body: { bytes: Buffer.from('{'), contentType: '', contentCoding: '' },
            },
          ],
          1_000,
        );
      const text = await metrics.text();
      assert.ok(text.length < 300_000, `${text.length} characters`);
      const of = (name: string) => metricsIn(text).samples.filter((sample) => sample.name === name);
      const calls = of('delacon_bridge_calls_total');
      assert.is(calls.length, 201);
      assert.is(sumOf(text, 'delacon_bridge_calls_total'), 10_000);
      assert.is(sumOf(text, 'delacon_bridge_calls_total', { source: 'client-9999' }), 1);
      assert.is(sumOf(text, 'delacon_bridge_calls_total', { source: '(other)' }), 9_800);
      assert.is(sumOf(text, 'delacon_bridge_pushes_total', { source: '(other)', outcome: 'unreadable' }), 1);
      assert.is(sumOf(text, 'delacon_bridge_rejected_bodies', { source: '(other)' }), 300);
      assert.is(of('delacon_bridge_last_push_timestamp_seconds').length, 201);
    }),
);

metrics('the time to a commit falls into its bucket, and into those above', () =>
  withMetrics(async ({ metrics, store, time, samples }) => {
    for (const [i, ms] of [0, 1, 2, 700, 20_000].entries()) {
      const push = newPush({ PLA_Call_Id: String(i) }, { receivedAt: new Date(time.now().getTime() - ms) });
      metrics.recorded(push, await store.record(push));
    }
    const buckets = await samples('delacon_bridge_push_commit_duration_seconds_bucket');
    assert.equal(
      buckets.map(({ labels, value }) => `${labels['le']}: ${value}`).join(', '),
      '0.001: 2, 0.0025: 3, 0.005: 3, 0.01: 3, 0.025: 3, 0.05: 3, 0.1: 3, 0.25: 3, 0.5: 3, 1: 4, 2.5: 4, 10: 4, +Inf: 5',
    );
    assert.is((await samples('delacon_bridge_push_commit_duration_seconds_sum'))[0]?.value, 20.703);
    assert.is((await samples('delacon_bridge_push_commit_duration_seconds_count'))[0]?.value, 5);
  }),
);

metrics('the latest push is remembered from before a start', () =>
  withMetrics(async ({ store, time, samples }) => {
    const started = time.now().getTime() / 1000;
    await store.record(newPush(startPush('1'), { receivedAt: new Date('2026-11-01T22:00:00Z') }));
    const seen = await samples('delacon_bridge_last_push_timestamp_seconds');
    assert.equal(
      seen.map(({ labels, value }) => [labels['source'], value]),
      [
        ['acme', Date.parse('2026-11-01T22:00:00Z') / 1000],
        ['other', started],
      ],
    );
  }),
);

metrics('names and units follow the conventions of Prometheus', () => {
  for (const [name, { type, help }] of all) {
    assert.match(name, /^(delacon_bridge|process)_[a-z_]+$/);
    assert.is(/_total$/.test(name), type === 'counter', name);
    if (type === 'histogram') assert.match(name, /_seconds$/);
    assert.match(help, /\.$/, name);
    assert.ok(!/_(ms|milliseconds|minutes|kib|mb)(_|$)/.test(name), name);
  }
});

metrics('config/metrics.md lists them all, word for word', () => {
  const rows = read('config/metrics.md')
    .split('\n')
    .filter((line) => /^\| (delacon_bridge|process)_/.test(line));
  assert.equal(
    rows,
    all.map(([name, { type, labels, help }]) => `| ${name} | ${type} | ${labels.join(', ')} | ${help} |`),
  );
});

metrics.run();
