import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Started } from '../../src/bridge/started.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { startBridge } from '../../src/main.ts';
import { openStore } from '../../src/store/open.ts';
import { withConfig } from '../config/with-config.ts';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite, until } from '../support/suite.ts';

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

started('a connector that a reload could not open is opened once it can be, and has its calls', () =>
  withConfig(
    'sources: { acme: { tokens: [0123456789abcdef-token], timezone: Australia/Sydney } }\n',
    async ({ path }) => {
      const inAMinute = new Set<() => void>();
      const clock: Clock = {
        now: systemClock.now,
        after(ms, run) {
          if (ms !== 60_000) return systemClock.after(ms, run);
          inAMinute.add(run);
          return () => inAMinute.delete(run);
        },
      };
      const passMinute = () => {
        for (const run of [...inAMinute]) if (inAMinute.delete(run)) run();
      };
      const config = join(path, 'config/bridge.yaml');
      const inTheWay = join(path, 'connectors/crm');
      let reload = async () => {};
      const said: string[] = [];
      const log = createLog('info', [], { write: (line) => void said.push(JSON.parse(line).msg) });
      const bridge = await startBridge({
        configPath: config,
        env: {},
        overrides: { port: 0, storeUrl: `sqlite:${join(path, 'bridge.db')}` },
        log,
        clock,
        machine: {
          watchFiles: (_files, _readAt, changed) => {
            reload = changed;
            return () => {};
          },
        },
      });
      try {
        mkdirSync(dirname(inTheWay), { recursive: true });
        writeFileSync(inTheWay, '');
        appendFileSync(config, 'connectors: { crm: { type: sandbox } }\n');
        await reload();
        passMinute();
        const body = JSON.stringify({ ...startPush('1'), ...endPush('1') });
        await fetch(`${bridge.url}/push/0123456789abcdef-token`, { method: 'POST', body });
        rmSync(inTheWay);
        await until('its call is delivered', () => {
          passMinute();
          return said.includes('Call delivered.');
        });
        assert.equal(
          said.filter((line) => /^(Not s|S)tarted/.test(line)),
          ['Not started: mend it. It is tried every minute.', 'Started after all.'],
        );
      } finally {
        await bridge.stop();
      }
    },
  ),
);

started.run();
