import { didYouMean } from './did-you-mean.ts';
import type { ProblemList } from './problems.ts';
import { find, type MapNode, type Place, type ScalarNode, type TreeNode } from './yaml-tree.ts';

/*
 * What must agree across the configuration. It looks at the tree rather than at checked settings, so that one wrong
 * duration does not hide that a route leads nowhere; what has the wrong form is left to the schema.
 */
export function checkNames(root: MapNode, problems: ProblemList): void {
  const mustExist = existenceOf(root, problems);
  checkRoutes(root, mustExist);
  checkTests(root, mustExist);
  checkTokens(root, problems);
  checkCallIds(root, problems);
}

/** What is odd, but may be meant: a route that is still to come, a connector that rests. */
export function oddities(root: MapNode): string[] {
  const feeds = feedsOf(root);
  return [
    ...names(root, 'connectors')
      .filter((connector) => !feeds.some((feed) => feed.connector === connector))
      .map((connector) => `connectors.${connector}: no route leads to it, so it will get no calls.`),
    ...names(root, 'sources')
      .filter((source) => !feeds.some((feed) => feed.source === source))
      .map((source) => `sources.${source}: no route takes its calls; they are kept and shown as unrouted.`),
  ];
}

type MustExist = (
  part: 'sources' | 'connectors',
  named: { value: string; place: Place } | undefined,
  path: PropertyKey[],
) => void;

function existenceOf(root: MapNode, problems: ProblemList): MustExist {
  return (part, named, path) => {
    const known = names(root, part);
    if (named === undefined || known.includes(named.value)) return;
    const instead = didYouMean(named.value, known) || ` Known: ${known.join(', ') || 'none'}.`;
    problems.add(named.place, path, `there is no ${part.slice(0, -1)} "${named.value}".${instead}`);
  };
}

function checkRoutes(root: MapNode, mustExist: MustExist): void {
  for (const [index, route] of items(root, ['routes']).entries()) {
    mustExist('sources', textOf(find(route, ['source']).node), ['routes', index, 'source']);
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

/** A token leads to one source: with two, a push could not be told whose it is. */
function checkTokens(root: MapNode, problems: ProblemList): void {
  const seen = new Map<string, string>();
  for (const source of names(root, 'sources')) {
    for (const [index, token] of items(root, ['sources', source, 'tokens']).entries()) {
      if (!isText(token) || token.value === '') continue;
      const owner = seen.get(token.value);
      seen.set(token.value, owner ?? source);
      if (owner === undefined) continue;
      const whose = owner === source ? 'is in this list already' : `is a token of sources.${owner} already`;
      problems.add(token.place, ['sources', source, 'tokens', index], `${whose}. Make another one.`);
    }
  }
}

/** Connectors write under the call's id, and two Delacon accounts may count alike. */
function checkCallIds(root: MapNode, problems: ProblemList): void {
  const feeds = feedsOf(root);
  for (const connector of names(root, 'connectors')) {
    const firstWith = new Map<string, string>();
    for (const source of names(root, 'sources')) {
      if (!feeds.some((feed) => feed.source === source && feed.connector === connector)) continue;
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

/** Which source's calls may reach which connector, conditions left aside. */
function feedsOf(root: MapNode): { source: string; connector: string }[] {
  return items(root, ['routes']).flatMap((route) => {
    const { node, broken } = find(route, ['source']);
    const given = node?.kind === 'scalar' && node.value !== null;
    const sources = broken ? [] : isText(node) ? [node.value] : given ? [] : names(root, 'sources');
    const connectors = items(route, ['to']).flatMap((item) => (isText(item) ? [item.value] : []));
    return sources.flatMap((source) => connectors.map((connector) => ({ source, connector })));
  });
}

function names(root: MapNode, part: 'sources' | 'connectors'): string[] {
  const { node } = find(root, [part]);
  return node?.kind === 'map' ? [...node.entries.keys()] : [];
}

function items(root: TreeNode, path: PropertyKey[]): TreeNode[] {
  const { node } = find(root, path);
  return node?.kind === 'list' ? node.items : [];
}

function isText(node: TreeNode | undefined): node is ScalarNode & { value: string } {
  return node?.kind === 'scalar' && typeof node.value === 'string' && !node.broken;
}
