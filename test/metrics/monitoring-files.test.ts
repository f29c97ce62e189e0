import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type Definition, definitions } from '../../src/metrics/definitions.ts';
import { assert, suite } from '../support/suite.ts';

/*
 * The dashboard and the alert rules ask for metrics and labels that there are. That a running bridge exposes the defined
 * metrics, with these labels, is what metrics.test.ts tells.
 */

const monitoring = suite('monitoring files');

const read = (file: string) => readFileSync(new URL(`../../config/${file}`, import.meta.url), 'utf8');

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; expr: string; legendFormat: string }[];
}
interface Dashboard {
  panels: Panel[];
  templating: { list: { name: string; type: string; definition?: string }[] };
  annotations: { list: { expr: string }[] };
}
interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

const dashboard = JSON.parse(read('grafana-dashboard.json')) as Dashboard;
const { groups } = parse(read('prometheus-alerts.yaml')) as { groups: { name: string; rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

/** Labels that a Prometheus adds by itself. */
const added = ['instance', 'job', 'le'];
/** The series that Prometheus itself writes for each target. */
const foreign = ['up'];

function definitionOf(series: string): Definition | undefined {
  const exact = (definitions as Record<string, Definition>)[series];
  if (exact && exact.type !== 'histogram') return exact;
  const histogram = /^(.*)_(bucket|sum|count)$/.exec(series)?.[1] ?? '';
  const found = (definitions as Record<string, Definition>)[histogram];
  return found?.type === 'histogram' ? found : undefined;
}

/** What an expression asks for that there is not: series, labels in braces and in `by (…)`, values of known labels. */
function unknownIn(expr: string): string[] {
  const problems: string[] = [];
  const labels = new Set(added);
  for (const [, series = '', braces = ''] of expr.matchAll(
    /\b((?:delacon_bridge|process)_[a-z_]+|up)\b(\{[^}]*\})?/g,
  )) {
    const definition = foreign.includes(series) ? { labels: [] } : definitionOf(series);
    if (!definition) {
      problems.push(`no metric ${series}`);
      continue;
    }
    for (const label of definition.labels) labels.add(label);
    for (const [, label = '', wanted = ''] of braces.matchAll(/([a-z_]+)=~?"([^"]*)"/g)) {
      if (![...definition.labels, ...added].includes(label)) problems.push(`${series} has no label ${label}`);
      if (['outcome', 'state', 'file', 'found'].includes(label))
        for (const value of wanted.split('|'))
          if (!('help' in definition) || !new RegExp(`\\b${value}\\b`).test(String(definition.help)))
            problems.push(`${series} has no ${label} "${value}"`);
    }
  }
  if (labels.size === added.length && !/\bup\b|delacon|process/.test(expr))
    problems.push(`no metric in: ${expr}`);
  for (const [, by = ''] of expr.matchAll(/\bby \(([^)]*)\)/g))
    for (const label of by.split(',').map((one) => one.trim()))
      if (!labels.has(label)) problems.push(`nothing has the label ${label}: ${expr}`);
  return problems;
}

const targets = dashboard.panels.flatMap((panel) =>
  (panel.targets ?? []).map((target) => ({ panel: panel.title, ...target })),
);

monitoring('the test itself sees a wrong name, label and value', () => {
  assert.equal(unknownIn('rate(delacon_bridge_pushes{source="x"}[5m])'), ['no metric delacon_bridge_pushes']);
  assert.equal(unknownIn('delacon_bridge_delivery_lag_seconds'), [
    'no metric delacon_bridge_delivery_lag_seconds',
  ]);
  assert.equal(unknownIn('delacon_bridge_lease_held{source="x"}'), [
    'delacon_bridge_lease_held has no label source',
  ]);
  assert.is(unknownIn('sum by (kind) (delacon_bridge_lease_held)').length, 1);
  assert.equal(unknownIn('delacon_bridge_connector_state{state="asleep"}'), [
    'delacon_bridge_connector_state has no state "asleep"',
  ]);
});

monitoring('every query of the dashboard asks for what there is', () => {
  assert.ok(targets.length >= 20);
  const asked = [
    ...targets.map(({ expr }) => expr),
    ...dashboard.annotations.list.map(({ expr }) => expr),
    ...dashboard.templating.list.flatMap(({ definition }) => definition ?? []),
  ];
  assert.equal(asked.flatMap(unknownIn), []);
});

monitoring('the dashboard shows every metric', () => {
  const asked = [
    ...targets.map(({ expr }) => expr),
    JSON.stringify([dashboard.templating, dashboard.annotations]),
  ].join('\n');
  // When the latest push came is for the rules.
  const shown = Object.keys(definitions).filter(
    (name) => name !== 'delacon_bridge_last_push_timestamp_seconds',
  );
  assert.equal(
    shown.filter((name) => !asked.includes(name)),
    [],
  );
});

monitoring('legends and variables name labels that their query keeps', () => {
  for (const { panel, expr, legendFormat } of targets) {
    for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
      const by = [...expr.matchAll(/\bby \(([^)]*)\)/g)].map(([, list]) => list);
      if (by.length > 0)
        assert.ok(
          by.every((list) => list?.includes(label)),
          `${panel}: {{${label}}}`,
        );
    }
    for (const [, variable = ''] of expr.matchAll(/\$([a-z]+)\b/g))
      assert.ok(
        dashboard.templating.list.some(({ name }) => name === variable),
        `${panel}: $${variable}`,
      );
  }
  for (const { name, definition } of dashboard.templating.list) {
    if (definition === undefined) continue;
    const [, series = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
    assert.is(label, name);
    assert.ok([...(definitionOf(series)?.labels ?? []), 'instance'].includes(label), definition);
  }
});

monitoring('panels have ids of their own and do not overlap', () => {
  const { panels } = dashboard;
  assert.is(new Set(panels.map(({ id }) => id)).size, panels.length);
  for (const [i, { gridPos: a, title }] of panels.entries()) {
    assert.ok(a.x + a.w <= 24, title);
    for (const { gridPos: b } of panels.slice(i + 1)) {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      assert.ok(apart, title);
    }
  }
});

monitoring('every alert rule asks for what there is, and says what to do', () => {
  assert.ok(rules.length >= 10);
  assert.equal(
    rules.flatMap(({ expr }) => unknownIn(expr)),
    [],
  );
  assert.is(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  for (const { alert, expr, labels, annotations } of rules) {
    assert.match(alert, /^DelaconBridge[A-Z]\w+$/);
    assert.ok(['critical', 'warning'].includes(labels['severity'] ?? ''), alert);
    assert.match(annotations['description'] ?? '', /\.$/, alert);
    for (const [, label = ''] of (annotations['summary'] ?? '').matchAll(/\$labels\.(\w+)/g)) {
      const [, kept] = /\bby \(([^)]*)\)/.exec(expr) ?? [];
      assert.ok(kept === undefined || kept.includes(label), `${alert}: ${label}`);
    }
  }
});

monitoring.run();
