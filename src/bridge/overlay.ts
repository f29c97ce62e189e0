import type { Memory } from '../connector/memory.ts';
import type { People } from '../connector/people.ts';

/*
 * What a connector remembers in a dry run: read from what is there, and written nowhere.
 */

export function forgetfulPeople(known?: People): People {
  const { recall, remember, forget } = overlay(async (numbers: readonly string[]) => known?.find(numbers));
  return { find: recall, remember, forget };
}

export function forgetfulMemory(known?: Memory): Memory {
  return overlay(async (names: readonly string[]) => known?.recall(names));
}

function overlay<T>(read: (names: readonly string[]) => Promise<Map<string, T> | undefined>) {
  /** Undefined: forgotten. */
  const fresh = new Map<string, T | undefined>();
  return {
    async recall(names: readonly string[]): Promise<Map<string, T>> {
      const found = (await read(names.filter((name) => !fresh.has(name)))) ?? new Map<string, T>();
      for (const name of names) {
        const value = fresh.get(name);
        if (value !== undefined) found.set(name, value);
      }
      return found;
    },
    async remember(values: ReadonlyMap<string, T>): Promise<void> {
      for (const [name, value] of values) fresh.set(name, value);
    },
    async forget(names: readonly string[]): Promise<void> {
      for (const name of names) fresh.set(name, undefined);
    },
  };
}
