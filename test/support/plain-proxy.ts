import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface ProxyOptions {
  /** Where requests go: `http://127.0.0.1:8080`. */
  upstream: string;
  /** The folder of the host that is handed on, and is taken off the path by `strips`. */
  folder?: string;
  strips?: boolean;
  /** What it adds, such as X-Forwarded-For. */
  headers?: Record<string, string>;
}

/**
 * What nginx makes of a request by `proxy_pass http://127.0.0.1:8080;` and no further word: HTTP/1.0, the upstream's own
 * name as the host, no header that tells of a proxy, and a connection for each request.
 */
export async function withPlainProxy<T>(
  { upstream, folder = '', strips = true, headers = {} }: ProxyOptions,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const { hostname, port, host } = new URL(upstream);
  const sockets = new Set<Socket>();
  const track = (socket: Socket, other?: Socket) => {
    sockets.add(socket);
    socket.on('error', () => other?.destroy()).on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    let head = '';
    track(client);
    const read = (chunk: Buffer) => {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      client.off('data', read);
      const [first = '', ...lines] = head.slice(0, end).split('\r\n');
      const [method, path = ''] = first.split(' ');
      if (!path.startsWith(folder)) return client.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      const handedOn = strips ? path.slice(folder.length) || '/' : path;
      const kept = lines.filter((line) => !/^(host|connection|keep-alive|upgrade):/i.test(line));
      const added = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      const target = connect(Number(port), hostname);
      track(target, client);
      target.write(
        Buffer.from(
          [
            `${method} ${handedOn} HTTP/1.0`,
            `Host: ${host}`,
            'Connection: close',
            ...added,
            ...kept,
            '',
            '',
          ].join('\r\n') + head.slice(end + 4),
          'latin1',
        ),
      );
      client.pipe(target, { end: false });
      // Each answer ends with its connection, and says so: Bun leaves that to whoever asked for it.
      target.once('data', (first: Buffer) => {
        const line = first.indexOf('\r\n') + 2;
        client.write(first.subarray(0, line));
        client.write('Connection: close\r\n');
        client.write(first.subarray(line));
        target.pipe(client);
      });
      target.on('end', () => client.end());
      client.on('close', () => target.destroy());
    };
    client.on('data', read);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}${folder}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}
