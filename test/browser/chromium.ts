import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

export const chromiumPath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A window of a browser, in which nothing may go wrong. */
export interface Window {
  page: Page;
  /** Opens a place of the bridge. */
  open(path: string): Promise<void>;
  /** Fails if something went wrong since it was last asked, or if the page as it stands is not accessible. */
  isInOrder(): Promise<void>;
  /** An answer with this status is meant to come. */
  expect(status: number): void;
}

let starting: Promise<Browser> | undefined;

function browser(): Promise<Browser> {
  starting ??= chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return starting;
}

/** A window with nothing remembered, at the address of a bridge. */
export async function withWindow<T>(
  url: string,
  options: BrowserContextOptions,
  use: (window: Window) => Promise<T>,
): Promise<T> {
  const context = await (await browser()).newContext({ locale: 'en-AU', ...options });
  context.setDefaultTimeout(60_000);
  await context.addInitScript({ content: watchPage });
  const page = await context.newPage();
  const problems: string[] = [];
  const expected = new Set<number>();
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    const isExpected = [...expected].some((status) => message.text().includes(`status of ${status}`));
    if (!isExpected) problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`script: ${error.message}`));
  page.on('requestfailed', (request) => {
    // A stream of events ends with its page, and so does what is under way when somebody goes on.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') problems.push(`failed: ${request.url()}`);
  });
  page.on('response', (answer) => {
    if (answer.status() >= 400 && !expected.has(answer.status()))
      problems.push(`status ${answer.status()}: ${answer.url()}`);
  });
  try {
    return await use({
      page,
      open: async (path) => void (await page.goto(url + path)),
      expect: (status) => expected.add(status),
      async isInOrder() {
        await page.evaluate(axe);
        const found = await page.evaluate<string[]>(runAxe);
        const wide = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
        if (wide > 0) found.push(`the page is ${wide} px wider than its window`);
        const all = [...problems.splice(0), ...found];
        if (all.length > 0) throw new Error(`${page.url()}\n${all.join('\n')}`);
      },
    });
  } catch (reason) {
    throw problems.length > 0
      ? new Error(`${(reason as Error).message}\n${problems.join('\n')}`, { cause: reason })
      : reason;
  } finally {
    await context.close();
  }
}

/* What runs in the page is text: the types of the tests are those of Node and Bun. */

const watchPage = `
  document.addEventListener('securitypolicyviolation', (event) => {
    console.error('policy: ' + event.violatedDirective + ' forbids ' + event.blockedURI + ' ' + event.sample);
  });
  window.shifts = 0;
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) if (!shift.hadRecentInput) window.shifts += shift.value;
  }).observe({ type: 'layout-shift', buffered: true });
`;

const runAxe = `axe.run().then(({ violations }) => violations.flatMap(({ id, help, nodes }) =>
  nodes.map((node) => 'axe: ' + id + ': ' + help + ': ' + node.html.slice(0, 200) + ' ' + node.failureSummary)))`;

export async function signIn(page: Page, url: string, token: string): Promise<void> {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
}

/** How much of the page moved by itself since it was opened: 0 is nothing. */
export function shiftsOf(page: Page): Promise<number> {
  return page.evaluate<number>('window.shifts');
}
