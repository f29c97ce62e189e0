/*
 * Sends pushes over keep-alive connections, in a process of its own so that the server has a core to itself. Raw
 * sockets, since an HTTP client would cost more than the server that is measured.
 *
 *     node load.ts '{"port":8080,"path":"/push/…","connections":64,"seconds":5,"rate":0}'
 *
 * With a rate, pushes are sent at their appointed times, and a push that had to wait for a free connection has waited
 * since then. Prints one line of JSON.
 */
import { connect, type Socket } from 'node:net';

export interface LoadOptions {
  port: number;
  path: string;
  connections: number;
  seconds: number;
  /** Pushes per second; 0: as many as are answered. */
  rate: number;
}

export interface LoadResult {
  perSecond: number;
  refused: number;
  p50Ms: number;
  p99Ms: number;
}

const { port, path, connections, seconds, rate } = JSON.parse(process.argv[2] ?? '{}') as LoadOptions;

const latencies: number[] = [];
let refused = 0;
let calls = 0;
/** Calls whose start was answered, in that order: as in life, an end comes after its start, and after other calls'. */
const ringing: string[] = [];
const run = Math.floor(Math.random() * 1e6);
const started = performance.now();
const ends = started + seconds * 1000;

interface Push {
  /** Of a start. */
  startOf?: string;
  request: string;
}

/** Starts and ends by turns, once as many calls ring as there are connections. About 1 KB, like the vendor's sample. */
function nextPush(): Push {
  const ended = ringing.length >= connections ? ringing.shift() : undefined;
  const n = ended === undefined ? ++calls : calls;
  const callId = ended ?? `${run}${String(n).padStart(9, '0')}`;
  const body =
    ended === undefined
      ? `{"PLA_Call_Id":"${callId}","PLA_Caller_Phone_Number":"+614${String(10_000_000 + (n % 80_000_000))}","PLA_Exchange":"","PLA_City":"Sydney","PLA_State":"NSW","PLA_Number_Dialed":"0288889999","PLA_Dealer_ID":"0288887777","PLA_Dealer_Name":"Northside Plumbing","PLA_Dealer_Category":"Plumbing","PLA_Search_Engine_Used":"google","PLA_Search_Type":"paid","PLA_Keywords_Searched":"emergency plumber","PLA_URL":"https://www.google.com/","PLA_CID":"123","PLA_SESSID":"Cuei212417iiyskskiidfsikks","PLA_UAID":"123456.4567","PLA_CallStartTime":"00000001556755937003","PLA_Landing_Page":"https://www.northside.example/?gclid=C152ddsa12213123132&utm_source=google&utm_medium=cpc","PLA_Page_Called_From":"https://www.northside.example/contact_us"}`
      : `{"PLA_Call_Id":"${callId}","PLA_CID":"123","PLA_Answering_Point":"0298989898","PLA_CallResult":"Answered","PLA_Duration":"50s","PLA_VoicemailLeft":"No","PLA_SurveyOutcome":"","PLA_SurveySaleAmount":"","PLA_Converted":"Y","PLA_dtmf":"1234","PLA_RecordingFile":" https://pla.delaconcorp.com/recordings/${callId}.wav",}`;
  const request = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  return ended === undefined ? { startOf: callId, request } : { request };
}

class Connection {
  readonly #socket: Socket;
  #answer = '';
  #since = 0;
  #startOf: string | undefined;
  onIdle: () => void = () => {};

  constructor() {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (chunk) => this.#read(String(chunk)));
    this.#socket.on('error', () => refused++);
  }

  send(since: number): void {
    this.#since = since;
    const { startOf, request } = nextPush();
    this.#startOf = startOf;
    this.#socket.write(request);
  }

  end(): void {
    this.#socket.destroy();
  }

  #read(chunk: string): void {
    this.#answer += chunk;
    const head = this.#answer.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/content-length: *(\d+)/i.exec(this.#answer)?.[1]);
    if (this.#answer.length < head + 4 + length) return;
    if (!this.#answer.startsWith('HTTP/1.1 200')) refused++;
    this.#answer = '';
    latencies.push(performance.now() - this.#since);
    if (this.#startOf !== undefined) ringing.push(this.#startOf);
    this.onIdle();
  }
}

const all = Array.from({ length: connections }, () => new Connection());
if (rate === 0) {
  for (const connection of all) {
    connection.onIdle = () => {
      const now = performance.now();
      if (now < ends) connection.send(now);
    };
    connection.send(performance.now());
  }
} else {
  const idle = [...all];
  let appointed = started;
  const next = () => {
    const now = performance.now();
    while (appointed <= now && appointed < ends && idle.length > 0) {
      (idle.pop() as Connection).send(appointed);
      appointed += 1000 / rate;
    }
    if (now < ends) setImmediate(next);
  };
  for (const connection of all) connection.onIdle = () => idle.push(connection);
  next();
}

setTimeout(
  () => {
    const elapsed = (performance.now() - started) / 1000;
    latencies.sort((a, b) => a - b);
    const at = (share: number) =>
      latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
    const result: LoadResult = {
      perSecond: latencies.length / Math.min(elapsed, seconds),
      refused,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    };
    console.log(JSON.stringify(result));
    for (const connection of all) connection.end();
    process.exit();
  },
  seconds * 1000 + 300,
);
