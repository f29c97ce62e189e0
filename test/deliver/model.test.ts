/*
 * The promise, checked on a model: random interleavings of pushes, attempts, failures of the CRM and of the disk,
 * crashes, requests that are carried out late, instances that hang and are taken over, jumps of the clock, replays, skips, pauses and changes of the
 * configuration, in virtual time. test/support/model-bridge.ts says what is real and what is checked after each command. At the end all
 * is mended and runs dry; then every call must be in every CRM it was routed to, once, as it is now.
 *
 *   node test/run.ts deliver/model                                     a hundred runs
 *   MODEL_RUNS=20000 node test/run.ts deliver/model                    many
 *   MODEL_SEED=-17 MODEL_PATH=3:1:0 node test/run.ts deliver/model     the one that failed, as its message says
 *
 * With TMPDIR on a RAM disk the same runs take a fraction of the time.
 */
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import {
  type Connector,
  connectors,
  ModelBridge,
  PromiseBroken,
  routingCount,
} from '../support/model-bridge.ts';
import { type Fate, latestMs, type Mood, moods } from '../support/model-crm.ts';
import { suite } from '../support/suite.ts';
import { withFolder } from '../support/with-store.ts';

const model = suite('delivery model');

const runs = Number(process.env['MODEL_RUNS'] ?? 100);

/** Callers as they are sent: two people in several spellings, one withheld, and none. */
const callers = [
  '+61412000001',
  '0412 000 001',
  '0412000001 ext 12',
  '0412000002',
  '+61412000002',
  'anonymous',
  '',
];
const halves = {
  start: (v: number) => ({ PLA_Number_Dialed: '0288889999', PLA_Dealer_Name: `Dealer ${v}` }),
  end: (v: number) => ({ PLA_CallResult: v === 0 ? 'Busy' : 'Answered', PLA_Duration: `${v}s` }),
  both: (v: number) => ({
    PLA_Number_Dialed: '0288889999',
    PLA_CallResult: 'Answered',
    PLA_Duration: `${v}s`,
  }),
  survey: (v: number) => ({ PLA_SurveyOutcome: v === 0 ? 'Sale' : '' }),
  dealer: (v: number) => ({ PLA_Dealer_Category: v === 0 ? 'Plumbing' : 'Gas' }),
};
type Half = keyof typeof halves;

/** A command, as a failure prints it. */
type Command =
  | ['push', source: string, callId: string, half: Half, caller: number | null, variant: number]
  | [
      'push, and go on at once',
      source: string,
      callId: string,
      half: Half,
      caller: number | null,
      variant: number,
    ]
  | ['time passes', ms: number]
  | ['clock jumps', ms: number]
  | ['next requests', crm: Connector, moods: Mood[]]
  | ['slow ones end', crm: Connector, fate: Fate]
  | ['CRM refuses call', crm: Connector, callId: string]
  | ['CRM blocks', crm: Connector]
  | ['CRM is mended', crm: Connector]
  | ['disk takes writes', which: boolean[]]
  | ['crash', fate: Fate]
  | ['stop and start']
  | ['hang']
  | ['second instance']
  | ['hang, and be taken over']
  | ['go on']
  | ['kill one', which: number, fate: Fate]
  | ['replay', callIds: string[]]
  | ['skip', callIds: string[], crm: Connector]
  | ['pause', crm: Connector, isPaused: boolean]
  | ['routes', number: number]
  | ['connectors', names: readonly Connector[]]
  | ['mapping changes']
  | ['source beta', isThere: boolean];

const callIds = ['1', '2', '3', '4'];
const crm = fc.constantFrom(...connectors);
const fate = fc.oneof(fc.boolean(), fc.integer({ min: 1, max: latestMs }));
const push = [
  fc.constantFrom('acme', 'acme', 'acme', 'beta'),
  fc.constantFrom(...callIds),
  fc.constantFrom<Half>('start', 'start', 'end', 'both', 'survey', 'dealer'),
  fc.option(fc.nat(callers.length - 1), { freq: 3 }),
  fc.nat(2),
] as const;
const command = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(fc.constant('push'), ...push) },
  { weight: 6, arbitrary: fc.tuple(fc.constant('push, and go on at once'), ...push) },
  {
    weight: 8,
    arbitrary: fc.tuple(
      fc.constant('time passes'),
      fc.oneof(fc.integer({ min: 1, max: 12_000 }), fc.integer({ min: 1, max: 100_000 })),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.constant('clock jumps'),
      fc.oneof(
        fc.integer({ min: -60_000, max: 60_000 }),
        fc.integer({ min: -600_000, max: 600_000 }),
        fc.constantFrom(-86_400_000, 86_400_000),
      ),
    ),
  },
  {
    weight: 9,
    arbitrary: fc.tuple(
      fc.constant('next requests'),
      crm,
      fc.array(fc.constantFrom(...moods, 'slow' as const, 'slow' as const), { minLength: 1, maxLength: 4 }),
    ),
  },
  { weight: 4, arbitrary: fc.tuple(fc.constant('slow ones end'), crm, fate) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('CRM refuses call'), crm, fc.constantFrom(...callIds)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('CRM blocks'), crm) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('CRM is mended'), crm) },
  {
    weight: 4,
    arbitrary: fc.tuple(
      fc.constant('disk takes writes'),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
    ),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('crash'), fate) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('stop and start')) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('hang')) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('second instance')) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('hang, and be taken over')) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('go on')) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('kill one'), fc.nat(1), fate) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('replay'), fc.subarray(callIds, { minLength: 1 })) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constant('skip'), fc.subarray(callIds, { minLength: 1 }), crm),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('pause'), crm, fc.boolean()) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('routes'), fc.nat(routingCount - 1)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('connectors'), fc.subarray([...connectors])) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('mapping changes')) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('source beta'), fc.boolean()) },
) as fc.Arbitrary<Command>;

async function act(bridge: ModelBridge, [name, ...args]: Command): Promise<void> {
  if (name !== 'push' && name !== 'push, and go on at once' && name !== 'crash') await bridge.quiet();
  switch (name) {
    case 'push':
    case 'push, and go on at once': {
      const [source, callId, half, caller, variant] = args as [string, string, Half, number | null, number];
      bridge.push(source, {
        PLA_Call_Id: callId,
        ...halves[half](variant),
        ...(caller !== null && { PLA_Caller_Phone_Number: callers[caller] as string }),
      });
      if (name !== 'push') return;
      break;
    }
    case 'time passes':
      await bridge.pass(args[0] as number);
      break;
    case 'clock jumps':
      bridge.jump(args[0] as number);
      break;
    case 'next requests':
      bridge.crms[args[0] as Connector].moods.push(...(args[1] as Mood[]));
      break;
    case 'slow ones end':
      for (const request of bridge.crms[args[0] as Connector].underWay) request.end(args[1] as Fate);
      break;
    case 'CRM refuses call':
      bridge.crms[args[0] as Connector].rejects.add(args[1] as string);
      break;
    case 'CRM blocks':
      bridge.crms[args[0] as Connector].blocks = true;
      break;
    case 'CRM is mended':
      bridge.crms[args[0] as Connector].mend();
      break;
    case 'disk takes writes':
      bridge.diskTakes = [...(args[0] as boolean[])];
      break;
    case 'crash':
      await bridge.crash(args[0] as Fate);
      break;
    case 'stop and start':
      if (!bridge.instance) return;
      await bridge.stop(bridge.instance);
      bridge.startInstance();
      break;
    case 'hang':
      bridge.instance?.hang();
      break;
    case 'second instance':
      if (bridge.instances.length < 2) bridge.startInstance();
      break;
    case 'hang, and be taken over':
      bridge.instance?.hang();
      if (bridge.instances.length < 2) bridge.startInstance();
      await bridge.pass(40_000); // longer than a lease
      break;
    case 'go on':
      await bridge.resume();
      break;
    case 'kill one': {
      const instance = bridge.instances[args[0] as number];
      if (!instance) return;
      bridge.kill(instance, args[1] as Fate);
      if (bridge.instances.length === 0) bridge.startInstance();
      break;
    }
    case 'replay':
      await bridge.replay(await rowsOf(bridge, args[0] as string[]));
      break;
    case 'skip':
      await bridge.skip(await rowsOf(bridge, args[0] as string[]), args[1] as Connector);
      break;
    case 'pause':
      await bridge.pause(args[0] as Connector, args[1] as boolean);
      break;
    case 'routes':
      await bridge.reconfigure({ routing: args[0] as number });
      break;
    case 'connectors':
      await bridge.reconfigure({ connectors: args[0] as Connector[] });
      break;
    case 'mapping changes':
      await bridge.reconfigure({ mapping: bridge.configured.mapping + 1 });
      break;
    case 'source beta':
      await bridge.reconfigure({ isBetaThere: args[0] as boolean });
      break;
  }
  await bridge.quiet();
  await bridge.check();
}

async function rowsOf(bridge: ModelBridge, wanted?: string[]): Promise<number[]> {
  const calls = await bridge.store.calls({ limit: 1_000 });
  return calls.filter(({ state }) => wanted?.includes(state.callId) ?? true).map(({ row }) => row);
}

/** Everything works again. What is due then is delivered by itself; what failed, by a replay. */
async function end(bridge: ModelBridge): Promise<void> {
  await bridge.quiet();
  bridge.diskTakes = [];
  for (const name of connectors) {
    await bridge.pause(name, false);
    bridge.crms[name].mend();
    for (const request of bridge.crms[name].underWay) request.end(true);
  }
  await bridge.resume();
  await bridge.reconfigure({ connectors, isBetaThere: true });
  await bridge.runDry();
  await bridge.checkAll('delivered or failed');
  await bridge.replay(await rowsOf(bridge));
  await bridge.runDry();
  await bridge.checkAll('delivered');
}

async function run(file: string, seed: number, commands: readonly Command[]): Promise<void> {
  const bridge = new ModelBridge(file, seed);
  const escaped = (reason: unknown) => bridge.broken(`nobody caught: ${reason}`);
  process.on('unhandledRejection', escaped);
  try {
    await bridge.open();
    for (const each of commands) await act(bridge, each);
    await end(bridge);
  } finally {
    for (const instance of [...bridge.instances]) bridge.kill(instance, true);
    await bridge.store.close();
    process.off('unhandledRejection', escaped);
  }
}

model('whatever happens, what was acknowledged is in the CRM once, as it is now', () =>
  withFolder(async (folder) => {
    const empty = join(folder, 'empty.db');
    await (await openSqliteStore(empty, 'bridge')).close();
    let n = 0;
    const property = fc.asyncProperty(
      fc.integer(),
      fc.array(command, { minLength: 1, maxLength: 40, size: 'max' }),
      async (seed, commands) => {
        const file = join(folder, `${n++}.db`);
        await copyFile(empty, file);
        try {
          await run(file, seed, commands);
        } finally {
          for (const part of ['', '-wal', '-shm', '.lock']) await rm(file + part, { force: true });
        }
      },
    );
    const { MODEL_SEED: seed, MODEL_PATH: path } = process.env;
    const details = await fc.check(property, {
      numRuns: runs,
      ...(seed !== undefined && { seed: Number(seed) }),
      ...(path !== undefined && { path, endOnFailure: true }),
    });
    if (!details.failed) return;
    const [storeSeed, commands] = details.counterexample ?? [];
    const reason = details.errorInstance;
    const failure = new Error(
      [
        reason instanceof PromiseBroken ? reason.message : String((reason as Error)?.stack ?? reason),
        ...(commands ?? []).map((each) => `  ${each.map((part) => JSON.stringify(part)).join(' ')}`),
        `  (store seed ${storeSeed}, after ${details.numRuns} runs and ${details.numShrinks} shrinks)`,
        `Again: MODEL_SEED=${details.seed} MODEL_PATH=${details.counterexamplePath} node test/run.ts deliver/model`,
      ].join('\n'),
    );
    failure.stack = ''; // the test runner would print the message twice
    throw failure;
  }),
);

model.run();
