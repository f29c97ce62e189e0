import { stat } from 'node:fs/promises';

/** How often they are looked at. */
const watchEveryMs = 2_000;

/**
 * Calls `changed` when one of the files was written, made or removed since `readAt`, by the machine's own clock. Looks
 * instead of listening: mounts and links do not tell. The returned function ends it.
 */
export function watchFiles(
  files: () => readonly string[],
  readAt: number,
  changed: () => Promise<void>,
): () => void {
  let seen = new Map<string, string>();
  let stopped = false;
  const look = async () => {
    const now = new Map<string, string>();
    let isChanged = false;
    for (const file of files()) {
      const found = await stat(file).catch(() => null);
      const stamp = `${found?.mtimeMs} ${found?.size} ${found?.ino}`;
      now.set(file, stamp);
      // One that is new among them was read since `readAt`, and may have changed while that was taken over.
      const before = seen.get(file);
      if (before === undefined ? found !== null && found.mtimeMs > readAt : stamp !== before)
        isChanged = true;
    }
    seen = now;
    if (isChanged) {
      readAt = Date.now();
      await changed();
    }
    if (!stopped) timer = setTimeout(look, watchEveryMs).unref();
  };
  let timer = setTimeout(look, 0).unref();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
