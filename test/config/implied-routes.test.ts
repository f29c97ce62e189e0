import fc from 'fast-check';
import { explainRoutes, matchRoutes } from '../../src/route/match.ts';
import { deliveryOf, startPush } from '../support/build-push.ts';
import { assert, suite } from '../support/suite.ts';
import { load, withConfig } from './with-config.ts';

const implied = suite('files without routes');

type Files = Record<string, string>;

/** Where the calls of each source go, conditions left aside. */
async function goes(files: Files): Promise<Record<string, string[]>> {
  const { settings } = await load(files);
  const to = (source: string) =>
    matchRoutes(
      settings.routes.map(({ when: _, ...route }) => route),
      source,
      () => {
        throw new Error('no route has a condition');
      },
      'UTC',
    );
  return Object.fromEntries(Object.keys(settings.sources).map((source) => [source, to(source)]));
}

const problemsOf = (files: Files) => withConfig(files, ({ problems }) => problems());

const box = '{ type: sandbox }';
const client = (name: string, more = '') =>
  `sources:\n  ${name}:\nconnectors:\n  ${name}-crm: ${box}\n${more}`;
const main = 'include: [clients/*.yaml]\n';
const three = {
  'config/bridge.yaml': main,
  'config/clients/acme.yaml': client('acme'),
  'config/clients/beta.yaml': client('beta'),
  'config/clients/coro.yaml': client('coro'),
};
const own = { acme: ['acme-crm'], beta: ['beta-crm'], coro: ['coro-crm'] };

implied("each client's calls go to its own CRM alone, and nothing needs to be said", async () => {
  assert.equal(await goes(three), own);
  assert.equal((await load(three)).warnings, []);
});

implied('a route in one file changes nothing for another', async () => {
  const missed = 'routes: [{ source: acme, when: call.missed, to: [acme-crm] }]';
  assert.equal(await goes({ ...three, 'config/clients/acme.yaml': client('acme', missed) }), own);
  const { settings } = await load({ ...three, 'config/clients/acme.yaml': client('acme', missed) });
  assert.equal(
    settings.routes.map(({ sources, to, when, isImplied }) => [sources, to, when?.text, isImplied]),
    [
      [['acme'], ['acme-crm'], 'call.missed', undefined],
      [['beta'], ['beta-crm'], undefined, true],
      [['coro'], ['coro-crm'], undefined, true],
    ],
  );
});

implied('a route elsewhere that leads a source further adds to its file', async () => {
  const archive = `${main}connectors: { archive: ${box} }\nroutes: [{ source: acme, to: [archive] }]`;
  assert.equal(await goes({ ...three, 'config/bridge.yaml': archive }), {
    ...own,
    acme: ['archive', 'acme-crm'],
  });
});

implied(
  'a route elsewhere that leads a source to a connector of its file says all of those two',
  async () => {
    for (const source of ['source: acme, ', '']) {
      const missed = `${main}routes: [{ ${source}when: call.missed, to: [acme-crm] }]\nsources: { hq: { callIdPrefix: hq- } }`;
      const { settings } = await load({
        ...three,
        'config/bridge.yaml': missed,
        'config/clients/beta.yaml':
          'sources: { beta: { callIdPrefix: b- } }\nconnectors: { beta-crm: { type: sandbox } }',
        'config/clients/coro.yaml':
          'sources: { coro: { callIdPrefix: c- } }\nconnectors: { coro-crm: { type: sandbox } }',
      });
      const ways = settings.routes.filter(({ to }) => to.includes('acme-crm'));
      assert.equal(
        ways.map(({ when }) => when?.text),
        ['call.missed'],
      );
    }
  },
);

implied(
  "a route without a source takes the calls of its file's sources, and in the main file every one",
  async () => {
    const missed = 'routes: [{ when: call.missed, to: [acme-crm] }]';
    assert.equal(await goes({ ...three, 'config/clients/acme.yaml': client('acme', missed) }), own);
    assert.equal(
      await problemsOf({
        ...three,
        'config/clients/routes.yaml': 'routes:\n  - { to: [acme-crm] }',
      }),
      'config/clients/routes.yaml:2:5  routes[0]: names no source, and its file has none. Write source: and a name, or move it to the main file, where it takes every source.',
    );
  },
);

implied('an empty list of routes is a way to let calls wait', async () => {
  const files = { ...three, 'config/clients/acme.yaml': client('acme', 'routes: []') };
  assert.equal(await goes(files), { ...own, acme: [] });
});

implied(
  'a source that reaches nothing and a connector that nobody feeds are told, with the line to write',
  async () => {
    const files = {
      'config/bridge.yaml': `${main}connectors:\n  crm: ${box}\n`,
      'config/clients/acme.yaml': 'sources:\n  acme:\n',
      'config/clients/beta.yaml': '# ours\nsources:\n  beta:\n',
    };
    assert.equal(await goes(files), { acme: [], beta: [] });
    assert.equal((await load(files)).warnings, [
      'config/bridge.yaml:3:3  connectors.crm: no route leads to it, so it will get no calls. Its file has neither routes nor sources: add one, as in routes: [{ source: …, to: [crm] }].',
      'config/clients/acme.yaml:2:3  sources.acme: no route takes its calls; they are kept and shown as unrouted. Its file has neither routes nor connectors: add one, as in routes: [{ source: acme, to: [crm] }].',
      'config/clients/beta.yaml:3:3  sources.beta: no route takes its calls; they are kept and shown as unrouted. Its file has neither routes nor connectors: add one, as in routes: [{ source: beta, to: [crm] }].',
    ]);
  },
);

implied('several sources of a file never share a connector unless a route says so', async () => {
  const yaml = `sources:\n  acme:\n  beta:\nconnectors:\n  crm: ${box}\n`;
  const add = 'routes: [{ source: [acme, beta], to: [crm] }]';
  assert.is(
    await problemsOf({ 'config/bridge.yaml': yaml }),
    `config/bridge.yaml:3:3  sources.beta: crm would get the calls of acme and beta, as no route says whose. If that is meant, add to this file: ${add}`,
  );
  const told = { 'config/bridge.yaml': `${yaml}${add}`.replace('beta:\n', 'beta: { callIdPrefix: b- }\n') };
  assert.equal(await goes(told), { acme: ['crm'], beta: ['crm'] });
  // Now that it is said, what comes of it is told.
  assert.match(
    await problemsOf({ 'config/bridge.yaml': `${yaml}${add}` }),
    'sources.beta.callIdPrefix: acme and beta',
  );
});

implied('two clients in one file, with a connector each, are not guessed at', async () => {
  const yaml = `sources:\n  acme:\n  beta:\nconnectors:\n  acme-crm: ${box}\n  beta-crm: ${box}\n`;
  assert.is(
    await problemsOf({ 'config/bridge.yaml': main, 'config/clients/both.yaml': yaml }),
    'config/clients/both.yaml:3:3  sources.beta: acme-crm and beta-crm would get the calls of acme and beta, as no route says whose. ' +
      'Write a route for each source, as in routes: [{ source: acme, to: [acme-crm] }]; or, if all of it is meant, routes: [{ source: [acme, beta], to: [acme-crm, beta-crm] }]',
  );
});

implied('what is to be written for many sources is short, and is what it says', async () => {
  const names = Array.from({ length: 7 }, (_, i) => `s${i}`);
  const sources = `sources: { ${names.map((name) => `${name}: { callIdPrefix: ${name}- }`).join(', ')} }\n`;
  const yaml = `${sources}connectors: { crm: ${box} }\n`;
  for (const files of [
    { 'config/bridge.yaml': yaml },
    { ...three, 'config/clients/many.yaml': yaml },
  ] as Files[]) {
    const file = Object.keys(files).at(-1)!;
    const problem = await problemsOf(files);
    assert.match(problem, 'crm would get the calls of s0, s1, s2, s3, s4 and 2 others');
    const add = problem.split('add to this file: ')[1]!;
    assert.is(add, 'routes: [{ to: [crm] }]');
    assert.equal(await goes({ ...files, [file]: yaml + add }), {
      ...(file === 'config/bridge.yaml' ? {} : own),
      ...Object.fromEntries(names.map((name) => [name, ['crm']])),
    });
  }
});

implied('a connector has one file', async () => {
  const files = {
    ...three,
    'config/clients/coro.yaml': `sources: { coro: }\nconnectors: { acme-crm: ${box} }`,
  };
  assert.is(
    await problemsOf(files),
    'config/clients/coro.yaml:2:15  connectors.acme-crm: is in config/clients/acme.yaml:4:3 already. Give one of them another name.',
  );
});

implied('a call says which file sent it where', async () => {
  const { settings } = await load(three);
  const { call } = deliveryOf([startPush('7')]);
  assert.equal(explainRoutes(settings.routes, { ...call, source: 'beta' }, 'UTC'), {
    connectors: ['beta-crm'],
    looked: [
      {
        place: 'config/clients/beta.yaml',
        matched: true,
        why: 'the file has no routes, so calls of its source beta go to its connector beta-crm',
      },
    ],
  });
});

implied('no call of a file without routes reaches the connector of another', async () => {
  const file = fc.record({ sources: fc.nat(2), connectors: fc.nat(2), isRouted: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 5 }), async (list) => {
      const files: Files = {};
      const home = new Map<string, number>();
      for (const [n, { sources, connectors, isRouted }] of list.entries()) {
        const names = (kind: string, count: number) =>
          Array.from({ length: count }, (_, i) => `${kind}${n}-${i}x`);
        const of = { s: names('s', sources), c: names('c', connectors) };
        for (const name of [...of.s, ...of.c]) home.set(name, n);
        const routes =
          isRouted && connectors > 0 && sources > 0 ? `\nroutes: [{ to: [${of.c.join(', ')}] }]` : '';
        const text =
          (of.s.length > 0
            ? `sources: { ${of.s.map((name) => `${name}: { callIdPrefix: ${name}- }`).join(', ')} }`
            : '') +
          (of.c.length > 0 ? `\nconnectors: { ${of.c.map((name) => `${name}: ${box}`).join(', ')} }` : '') +
          routes;
        // The first is the main file, whose route without a source would take all.
        if (n === 0)
          files['config/bridge.yaml'] = `${list.length > 1 ? main : ''}${text.replace(routes, '')}`;
        else files[`config/clients/f${n}.yaml`] = text;
      }
      // Where nobody names one, the built-in connector is the main file's.
      const isSandbox = list.every(({ connectors }) => connectors === 0);
      const isShared = list.some(
        ({ sources, connectors, isRouted }, n) =>
          sources > 1 && (connectors > 0 || (n === 0 && isSandbox)) && !(isRouted && n > 0),
      );
      const problems = await problemsOf(files);
      if (isShared) return void assert.match(problems, 'as no route says whose');
      assert.is(problems, '');
      for (const [source, connectors] of Object.entries(await goes(files)))
        for (const connector of connectors) assert.is(home.get(connector) ?? 0, home.get(source) ?? 0);
    }),
    { numRuns: 60 },
  );
});

implied.run();
