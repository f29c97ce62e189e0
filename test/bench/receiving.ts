import {
  idleConnector,
  load,
  median,
  pushToken,
  type Server,
  sandboxConnector,
  startBridge,
  startRoute,
} from './processes.ts';
import type { Bench } from './row.ts';

const bars = { node: 0.7, bun: 0.5 };
const path = `/push/${pushToken}`;

/**
 * Durable receiving against the bare route, by turns, the others halted meanwhile. The bar is for receiving: push, call and delivery in one commit,
 * answered after it, with a connector that delivers nothing meanwhile. Told beside it: what this disk and this runtime
 * leave of the bare route when it keeps a single row for each push, and the bridge with the sandbox delivering in the
 * same process.
 */
export const receiving: Bench = async ({ runtime, seconds, rounds }) => {
  const bare = await startRoute(runtime, 'bare-route.ts');
  const oneRow = await startRoute(runtime, 'one-row-route.ts');
  const servers = [bare, oneRow];
  const alone = (server: Server) => {
    for (const one of servers) one.halt(one !== server);
  };
  const rate = async (server: Server, forSeconds = seconds) => {
    alone(server);
    return (await load({ port: server.port, path, connections: 64, seconds: forSeconds, rate: 0 })).perSecond;
  };
  const turnsWith = async (server: Server) => {
    const turns: { bare: number; oneRow: number; bridge: number }[] = [];
    for (const one of [...servers]) await rate(one, 1);
    for (let round = 0; round < rounds; round++) {
      turns.push({ bare: await rate(bare), oneRow: await rate(oneRow), bridge: await rate(server) });
    }
    return turns;
  };
  try {
    const bridge = await startBridge(runtime, idleConnector);
    servers.push(bridge);
    const turns = await turnsWith(bridge);
    const ratio = median(turns.map((turn) => turn.bridge / turn.bare));
    const perSecond = median(turns.map((turn) => turn.bridge));
    const barePerSecond = median(turns.map((turn) => turn.bare));
    const { most } = bridge.memory();
    const quarter = await load({ port: bridge.port, path, connections: 64, seconds, rate: perSecond / 4 });

    // Last and alone: it goes on delivering between the rounds, and would take time from everything beside it.
    const delivering = await startBridge(runtime, sandboxConnector);
    servers.push(delivering);
    const besides = await rate(delivering);
    const ratioDelivering = besides / barePerSecond;
    return [
      {
        runtime,
        what: 'durable receiving, 64 connections, against a bare route',
        measured: `${ratio.toFixed(2)} × (${Math.round(perSecond)} against ${Math.round(barePerSecond)} a second)`,
        bar: `≥ ${bars[runtime]} ×`,
        met: ratio >= bars[runtime],
      },
      {
        runtime,
        what: 'the bare route keeping one row for each push, against itself keeping none',
        measured: `${median(turns.map((turn) => turn.oneRow / turn.bare)).toFixed(2)} × (the bridge: ${median(turns.map((turn) => turn.bridge / turn.oneRow)).toFixed(2)} × of it)`,
        bar: 'told',
      },
      {
        runtime,
        what: 'the same while the sandbox delivers in the same process',
        measured: `${ratioDelivering.toFixed(2)} × (${Math.round(besides)} a second)`,
        bar: 'told',
      },
      {
        runtime,
        what: `p99 at a quarter of that rate (${Math.round(perSecond / 4)} a second)`,
        measured: `${quarter.p99Ms.toFixed(1)} ms (median ${quarter.p50Ms.toFixed(2)} ms, ${quarter.refused} refused)`,
        bar: '≤ 20 ms',
        met: quarter.p99Ms <= 20 && quarter.refused === 0,
      },
      {
        runtime,
        what: 'memory while receiving at full rate',
        measured: `${Math.round(most)} MB at most`,
        bar: '≤ 200 MB',
        met: most <= 200,
      },
    ];
  } finally {
    for (const server of servers) await server.stop();
  }
};
