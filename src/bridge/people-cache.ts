import { cacheOf } from '../cache.ts';
import type { RecordRef } from '../call/records.ts';
import type { Observer } from '../connector/observer.ts';
import type { People } from '../connector/people.ts';
import type { ConnectorMemory } from '../store/connector-memory.ts';

const kept = 10_000;

/** A connector's map of people: the store's, with the recent ones in memory before it. */
export function cachedPeople(store: ConnectorMemory, connector: string, observer?: Observer): People {
  const recent = cacheOf<string, RecordRef>(kept);
  return {
    async find(numbers) {
      const found = new Map<string, RecordRef>();
      const others: string[] = [];
      for (const number of numbers) {
        const known = recent.get(number);
        if (known) found.set(number, known);
        else others.push(number);
      }
      observer?.lookedUp('cache', found.size);
      if (others.length > 0) {
        const before = found.size;
        for (const [number, record] of await store.findPeople(connector, others)) {
          recent.set(number, record);
          found.set(number, record);
        }
        observer?.lookedUp('store', found.size - before);
        observer?.lookedUp('nowhere', others.length - (found.size - before));
      }
      return found;
    },
    async remember(people) {
      await store.rememberPeople(connector, people);
      for (const [number, record] of people) recent.set(number, record);
    },
    async forget(numbers) {
      for (const number of numbers) recent.delete(number);
      await store.forgetPeople(connector, numbers);
    },
  };
}
