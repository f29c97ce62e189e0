import { LRUCache } from 'lru-cache';

/** The latest `most` that were asked for. It grows with what it holds: told `max`, it would take the room for all at once. */
export function cacheOf<Key extends {}, Value extends {}>(most: number): LRUCache<Key, Value> {
  return new LRUCache<Key, Value>({ maxSize: most, sizeCalculation: () => 1 });
}
