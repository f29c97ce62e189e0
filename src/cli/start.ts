import { inspect } from 'node:util';
import { exit, say } from '../log.ts';
import { type Bridge, startBridge } from '../main.ts';
import { environment } from '../runtime/environment.ts';
import { banner } from './banner.ts';
import type { CommandOptions } from './command-options.ts';

/** Runs the bridge until a signal. */
export async function start({ config }: CommandOptions): Promise<void> {
  const bridge = await startBridge({ configPath: config, env: environment() });
  say(`${await banner(bridge)}\n`);
  stopOnSignal(bridge);
}

/**
 * The first signal stops in good order; a second one ends at once. Nothing is lost either way. Without its store the bridge
 * ends by itself.
 */
export function stopOnSignal(bridge: Bridge): void {
  bridge.lost.then((why) => exit(1, why));
  let stopping = false;
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(code);
      stopping = true;
      say('Stopping: what is under way ends first. Once more to stop at once.');
      bridge.stop().then(
        () => exit(0),
        (reason) => exit(1, inspect(reason)),
      );
    });
  }
}
