import { linkMs, signInLink } from '../bridge/made-tokens.ts';
import { listensAt } from '../main.ts';
import { type CommandOptions, pasted } from './command-options.ts';
import { withStore } from './opened.ts';
import { print } from './plain-text.ts';
import { printJson } from './tables.ts';

/** Shows an address that signs a browser in to the page of the bridge that runs. */
export async function link(options: CommandOptions): Promise<void> {
  await withStore(options.config, async ({ settings }, store) => {
    const running = await store.kept(listensAt);
    const start = pasted('start', options.config);
    if (running === null)
      throw new Error(`No bridge has run on ${settings.store.url} yet. Start it: ${start}`);
    if (!(await answers(running)))
      throw new Error(
        `No bridge answers at ${running}, where the last one on ${settings.store.url} listened. Start it (${start}), or run this where it runs: in its container, on its machine.`,
      );
    const now = new Date();
    const url = await signInLink(store, settings.listen.publicUrl ?? running, now);
    if (options.json) printJson({ url, expiresAt: new Date(now.getTime() + linkMs).toISOString() });
    else print(`This signs a browser in, once, within ${linkMs / 60_000} minutes:\n\n  ${url}\n`);
  });
}

/** Whether a bridge does. Whether it is the one of this store, the link itself will show. */
async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(5_000) });
    return ((await answer.json()) as { status?: unknown }).status === 'ok';
  } catch {
    return false;
  }
}
