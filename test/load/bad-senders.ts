import { connect, type Socket } from 'node:net';

/** Senders that cost a server a connection each, for as long as it lets them. */
export const kinds = {
  'says nothing': { opens: '', every: '' },
  'stops within its headers': { opens: 'POST /push/x HTTP/1.1\r\nHost: b\r\nX: ', every: '' },
  'drips its headers': { opens: 'POST /push/x HTTP/1.1\r\nHost: b\r\nX: ', every: 'a' },
  'stops within its body': { opens: withBody, every: '' },
  'drips its body': { opens: withBody, every: 'a' },
  'drips its body in pieces': {
    opens: (path: string) => `POST ${path} HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n`,
    every: '1\r\na\r\n',
  },
  'drips a body that nobody reads': { opens: () => withBody('/push/unknown'), every: 'a' },
  'has huge headers': {
    opens: `POST /push/x HTTP/1.1\r\nHost: b\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`,
    every: '',
  },
  'has very many headers': {
    opens: `POST /push/x HTTP/1.1\r\nHost: b\r\n${'X: y\r\n'.repeat(20_000)}\r\n`,
    every: '',
  },
  'speaks no HTTP': { opens: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', every: '' },
} as const;

export type Kind = keyof typeof kinds;

/** Those whom a server has to wait for until their time is over; the others it can answer at once. */
export const patient: readonly Kind[] = [
  'says nothing',
  'stops within its headers',
  'drips its headers',
  'stops within its body',
  'drips its body',
  'drips its body in pieces',
];

function withBody(path: string): string {
  return `POST ${path} HTTP/1.1\r\nHost: b\r\nContent-Length: 100000\r\n\r\n{"PLA_Call_Id":"`;
}

export interface BadSenders {
  /** Resolves when all have connected, and sent what they open with. */
  allThere: Promise<void>;
  /** How many of a kind the other side has not ended. */
  open(kind: Kind): number;
  /** The status lines that a kind was answered, each once. */
  answered(kind: Kind): string[];
  end(): void;
}

/** What connects at once: what the kernel queues for a listener is bounded, too. */
const atOnce = 200;

/** Opens so many connections of each kind to this machine. Those that drip send something several times a second. */
export function sendBadly(port: number, path: string, chosen: readonly Kind[], ofEach: number): BadSenders {
  const open = new Map<Kind, Set<Socket>>(chosen.map((kind) => [kind, new Set()]));
  const answered = new Map<Kind, Set<string>>(chosen.map((kind) => [kind, new Set()]));
  const openOne = (kind: Kind) =>
    new Promise<void>((resolve) => {
      const { opens } = kinds[kind];
      const socket = connect(port, '127.0.0.1', () => {
        const first = typeof opens === 'function' ? opens(path) : opens;
        if (first !== '') socket.write(first);
        resolve();
      });
      open.get(kind)?.add(socket);
      socket.on('error', () => {}); // reset while it wrote: it is closed all the same
      socket.on('close', () => {
        open.get(kind)?.delete(socket);
        resolve();
      });
      socket.on('data', (chunk) => {
        const status = /^HTTP\/1\.1 (\d+)/.exec(String(chunk))?.[1];
        if (status !== undefined) answered.get(kind)?.add(status);
      });
    });
  const openAll = async () => {
    const all = chosen.flatMap((kind) => new Array<Kind>(ofEach).fill(kind));
    for (let n = 0; n < all.length; n += atOnce) await Promise.all(all.slice(n, n + atOnce).map(openOne));
  };
  const drip = setInterval(() => {
    for (const [kind, sockets] of open) {
      const { every } = kinds[kind];
      if (every !== '') for (const socket of sockets) if (!socket.connecting) socket.write(every);
    }
  }, 200);
  return {
    allThere: openAll(),
    open: (kind) => open.get(kind)?.size ?? 0,
    answered: (kind) => [...(answered.get(kind) ?? [])],
    end() {
      clearInterval(drip);
      for (const sockets of open.values()) for (const socket of sockets) socket.destroy();
    },
  };
}
