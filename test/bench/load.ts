/*
 * Sends pushes over keep-alive connections, in a process of its own. Prints one line of JSON.
 *
 *     node load.ts '{"port":8080,"path":"/push/…","mix":"new","connections":64,"seconds":5,"rate":0}'
 *
 * With a rate, each push has its appointed time, and its latency counts from then: a push that waits for a connection,
 * because the server stalls, has waited, and so have all those behind it.
 */
import { Connection } from './connection.ts';
import { type Mix, requestsTo } from './pushes.ts';

export interface LoadOptions {
  port: number;
  path: string;
  mix: Mix;
  connections: number;
  seconds: number;
  /** Pushes per second; 0: as many as are answered. */
  rate: number;
}

export interface LoadResult {
  perSecond: number;
  /** Answered with something else than 200, or not at all. */
  refused: number;
  p50Ms: number;
  p99Ms: number;
}

/** How long after the end an answer is waited for. */
const patienceMs = 5_000;

const { port, path, mix, connections, seconds, rate } = JSON.parse(process.argv[2] ?? '{}') as LoadOptions;

const nextRequest = requestsTo(path, mix);
const latencies: number[] = [];
let sent = 0;
let answeredInTime = 0;
let not200 = 0;
const started = performance.now();
const ends = started + seconds * 1000;

function send(connection: Connection, since: number, then: (now: number) => void): void {
  sent++;
  connection.send(nextRequest(), (status) => {
    const now = performance.now();
    if (status !== '200') not200++;
    if (now < ends) answeredInTime++;
    latencies.push(now - since);
    then(now);
  });
}

const all = Array.from({ length: connections }, () => new Connection(port, report));
if (rate === 0) {
  for (const connection of all) {
    const again = (now: number) => {
      if (now < ends) send(connection, now, again);
      else reportWhenDone();
    };
    again(performance.now());
  }
} else {
  const idle = [...all];
  const pushes = Math.floor(rate * seconds);
  const next = () => {
    const due = Math.min(pushes, ((performance.now() - started) / 1000) * rate);
    while (sent < due && idle.length > 0) {
      const connection = idle.pop() as Connection;
      send(connection, started + (sent / rate) * 1000, () => {
        idle.push(connection);
        next();
      });
    }
    if (latencies.length === pushes) report();
  };
  // Looks every millisecond instead of all the time: a core that spins here is one that the server lacks.
  setInterval(next, 1);
}
setTimeout(report, seconds * 1000 + patienceMs);

function reportWhenDone(): void {
  if (latencies.length === sent) report();
}

function report(): never {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  const appointed = rate === 0 ? sent : Math.floor(rate * seconds);
  const result: LoadResult = {
    perSecond: answeredInTime / seconds,
    refused: not200 + appointed - latencies.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
  console.log(JSON.stringify(result));
  for (const connection of all) connection.end();
  process.exit();
}
