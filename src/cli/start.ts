import { exit } from '../log.ts';
import { type Bridge, startBridge } from '../main.ts';
import { environment } from '../runtime/environment.ts';
import { banner } from './banner.ts';
import type { CommandOptions } from './command-options.ts';

/** Runs the bridge until a signal. */
export async function start({ config }: CommandOptions): Promise<void> {
  const bridge = await startBridge({ configPath: config, env: environment() });
  console.log(`${await banner(bridge)}\n`);
  stopOnSignal(bridge);
}

/**
 * The first signal stops in good order; a second one ends at once. Nothing is lost either way. Without its store the bridge
 * ends by itself.
 */
export function stopOnSignal(bridge: Bridge): void {
  bridge.lost.then((why) => exit(1, `${why}\n`));
  let stopping = false;
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(code);
      stopping = true;
      // Not by console.log, with which Bun waits for whoever reads.
      process.stdout.write('Stopping: what is under way ends first. Once more to stop at once.\n');
      bridge.stop().then(
        () => exit(0),
        (reason) => {
          console.error(reason);
          void exit(1);
        },
      );
    });
  }
}
