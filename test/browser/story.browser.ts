import { endPush, startPush } from '../support/build-push.ts';
import { rawBody, rejection, room } from '../support/rejections.ts';
import { assert, suite, until } from '../support/suite.ts';
import { signIn, withWindow } from './chromium.ts';
import { withRecordings } from './recording.ts';
import { mend, operatorToken, refused, withBridge } from './with-bridge.ts';

const story = suite('operator page in a browser');

story(
  'sign in, see a call appear, open it, hear it, replay a failed one, filter, try a mapping, sign out',
  () =>
    withRecordings((recordings) =>
      withBridge(({ bridge, hubspot }) =>
        withWindow(bridge.url, {}, async ({ page, open, isInOrder, expect }) => {
          await open('/');
          await isInOrder();
          expect(401);
          await page.getByLabel('Token').fill('not-the-operator-token');
          await page.getByRole('button', { name: 'Sign in' }).click();
          await page.getByRole('alert').getByText('That is not the token.').waitFor();
          await page.getByLabel('Token').fill(operatorToken);
          await page.getByRole('button', { name: 'Sign in' }).click();
          await page.getByRole('heading', { name: 'Overview' }).waitFor();
          await page.getByText('Live', { exact: true }).waitFor();
          await isInOrder();

          await bridge.push(
            startPush('7001', { PLA_Caller_Phone_Number: '0491570156', PLA_Dealer_Name: 'Northside' }),
          );
          await page.locator('#call-acme-7001', { hasText: 'Ringing' }).waitFor();
          await bridge.push(endPush('7001', { PLA_RecordingFile: `${recordings.url}/7001.wav` }));
          await page.locator('#call-acme-7001', { hasText: 'Answered 0:50' }).waitFor();
          await page.locator('#call-acme-7001', { hasText: 'In CRM' }).waitFor();
          await isInOrder();

          await page.getByRole('link', { name: '0491 570 156' }).click();
          await page.getByRole('heading', { name: 'Call from 0491 570 156' }).waitFor();
          await page.getByText('Written to acme-hubspot.').first().waitFor();
          const [contact] = hubspot.contacts();
          const link = page.getByRole('link', { name: `contact ${contact?.id}` });
          // HubSpot is asked for the account's number when an address of it is first wanted.
          await until('the link into the CRM', async () => {
            if ((await link.count()) === 0) await page.reload();
            return (await link.count()) > 0;
          });
          assert.match((await link.getAttribute('href')) ?? '', `/record/0-1/${contact?.id}`);
          const audio = page.locator('audio');
          await audio.focus();
          await page.keyboard.press('Space');
          await until('the recording to play', () =>
            page.evaluate<boolean>("document.querySelector('audio').currentTime > 0"),
          );
          assert.is(recordings.asked[0], '/7001.wav?mode=direct');
          await isInOrder();

          await bridge.push(
            startPush('7002', {
              PLA_Caller_Phone_Number: '0491570157',
              PLA_Keywords_Searched: 'refused',
              ...refused,
            }),
          );
          await page.getByRole('link', { name: 'Overview' }).click();
          const failed = page.getByRole('row', { name: /0491 570 157/ }).filter({ hasText: 'hs_timestamp' });
          await failed.waitFor();
          await isInOrder();
          mend(hubspot);
          await failed.getByRole('button', { name: 'Replay' }).click();
          await page.getByRole('status').getByText('1 delivery is due again.').waitFor();
          await page.locator('#call-acme-7002', { hasText: 'In CRM' }).waitFor();
          await failed.waitFor({ state: 'detached' });
          await isInOrder();

          await page.getByRole('link', { name: 'Calls', exact: true }).click();
          await page.locator('#call-acme-7001').waitFor();
          await page.getByLabel('Result').selectOption('Answered');
          await page.locator('#call-acme-7002').waitFor({ state: 'detached' });
          await page.locator('#call-acme-7001').waitFor();
          assert.match(page.url(), 'result=answered');
          await page.reload();
          assert.is(await page.locator('#call-acme-7002').count(), 0);
          await page.getByLabel('Result').selectOption('All');
          await page.getByRole('searchbox', { name: 'Search' }).pressSequentially('0491 570 157');
          await page.locator('#call-acme-7001').waitFor({ state: 'detached' });
          await page.locator('#call-acme-7002').waitFor();
          await isInOrder();
          await page.goBack();
          await page.locator('#call-acme-7001').waitFor();

          await page.getByRole('link', { name: 'Try it' }).click();
          await page
            .getByLabel(/JSON/)
            .fill(JSON.stringify(startPush('7003', { PLA_Keywords_Searched: 'blocked drain' })));
          await page.getByRole('button', { name: 'Show what it writes' }).click();
          const written = page.locator('#outcome');
          await written.getByText('blocked drain', { exact: true }).waitFor();
          await written.getByText('known by delacon_call_id = 7003').waitFor();
          await isInOrder();

          await page.getByRole('button', { name: 'Sign out' }).click();
          await page.getByText('You are signed out.').waitFor();
          await isInOrder();
          await open('/calls');
          await page.getByRole('heading', { name: 'Sign in' }).waitFor();
          assert.is(new URL(page.url()).search, '?to=%2Fcalls');
        }),
      ),
    ),
);

story('skip with a reason, pause, resume, and erase after a look at what is held', () =>
  withBridge(({ bridge }) =>
    withWindow(bridge.url, {}, async ({ page, open, isInOrder }) => {
      await bridge.push(
        startPush('7002', {
          PLA_Caller_Phone_Number: '0491570157',
          PLA_Keywords_Searched: 'refused',
          ...refused,
        }),
      );
      await signIn(page, bridge.url, operatorToken);
      await open('/calls/acme/7002');
      await page.getByText('Failed', { exact: true }).waitFor();
      await page.getByText('Skip', { exact: true }).click();
      await page.getByLabel(/Why/).fill('a test call');
      await isInOrder();
      await page.getByRole('button', { name: 'Skip this delivery' }).click();
      await page.getByText('Skipped: a test call').waitFor();
      await isInOrder();

      await open('/connectors/acme-hubspot');
      await page.getByLabel(/Why/).fill('the CRM moves house');
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('button', { name: 'Resume' }).waitFor();
      await page.getByText('the CRM moves house').first().waitFor();
      await isInOrder();
      await page.getByRole('button', { name: 'Resume' }).click();
      await page.getByRole('button', { name: 'Pause' }).waitFor();

      await page.getByLabel('State').selectOption('Whatever state');
      await page.getByRole('button', { name: 'Count them' }).click();
      await page.getByRole('heading', { name: 'Replay calls to acme-hubspot?' }).waitFor();
      await isInOrder();
      await page.getByRole('link', { name: 'Do nothing' }).click();

      await open('/calls/acme/7002');
      await page.getByRole('link', { name: /Erase this caller/ }).click();
      await page.getByRole('heading', { name: /^Erase / }).waitFor();
      await isInOrder();
      await page.getByRole('checkbox').check();
      await page.getByRole('button', { name: 'Erase 1 call' }).click();
      await page.getByRole('heading', { name: 'Erased' }).waitFor();
      await isInOrder();
      await open('/calls');
      await page.getByText('No call was received yet.').waitFor();
    }),
  ),
);

story('the lights of the setup turn green with the first pushes', () =>
  withBridge(({ bridge }) =>
    withWindow(
      bridge.url,
      { permissions: ['clipboard-read', 'clipboard-write'] },
      async ({ page, open, isInOrder }) => {
        await signIn(page, bridge.url, operatorToken);
        await open('/set-up-delacon');
        await page.getByText('No start push has arrived yet').waitFor();
        await page.getByText('Live', { exact: true }).waitFor();
        await page.getByRole('button', { name: 'Copy' }).first().click();
        await page.getByRole('button', { name: 'Copied' }).waitFor();
        assert.match(
          await page.evaluate<string>('navigator.clipboard.readText()'),
          /\/push\/a-push-token-for-tests\/create$/,
        );
        await bridge.push(startPush('7001'));
        await page.getByText('The first start push has arrived').waitFor();
        await bridge.push(endPush('7001'));
        await page.getByText('The first end push has arrived').waitFor();
        await isInOrder();
      },
    ),
  ),
);

story('a wrong token shows by itself, and unreadable pushes are read again by a button', () =>
  withBridge(({ bridge, store }) =>
    withWindow(bridge.url, {}, async ({ page, open, isInOrder }) => {
      await signIn(page, bridge.url, operatorToken);
      await page.getByText('Live', { exact: true }).waitFor();
      await fetch(`${bridge.url}/push/the-token-of-before-9f2c`, { method: 'POST', body: '{}' });
      await page.getByText('A URL with a token that is none of ours: ends …9f2c, 1 push').waitFor();
      const body = rawBody(JSON.stringify(startPush('7002')));
      await store.reject(
        [rejection({ source: 'acme', cause: 'unreadable', reason: 'Too hard.', body })],
        room,
      );
      await open('/rejected');
      await page.getByText('Too hard.').waitFor();
      await isInOrder();
      await page.getByRole('button', { name: 'Read all again' }).click();
      await page.getByText('1 push could be read and is a call now.').waitFor();
      await page.getByText('None is kept.').waitFor();
      await open('/calls/acme/7002');
      await page.getByText('In CRM').first().waitFor();
    }),
  ),
);

story('a page that is open tells when the bridge has gone, and comes back with it', () =>
  withBridge(({ bridge }) =>
    withWindow(bridge.url, {}, async ({ page }) => {
      await signIn(page, bridge.url, operatorToken);
      await page.getByText('Live', { exact: true }).waitFor();
      await bridge.stop();
      await page.getByText('Not live', { exact: true }).waitFor();
    }),
  ),
);

for (const publicUrl of ['', 'https://calls.example'])
  story(`a link signs in once, and its code is gone from the address: ${publicUrl || 'no publicUrl'}`, () =>
    withBridge(
      async ({ bridge }) => {
        const link = (await bridge.signInLink()).replace(/.*(?=\/sign-in)/, bridge.url);
        for (const time of ['first', 'second'])
          await withWindow(bridge.url, {}, async ({ page, isInOrder, expect }) => {
            if (time === 'second') expect(401);
            await page.goto(link);
            if (time === 'second')
              return page.getByRole('alert').getByText('each signs in once, within a quarter').waitFor();
            await page.getByRole('heading', { name: 'Overview' }).waitFor();
            await page.getByText('Live', { exact: true }).waitFor();
            await isInOrder();
            await page.goBack();
            assert.is(page.url().includes('#'), false, 'not in the history');
          });
      },
      '',
      publicUrl,
    ),
  );

story.run();
