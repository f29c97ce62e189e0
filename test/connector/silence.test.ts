import { createServer } from 'node:net';
import { whySilent } from '../../src/connector/silence.ts';
import { assert, suite } from '../support/suite.ts';

const silence = suite('silence');

async function whyOf(url: string): Promise<string> {
  return fetch(url, { method: 'POST', body: '{}' }).then(() => 'answered', whySilent);
}

silence(
  'a name that nobody knows, and a connection that is cut, are told in words and with their code',
  async () => {
    assert.match(
      await whyOf('http://no-such-host.invalid/'),
      /^(its name is not known here|the name server does not answer) \(E\w+\)$/,
    );
    const server = createServer((socket) => socket.once('data', () => socket.destroy()));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as { port: number };
    try {
      assert.match(await whyOf(`http://127.0.0.1:${port}/`), /^the connection was cut \(\w+\)$/);
    } finally {
      await new Promise((closed) => server.close(closed));
    }
    assert.match(await whyOf(`http://127.0.0.1:${port}/`), /^nothing listens at its address \(\w+\)$/);
  },
);

silence('what has no code that is known is told as it came', () => {
  assert.is(whySilent(new Error('half an answer\nat line 1')), 'half an answer');
  assert.is(whySilent(Object.assign(new Error('x'), { code: 'E_NEW' })), 'E_NEW');
  assert.is(whySilent('gone'), 'gone');
});

silence.run();
