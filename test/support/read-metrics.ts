/** One line of Prometheus' text format. */
export interface Sample {
  /** As on the line: `…_bucket`, `…_sum` and `…_count` for a histogram. */
  name: string;
  /** What it belongs to. */
  metric: string;
  labels: Record<string, string>;
  value: number;
}

/** Reads Prometheus' text format, and refuses what a Prometheus would. */
export function metricsIn(text: string): {
  types: Record<string, string>;
  helps: Record<string, string>;
  samples: Sample[];
} {
  const types: Record<string, string> = {};
  const helps: Record<string, string> = {};
  const samples: Sample[] = [];
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, about, metric = '', said = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (about === 'HELP') helps[metric] = said;
    else if (about === 'TYPE') types[metric] = said;
    else samples.push(sampleOf(line, types));
  }
  return { types, helps, samples };
}

/** The sum of the samples with this name and these labels. Not a number when there is none. */
export function sumOf(text: string, name: string, labels: Record<string, string> = {}): number {
  const found = metricsIn(text).samples.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return found.length === 0 ? Number.NaN : found.reduce((sum, { value }) => sum + value, 0);
}

function sampleOf(line: string, types: Record<string, string>): Sample {
  const [, name = '', inBraces = '', written = ''] =
    /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/.exec(line) ?? [];
  const value = Number(written.replace('+Inf', 'Infinity'));
  const family = name.replace(/_(bucket|sum|count)$/, '');
  const metric = types[family] === 'histogram' ? family : name;
  if (types[metric] === undefined || Number.isNaN(value)) throw new Error(`not a metric: ${line}`);
  const labels = [...inBraces.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [
    label,
    text,
  ]);
  return { name, metric, labels: Object.fromEntries(labels), value };
}
