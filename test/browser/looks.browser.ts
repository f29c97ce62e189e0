import type { BrowserContextOptions } from 'playwright-core';
import { endPush, startPush } from '../support/build-push.ts';
import { assert, suite, until } from '../support/suite.ts';
import { shiftsOf, signIn, withWindow } from './chromium.ts';
import { operatorToken, readOnlyToken, refused, type Watched, withBridge } from './with-bridge.ts';

const looks = suite('looks of the operator page');

const places = [
  '/',
  '/?period=30d',
  '/calls',
  '/calls?state=failed&search=x',
  '/calls/acme/7001',
  '/calls/acme/7002',
  '/calls/acme/7001/erase',
  '/connectors',
  '/connectors/acme-hubspot',
  '/connectors/acme-hubspot/replay?state=',
  '/rejected',
  '/try?sample=true',
  '/set-up-delacon',
];

/** One call that is written, one that HubSpot refuses, one that still rings, and a push that cannot be read. */
async function fill({ bridge, hubspot, store }: Watched): Promise<void> {
  await bridge.push(startPush('7001'));
  await bridge.push(endPush('7001'));
  await bridge.push(
    startPush('7002', {
      PLA_Caller_Phone_Number: '0491570157',
      PLA_Keywords_Searched: 'refused',
      ...refused,
    }),
  );
  await bridge.push(endPush('7002', { PLA_CallResult: 'Busy', PLA_Duration: '0s' }));
  await bridge.push(startPush('7003', { PLA_Caller_Phone_Number: 'anonymous' }));
  await bridge.push(`{"a long word":"${'x'.repeat(300)}"`);
  await until('two calls in the CRM', () => hubspot.calls().length === 2, 60_000);
  const isRefused = async () => (await store.stories('7002'))[0]?.deliveries[0]?.state === 'failed';
  await until('the third refused', isRefused, 60_000);
}

const windows: [what: string, options: BrowserContextOptions][] = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }],
  ['with large text', { viewport: { width: 640, height: 480 }, deviceScaleFactor: 2 }],
];
for (const [what, options] of windows)
  looks(`every page is in order, ${what}`, () =>
    withBridge(async (watched) => {
      await fill(watched);
      await withWindow(watched.bridge.url, options, async ({ page, open, isInOrder }) => {
        await signIn(page, watched.bridge.url, operatorToken);
        for (const place of places) {
          await open(place);
          await page.locator('h1').waitFor();
          await isInOrder();
        }
      });
    }),
  );

looks('nothing moves by itself while a page loads, nor when it is loaded anew', () =>
  withBridge(async (watched) => {
    await fill(watched);
    const { bridge } = watched;
    await withWindow(bridge.url, {}, async ({ page, open, isInOrder }) => {
      await signIn(page, bridge.url, operatorToken);
      for (const place of places) {
        await open(place);
        await page.getByText('Live', { exact: true }).waitFor();
        assert.ok((await shiftsOf(page)) < 0.01, place); // 0.1 is what browsers call good
      }
      await open('/');
      await page.locator('.uplot').first().waitFor();
      await page.evaluate(`document.querySelector('.uplot').dataset.before = 'yes'`);
      await bridge.push(startPush('7004'));
      await page.locator('#call-acme-7004').waitFor();
      await page.locator('.uplot:not([data-before])').first().waitFor(); // drawn anew, with the call
      await isInOrder();
    });
  }),
);

looks('the findings of a check read as lines of words, at any width', () =>
  withBridge(async (watched) => {
    watched.hubspot.refuseToken();
    for (const width of [1280, 360])
      await withWindow(watched.bridge.url, { viewport: { width, height: 800 } }, async ({ page, open }) => {
        await signIn(page, watched.bridge.url, operatorToken);
        await open('/connectors/acme-hubspot');
        await page.locator('#check button').click();
        await page.locator('#check .second').waitFor();
        const [lines, fix, table] = await page.evaluate<[number, number, number]>(`(() => {
          const row = document.querySelector('#check tbody tr');
          const range = document.createRange();
          range.selectNodeContents(row.querySelector('th'));
          const width = (element) => element.getBoundingClientRect().width;
          return [range.getClientRects().length, width(row.querySelector('.second')), width(row)];
        })()`);
        assert.is(lines, 1, 'the word "token" is not broken');
        assert.ok(fix > table / 2, `what to do has ${fix} of ${table} pixels`);
      });
  }),
);

looks('a chart tells its values to a pointer, to the keyboard and in a table', () =>
  withBridge(async (watched) => {
    await fill(watched);
    await withWindow(watched.bridge.url, {}, async ({ page, open, isInOrder }) => {
      await signIn(page, watched.bridge.url, operatorToken);
      await open('/?period=30d');
      const figure = page.locator('figure').first();
      const plot = figure.locator('.plot');
      const tip = figure.locator('.tip');
      const box = (await plot.boundingBox())!;
      await page.mouse.move(box.x + box.width - 20, box.y + 40);
      await tip.getByText('Missed: 1').waitFor();
      await page.mouse.move(0, 0);
      await tip.waitFor({ state: 'hidden' });
      await plot.focus();
      await page.keyboard.press('ArrowLeft');
      await tip.getByText('Answered: 1').waitFor();
      await isInOrder();
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await figure.getByRole('row').last().getByRole('cell', { name: '1' }).first().waitFor();
      await isInOrder();
    });
  }),
);

looks('everything can be done with the keyboard, and shows where it is', () =>
  withBridge(async (watched) => {
    await fill(watched);
    await withWindow(watched.bridge.url, {}, async ({ page, open }) => {
      const focused = () =>
        page.evaluate<string>(
          `(({ textContent, value, name, ariaLabel }) => (textContent || ariaLabel || name || value || '').trim())(document.activeElement)`,
        );
      const isRinged = () =>
        page.evaluate<boolean>(`getComputedStyle(document.activeElement).outlineStyle === 'solid'`);
      /** Tab by tab, as one does who has no mouse. */
      const goTo = async (name: string) => {
        for (let tabs = 0; tabs < 80; tabs++) {
          await page.keyboard.press('Tab');
          if (!(await focused()).startsWith(name)) continue;
          assert.is(await isRinged(), true, `${name} shows that it has the focus`);
          return;
        }
        throw new Error(`${name} is not reached with Tab`);
      };
      await open('/sign-in');
      assert.is(await focused(), 'token');
      await page.keyboard.type(operatorToken);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Overview' }).waitFor();

      await goTo('Skip to the content');
      await page.keyboard.press('Enter');
      await goTo('0491 570 157');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Call from 0491 570 157' }).waitFor();
      await goTo('Skip to the content');
      await page.keyboard.press('Enter');
      await goTo('Replay');
      await page.keyboard.press('Enter');
      await page.getByRole('status').waitFor();

      await goTo('Calls');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor();
      await goTo('search');
      await page.keyboard.type('7001');
      await page.keyboard.press('Enter');
      await page.locator('#call-acme-7002').waitFor({ state: 'detached' });
      await goTo('Sign out');
      await page.keyboard.press('Enter');
      await page.getByText('You are signed out.').waitFor();
    });
  }),
);

looks('whoever asks for less motion gets none', () =>
  withBridge(({ bridge }) =>
    withWindow(bridge.url, { reducedMotion: 'reduce' }, async ({ page }) => {
      await signIn(page, bridge.url, operatorToken);
      const moving = await page.evaluate<string[]>(
        `[...document.querySelectorAll('*')].filter((each) => parseFloat(getComputedStyle(each).transitionDuration) > 0).map((each) => each.tagName)`,
      );
      assert.equal(moving, []);
    }),
  ),
);

looks('it is read and used without scripts', () =>
  withBridge(async (watched) => {
    await fill(watched);
    const { bridge } = watched;
    await withWindow(bridge.url, { javaScriptEnabled: false }, async ({ page, open }) => {
      await signIn(page, bridge.url, operatorToken);
      await page
        .getByRole('row', { name: /0491 570 157/ })
        .first()
        .getByRole('button', { name: 'Replay' })
        .click();
      await page.getByText('1 delivery is due again.').waitFor();
      await open('/calls');
      await page.getByLabel('State').selectOption('In CRM');
      await page.getByRole('button', { name: 'Show' }).click();
      await page.locator('#call-acme-7001').waitFor();
      assert.is(await page.locator('#call-acme-7002').count(), 0);
      await page.getByRole('link', { name: '0444 444 444' }).first().click();
      await page.getByRole('heading', { name: 'Call from 0444 444 444' }).waitFor();
    });
  }),
);

looks('the reader sees everything and has nothing to press; masked, no whole number', () =>
  withBridge(async (watched) => {
    await fill(watched);
    await withWindow(watched.bridge.url, {}, async ({ page, open, isInOrder, expect }) => {
      await signIn(page, watched.bridge.url, readOnlyToken);
      for (const place of places.filter((one) => !one.includes('/erase') && !one.includes('/replay'))) {
        await open(place);
        await isInOrder();
        const buttons = await page.locator('main').getByRole('button').allTextContents();
        const harmless = ['Show', 'Show what it writes', 'Check now', 'Show the plan']; // they change nothing
        assert.equal(
          buttons.filter((name) => !harmless.includes(name)),
          [],
          place,
        );
        if (!place.startsWith('/try'))
          assert.not.match(await page.locator('body').innerText(), /491 570 157|444 444 444/, place);
      }
      expect(403);
      const status = await page.evaluate<number>(
        `fetch('/calls/acme/7002/replay', { method: 'POST', headers: { 'x-csrf-token': document.querySelector('[name=csrf]').value } }).then(({ status }) => status)`,
      );
      assert.is(status, 403);
    });
  }, ', maskNumbers: true'),
);

looks.run();
