import { dirname, resolve } from 'node:path';
import { type Push, parsePush } from '../call/push.ts';
import { pushesIn } from '../call/recorded-pushes.ts';
import type { MappingTest, ParsedTest } from './mapping-test.ts';
import type { ProblemList } from './problems.ts';
import { readText } from './text-file.ts';
import { fileReason } from './variables.ts';
import { find, type TreeNode } from './yaml-tree.ts';

/** The tests with their pushes read, each of a source: a file is a unit, and its tests are of what stands in it. */
export async function readTests(
  parsed: readonly ParsedTest[],
  root: TreeNode,
  problems: ProblemList,
): Promise<MappingTest[]> {
  const tests: MappingTest[] = [];
  for (const [index, test] of parsed.entries()) {
    const pushes: Push[] = [];
    for (const [at, push] of test.pushes.entries()) {
      const path = ['tests', index, 'pushes', at];
      const { key } = find(root, path);
      try {
        pushes.push(...(await read(push, dirname(key.file))));
      } catch (cause) {
        problems.add(key, path, cause instanceof Error ? cause.message : String(cause));
      }
    }
    const ids = [...new Set(pushes.map(({ callId }) => callId))];
    if (ids.length > 1) {
      const path = ['tests', index, 'pushes'];
      const message = `are of several calls (${ids.join(', ')}). Make it a test for each.`;
      problems.add(find(root, path).key, path, message);
    }
    const source = test.source ?? firstSource(root, find(root, ['tests', index]).key.file);
    tests.push({ ...test, source, callId: ids[0] ?? '', pushes: pushes.map(({ fields }) => fields) });
  }
  return tests;
}

function firstSource(root: TreeNode, file: string): string {
  const { node } = find(root, ['sources']);
  const all = node?.kind === 'map' ? [...node.entries] : [];
  return (all.find(([, { key }]) => key.file === file) ?? all[0])?.[0] ?? '';
}

async function read(push: ParsedTest['pushes'][number], folder: string): Promise<Push[]> {
  if (typeof push !== 'string') return [parsePush(JSON.stringify({ PLA_Call_Id: '1', ...push }))];
  const file = resolve(folder, push);
  const content = await readText(file).catch((cause) => {
    throw new Error(
      `${push} cannot be read: ${fileReason(cause)}. A file is relative to the one that names it.`,
    );
  });
  return pushesIn(content);
}
