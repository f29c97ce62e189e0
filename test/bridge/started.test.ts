import { join } from 'node:path';
import { Started } from '../../src/bridge/started.ts';
import { createLog } from '../../src/log.ts';
import { startBridge } from '../../src/main.ts';
import { openStore } from '../../src/store/open.ts';
import { withConfig } from '../config/with-config.ts';
import { assert, suite } from '../support/suite.ts';

const started = suite('what was started');

started('is ended once, what was started last first, also where one end fails', async () => {
  const all = new Started();
  const ended: string[] = [];
  all.add(() => ended.push('store'));
  all.add(async () => {
    ended.push('worker');
    throw new Error('it would not');
  });
  all.add(async () => ended.push('server'));
  const failed = await all.end().then(
    () => '',
    (reason: Error) => reason.message,
  );
  await all.end();
  assert.equal([failed, ended], ['it would not', ['server', 'worker', 'store']]);
});

started('is ended where a later step of a start fails: port and store are free again', () =>
  withConfig(
    'sources: { acme: { tokens: [0123456789abcdef-token], timezone: Australia/Sydney } }\nconnectors: { crm: { type: sandbox } }\n',
    async ({ path }) => {
      const url = `sqlite:${join(path, 'bridge.db')}`;
      const start = (watchFiles?: () => never) =>
        startBridge({
          configPath: join(path, 'config/bridge.yaml'),
          env: {},
          overrides: { port: 0, storeUrl: url },
          log: createLog('silent'),
          machine: watchFiles ? { watchFiles } : {},
        });
      const failed = await start(() => {
        throw new Error('nothing can be watched here');
      }).then(
        () => '',
        (reason: Error) => reason.message,
      );
      assert.is(failed, 'nothing can be watched here');
      await (await openStore(url, 'bridge')).close();
      await (await start()).stop();
    },
  ),
);

started.run();
