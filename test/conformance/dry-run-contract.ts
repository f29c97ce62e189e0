import type {
  ConnectorDefinition,
  Delivery,
  DryConnection,
  PlannedRequest,
  Records,
} from '../../src/connector/index.ts';
import { deliveryOf, endPush, startPush } from '../support/build-push.ts';
import { type TestTools, testTools } from '../support/connector-tools.ts';
import type { RecordedRequest } from '../support/recording-proxy.ts';
import { assert, suite } from '../support/suite.ts';

/** A CRM behind a proxy that notes what reaches it. */
export interface DryRunCrm {
  /** As YAML has them, leading to the proxy. */
  settings: Record<string, unknown>;
  passed: RecordedRequest[];
  /** Everything that it holds. */
  contents(): unknown;
  addPerson(phone: string): void;
  /** What was there before, such as users: its id as an offline dry run makes it up → as the CRM has it. */
  ids?: Readonly<Record<string, string>>;
  /** Texts that must never be shown. */
  secrets: string[];
}

/**
 * What a dry run promises, whichever CRM it is for: it plans the very requests that a delivery then sends, to the
 * last value, and changes nothing.
 */
export function dryRunContract(
  name: string,
  definition: ConnectorDefinition,
  withCrm: (use: (crm: DryRunCrm) => Promise<void>) => Promise<void>,
): void {
  const contract = suite(`dry run: ${name}`);

  contract('offline: what it plans is what an empty CRM is then sent; nothing is sent before', () =>
    withCrm(async (crm) => {
      const nowhere: typeof fetch = async () => {
        throw new Error('nothing may be sent');
      };
      const planned = await runDry(crm, false, testTools({ fetch: nowhere }));
      assert.equal(crm.passed, []);
      assert.ok(planned.requests.length > 3);
      assert.not(planned.requests.some(({ sent }) => sent));
      assertSame(planned, await deliver(crm), crm.passed, crm.ids);
    }),
  );

  contract('online: what it plans for a new caller is what is then sent; the CRM stays as it is', () =>
    withCrm(async (crm) => {
      const before = crm.contents();
      const planned = await runDry(crm, true);
      assert.equal(crm.contents(), before);
      const sent = planned.requests.filter((request) => request.sent);
      assert.ok(sent.length > 1);
      assert.equal(
        crm.passed.map(({ method, path }) => `${method} ${path}`),
        sent.map(({ method, path }) => `${method} ${path}`),
      );
      crm.passed.length = 0;
      assertSame(planned, await deliver(crm), crm.passed);
    }),
  );

  contract('online: a caller who is in the CRM already is found, and not made again', () =>
    withCrm(async (crm) => {
      crm.addPerson('(0444) 444 444');
      const before = crm.contents();
      const planned = await runDry(crm, true);
      assert.equal(crm.contents(), before);
      crm.passed.length = 0;
      const delivered = await deliver(crm);
      assert.equal(delivered.records.person, planned.records.person);
      assertSame(planned, delivered, crm.passed);
    }),
  );

  contract('no secret is told', () =>
    withCrm(async (crm) => {
      for (const online of [false, true]) {
        const told = JSON.stringify(await runDry(crm, online));
        for (const secret of crm.secrets) assert.not(told.includes(secret), secret);
      }
    }),
  );

  contract.run();

  const options = (crm: DryRunCrm) => definition.options.parse(crm.settings);

  async function runDry(crm: DryRunCrm, online: boolean, tools: TestTools = testTools()) {
    const requests: PlannedRequest[] = [];
    const plan = (request: PlannedRequest) => requests.push(request);
    const connection = await definition.openDry!(options(crm), tools, { online, plan });
    return { requests, records: await play(connection) };
  }

  async function deliver(crm: DryRunCrm) {
    const connection = await definition.open(options(crm), testTools());
    return { records: await play(connection) };
  }
}

/** A missed call and its end; and a sale of the same caller, of which start and end come at once. */
async function play(connection: DryConnection): Promise<Records> {
  const missed = { PLA_CallResult: 'No answer', PLA_SurveyOutcome: '' };
  const start = startPush('1');
  const first = await one(connection, deliveryOf([start]));
  const second = await one(connection, deliveryOf([start, endPush('1', missed)], { records: first }));
  const other = await one(connection, deliveryOf([startPush('2'), endPush('2')]));
  assert.equal(other.person, second.person, 'one person for both');
  await connection.close();
  return { ...second, ...prefixed(other) };
}

/** Of a second call, under names that say so. */
function prefixed(records: Records): Records {
  return Object.fromEntries(Object.entries(records).map(([role, record]) => [`other ${role}`, record]));
}

async function one(connection: DryConnection, delivery: Delivery): Promise<Records> {
  const [outcome] = await connection.deliver([delivery], AbortSignal.timeout(20_000));
  assert.is(outcome?.kind, 'delivered', JSON.stringify(outcome));
  return outcome?.records ?? {};
}

/** But for ids that the dry run made up, and for log-ins, which are not told. */
function assertSame(
  planned: { requests: PlannedRequest[]; records: Records },
  delivered: { records: Records },
  passed: readonly RecordedRequest[],
  ids: Readonly<Record<string, string>> = {},
): void {
  const madeUp = Object.entries(planned.records) as [keyof Records, { id: string }][];
  const pairs = [
    ...Object.entries(ids),
    ...madeUp.map(([role, { id }]) => [id, delivered.records[role]?.id ?? id] as const),
  ];
  const real = (text: string) => pairs.reduce((shown, [id, realId]) => shown.replaceAll(id, realId), text);
  const readable = ({ method, path, body }: RecordedRequest) => {
    const isLogin = path.includes('/oauth');
    return { method, path, ...(body === undefined || isLogin ? {} : { body }) };
  };
  const lines = (requests: readonly RecordedRequest[]) =>
    requests.map(({ method, path }) => `${method} ${real(path)}`);
  assert.equal(
    lines(planned.requests.map(({ sent: _, ...one }) => ({ body: undefined, ...one }))),
    lines(passed),
  );
  for (const [place, { method, path, body }] of planned.requests.entries()) {
    assert.equal(
      JSON.parse(real(JSON.stringify(readable({ method, path, body })))),
      readable(passed[place] as RecordedRequest),
    );
  }
}
