import { pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { startPush } from '../support/build-push.ts';
import { withHubSpotEmulator } from '../support/hubspot-emulator.ts';
import { withChatReceiver } from '../support/notice-receivers.ts';
import { assert, suite, until } from '../support/suite.ts';

const alerts = suite('alerts of the bridge');

alerts('a revoked token is told to the chat once, across restarts and kills', () =>
  withHubSpotEmulator((hubspot) =>
    withChatReceiver((chat) =>
      withBridgeFolder(async (folder) => {
        folder.configure(`sources: { acme: { tokens: [${pushToken}] } }
connectors: { crm: { type: hubspot, accessToken: pat-revoked-and-secret, baseUrl: "${hubspot.url}" } }
alerts: { webhook: { url: "${chat.url}" }, blockedFor: 1ms }
`);
        const first = await folder.start();
        await first.push(startPush('7'));
        await until('the connector to be blocked', () => first.output().includes('Blocked: calls wait'));
        await first.push(startPush('8')); // a commit after the one that says so
        await first.kill('SIGKILL');

        const second = await folder.start();
        await until('the chat to be told', () => chat.posted.length > 0);
        await until('that to be noted', () => second.output().includes('Notice sent.'));
        assert.equal(
          [chat.posted[0]?.['kind'], chat.posted[0]?.['condition'], chat.posted[0]?.['of']],
          ['raised', 'blocked', 'crm'],
        );
        assert.match(String(chat.posted[0]?.['text']), 'HubSpot');
        assert.ok(!/pat-revoked|0?44444444/.test(JSON.stringify(chat.posted)), JSON.stringify(chat.posted));
        assert.ok(!second.output().includes('s3cr3t'), second.output());
        assert.is(await second.kill('SIGTERM'), 0);

        const third = await folder.start();
        await third.push(startPush('9'));
        assert.is(await third.kill('SIGTERM'), 0);
        assert.is(chat.requests, 1);
      }),
    ),
  ),
);

alerts.run();
