import { DatabaseSync, StatementSync } from 'node:sqlite';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Calls `step` before and after each write to a store of this process, each begin and commit. Returns what ends that. */
export function atStoreSteps(step: () => void): () => void {
  const undo = [
    around(DatabaseSync.prototype, 'exec', ([sql]) => !String(sql).startsWith('pragma application_id'), step),
    around(StatementSync.prototype, 'run', () => true, step),
  ];
  return () => {
    for (const one of undo) one();
  };
}

function around(
  prototype: object,
  name: string,
  counts: (args: unknown[]) => boolean,
  step: () => void,
): () => void {
  const method = Reflect.get(prototype, name) as Method;
  Reflect.set(prototype, name, function (this: unknown, ...args: unknown[]) {
    if (!counts(args)) return method.apply(this, args);
    step();
    const result = method.apply(this, args);
    step();
    return result;
  });
  return () => void Reflect.set(prototype, name, method);
}
