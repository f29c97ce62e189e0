import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { assert, suite } from './support/suite.ts';

const imports = suite('imports');

/** What each folder of src, or file that stands alone there, may import: of those above it here, from the ground up. */
const allowed: Record<string, string> = {
  cache: '',
  text: '',
  clock: '',
  runtime: '',
  call: 'cache text clock',
  log: 'text runtime call',
  route: 'text call',
  connector: 'text clock runtime call log route',
  crm: 'cache text clock call route connector',
  config: 'text call route connector',
  store: 'cache clock runtime call',
  receive: 'cache clock runtime call log store',
  deliver: 'clock call log connector store',
  sweep: 'clock call log store deliver',
  alert: 'text clock call log connector config store deliver',
  operator: 'cache text clock call log connector config store receive deliver alert',
  metrics: 'clock call connector store deliver operator',
  bridge: 'cache text clock call log connector config store receive deliver operator',
  main: 'clock runtime log config store receive sweep alert operator metrics bridge',
  cli: 'text clock runtime call log route connector config store deliver alert operator bridge main',
};

/** All that a connector sees of src. */
const faces = ['src/connector/index.ts', 'src/crm/index.ts'];

const root = new URL('../', import.meta.url);
const files = ['src', 'connectors'].flatMap((folder) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`),
);
/** Types count like all else: who names one depends on it. */
const imported = new Map(
  files.map((file) => {
    const code = readFileSync(new URL(file, root), 'utf8');
    const found = [...code.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+\.ts)'/g)];
    return [file, found.map(([, path = '']) => posix.join(posix.dirname(file), path))];
  }),
);

imports(
  'src is built from the ground up, and a connector stands on the two faces that src has for it',
  () => {
    const floors = Object.entries(allowed);
    for (const [i, [floor, below]] of floors.entries())
      for (const name of below.split(' ').filter(Boolean))
        assert.ok(
          floors.slice(0, i).some(([other]) => other === name),
          `${floor} lies below ${name}`,
        );
    const home = (file: string) => file.replace(/^src\/([^/.]+).*|(connectors\/[^/]+).*/, '$1$2');
    const mayImport = (file: string, other: string) =>
      home(file) === home(other) ||
      (file.startsWith('src/')
        ? allowed[home(file)]?.split(' ').includes(home(other))
        : faces.includes(other));
    const wrong = [...imported].flatMap(([file, others]) =>
      others.filter((other) => !mayImport(file, other)).map((other) => `${file} imports ${other}`),
    );
    assert.equal(wrong, []);
  },
);

imports('no file imports itself, through however many others', () => {
  const reached = new Map(
    files.map((file) => {
      const all = new Set(imported.get(file)); // grows while it is walked
      for (const other of all) for (const next of imported.get(other) ?? []) all.add(next);
      return [file, all];
    }),
  );
  const circles = files.flatMap((file) => {
    const circle = [...reached.get(file)!].filter((other) => reached.get(other)?.has(file)).sort();
    if (circle[0] !== file) return []; // each is told of once
    const folders = [...new Set(circle.map((one) => posix.dirname(one)))];
    return `${folders.join(', ')}: ${circle.map((one) => posix.basename(one, '.ts')).join(' ')}`;
  });
  assert.equal(circles, []);
});

imports.run();
