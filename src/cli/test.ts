import { loadConfig } from '../config/load.ts';
import { environment } from '../runtime/environment.ts';
import type { CommandOptions } from './command-options.ts';
import { type Difference, differencesOf, type TestChoice } from './differences.ts';
import { print } from './plain-text.ts';
import { printJson } from './tables.ts';
import { configured } from './wrong-use.ts';

/** Runs the tests of the mapping: pushes in, and what must come of them. No CRM, no store. */
export async function test(options: CommandOptions & TestChoice & { file?: string[] }): Promise<void> {
  const { settings, placeOf } = await loadConfig(options.config, {
    env: environment(),
    asRead: true,
    standIns: true,
    ...(options.file ? { testFiles: options.file } : {}),
  });
  const { connector } = options;
  if (connector !== undefined) configured('connector', connector, settings.connectors);
  const results = settings.tests.flatMap((one, index) => {
    const differences = differencesOf(settings, one, options);
    if (differences === null) return [];
    const place = (path: readonly PropertyKey[]) => placeOf(['tests', index, ...path]);
    return [
      {
        name: one.name,
        place: place(['name']),
        passed: differences.length === 0,
        differences: differences.map(({ path, ...rest }) => ({ place: place(path), ...rest })),
      },
    ];
  });
  const failed = results.filter(({ passed }) => !passed).length;
  if (failed > 0 || results.length === 0) process.exitCode = 1;
  if (options.json) return printJson({ passed: results.length - failed, failed, tests: results });
  for (const { name, place, passed, differences } of results) {
    print(`${passed ? 'passed' : 'FAILED'}  ${name}${passed ? '' : `  (${place})`}`);
    for (const difference of differences) show(difference);
  }
  print(
    results.length === 0
      ? `There are no tests${connector === undefined ? '' : ` for ${connector}`}. Write some under "tests:"; config/example.yaml shows how.`
      : `${results.length - failed} passed, ${failed} failed.`,
  );
}

function show({ place, what, expected, got }: Omit<Difference, 'path'> & { place: string }): void {
  const lines = (label: string, text: string) =>
    `      ${label}  ${text.replaceAll('\n', `\n${' '.repeat(16)}`)}`;
  print(`    ${place}  ${what}\n${lines('expected', expected)}\n${lines('got     ', got)}`);
}
