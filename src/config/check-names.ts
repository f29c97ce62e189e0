import { didYouMean, listedNames } from '../text/did-you-mean.ts';
import type { Feeds } from './implied-routes.ts';
import type { ProblemList } from './problems.ts';
import {
  find,
  isText,
  items,
  type MapNode,
  type Place,
  type ScalarNode,
  type TreeNode,
} from './yaml-tree.ts';

/*
 * What must agree across the configuration. It looks at the tree rather than at checked settings, so that one wrong
 * duration does not hide that a route leads nowhere; what has the wrong form is left to the schema.
 */
export function checkNames(root: MapNode, feeds: Feeds, problems: ProblemList): void {
  const mustExist = existenceOf(root, problems);
  checkRoutes(root, mustExist);
  checkTests(root, mustExist);
  checkTokens(root, problems);
  feeds.checkShared(problems);
  checkCallIds(root, feeds, problems);
}

type MustExist = (
  part: 'sources' | 'connectors',
  named: { value: string; place: Place } | undefined,
  path: PropertyKey[],
) => void;

function existenceOf(root: MapNode, problems: ProblemList): MustExist {
  return (part, named, path) => {
    if (named === undefined || find(root, [part, named.value]).node) return;
    const known = names(root, part);
    const instead = didYouMean(named.value, known) || listedNames(known);
    problems.add(named.place, path, `there is no ${part.slice(0, -1)} "${named.value}".${instead}`);
  };
}

function checkRoutes(root: MapNode, mustExist: MustExist): void {
  for (const [index, route] of items(root, ['routes']).entries()) {
    const { node } = find(route, ['source']);
    mustExist('sources', textOf(node), ['routes', index, 'source']);
    for (const [at, source] of items(route, ['source']).entries())
      mustExist('sources', textOf(source), ['routes', index, 'source', at]);
    for (const [at, connector] of items(route, ['to']).entries())
      mustExist('connectors', textOf(connector), ['routes', index, 'to', at]);
  }
}

function checkTests(root: MapNode, mustExist: MustExist): void {
  for (const [index, test] of items(root, ['tests']).entries()) {
    const path = ['tests', index];
    mustExist('sources', textOf(find(test, ['source']).node), [...path, 'source']);
    for (const [at, connector] of items(test, ['to']).entries())
      mustExist('connectors', textOf(connector), [...path, 'to', at]);
    const { node } = find(test, ['records']);
    for (const [name, { key }] of node?.kind === 'map' ? node.entries : [])
      mustExist('connectors', { value: name, place: key }, [...path, 'records', name]);
  }
}

function textOf(node: TreeNode | undefined): (ScalarNode & { value: string }) | undefined {
  return isText(node) ? node : undefined;
}

/**
 * A token leads to one source: with two, a push could not be told whose it is. And it opens one door: push URLs stand in
 * portals and in logs of proxies, and whoever reads one there would be the operator.
 */
function checkTokens(root: MapNode, problems: ProblemList): void {
  const seen = new Map<string, string>();
  for (const name of ['token', 'readOnlyToken']) {
    const token = find(root, ['operator', name]).node;
    if (isText(token) && token.value !== '') seen.set(token.value, `operator.${name}`);
  }
  for (const source of names(root, 'sources')) {
    const list = `sources.${source}`;
    for (const [index, token] of items(root, ['sources', source, 'tokens']).entries()) {
      if (!isText(token) || token.value === '') continue;
      const owner = seen.get(token.value);
      seen.set(token.value, owner ?? list);
      if (owner === undefined) continue;
      const whose =
        owner === list ? 'in this list' : owner.startsWith('sources.') ? `a token of ${owner}` : owner;
      problems.add(
        token.place,
        ['sources', source, 'tokens', index],
        `is ${whose} already. Make another one.`,
      );
    }
  }
}

/** Connectors write under the call's id, and two Delacon accounts may count alike. */
function checkCallIds(root: MapNode, feeds: Feeds, problems: ProblemList): void {
  for (const connector of names(root, 'connectors')) {
    if (feeds.isShared(connector)) continue; // whether it shall be is the first question
    const firstWith = new Map<string, string>();
    for (const source of feeds.sourcesOf(connector)) {
      const { node, key } = find(root, ['sources', source, 'callIdPrefix']);
      if (node?.kind === 'scalar' && node.broken) continue;
      const prefix = isText(node) ? node.value : '';
      const other = firstWith.get(prefix);
      if (other === undefined) firstWith.set(prefix, source);
      else addCollision(problems, key, source, other, connector);
    }
  }
}

function addCollision(
  problems: ProblemList,
  at: Place,
  source: string,
  other: string,
  connector: string,
): void {
  problems.add(
    at,
    ['sources', source, 'callIdPrefix'],
    `${other} and ${source} both feed ${connector}, where the call ids of two Delacon accounts may collide. ` +
      `Set callIdPrefix: ${source}- on the newer one; records already in the CRM keep their ids.`,
  );
}

function names(root: MapNode, part: 'sources' | 'connectors'): string[] {
  const { node } = find(root, [part]);
  return node?.kind === 'map' ? [...node.entries.keys()] : [];
}
