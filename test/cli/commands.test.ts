import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import packageFile from '../../package.json' with { type: 'json' };
import { kindOf } from '../../src/call/call.ts';
import * as samples from '../../src/call/sample-pushes.ts';
import { banner } from '../../src/cli/banner.ts';
import { simulatedDay } from '../../src/cli/simulated-day.ts';
import { createLog } from '../../src/log.ts';
import { type Bridge, startBridge } from '../../src/main.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { pushToken, withBridgeFolder } from '../support/bridge-process.ts';
import { endSample, startPush, startSample } from '../support/build-push.ts';
import { assert, suite, until } from '../support/suite.ts';
import { newPush } from '../support/with-store.ts';

const commands = suite('commands');

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const sandboxYaml = `sources: { acme: { tokens: [${pushToken}] } }\nconnectors: { try-it: { type: sandbox } }\n`;

commands('what is not a command is wrong use: exit code 2, and no stack trace', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(sandboxYaml);
    const unknown = 'There is no connector "try-ti". Did you mean "try-it"? Known: try-it.';
    for (const [args, said] of [
      [['explian', '1'], "unknown command 'explian'"],
      [['calls', '--bogus'], "unknown option '--bogus'"],
      [
        ['calls', '--limit', 'many'],
        "option '--limit <n>' argument 'many' is invalid. It must be a whole number.",
      ],
      [['calls', '--since', 'noon'], '--since noon: write a duration like 2h'],
      [['calls', '--connector', 'try-ti'], unknown],
      [['calls', '--source', 'acne'], 'There is no source "acne". Did you mean "acme"? Known: acme.'],
      [['replay'], 'Which calls?'],
      [['replay', '1', '--connector', 'try-ti'], unknown],
      [['replay', '--source', 'acne', '--yes'], 'There is no source "acne".'],
      [['setup', 'try-ti'], unknown],
      [['probe', 'try-ti'], unknown],
      [['pause', 'try-ti'], unknown],
      [['resume', 'try-ti'], unknown],
      [['send', 'calls.example.com'], '"calls.example.com" is no URL. Name one that a bridge prints:'],
      [['erase', '12'], '"12" is no telephone number in AU.'],
    ] as const) {
      const { code, stdout, stderr } = await folder.run(...args);
      assert.is(code, 2, args.join(' '));
      assert.is(stdout, '');
      assert.match(stderr, said);
      assert.not.match(stderr, /\n\s+at /);
    }
  }),
);

commands('that there are no calls says of where, and no more than that where some were chosen', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(sandboxYaml);
    const { stdout } = await folder.run('calls');
    assert.match(stdout, /^No call was received yet: sqlite:\/.*\/data\/bridge\.db holds none\.\n$/);
    assert.is((await folder.run('calls', '--state', 'failed')).stdout, 'No call matches.\n');
    assert.is((await folder.run('replay', '--connector', 'try-it', '--yes')).stdout, 'No call matches.\n');
  }),
);

commands('the version is that of the package', () =>
  withBridgeFolder(async (folder) => {
    const { code, stdout } = await folder.run('--version');
    assert.equal([code, stdout], [0, `${packageFile.version}\n`]);
  }),
);

commands('every help text ends with an example', () =>
  withBridgeFolder(async (folder) => {
    const { stdout } = await folder.run('--help');
    const names = [...stdout.matchAll(/^ {2}([a-z]+) (?:\[|<| )/gm)].map((match) => match[1] as string);
    assert.ok(names.length >= 9, stdout);
    for (const name of names.filter((other) => other !== 'help')) {
      const help = await folder.run(name, '--help');
      assert.is(help.code, 0);
      assert.match(help.stdout, new RegExp(`Example:\\n {2}delacon-bridge ${name}`));
    }
  }),
);

commands('help that nobody reads to its end is no error', async () => {
  const child = spawn(process.execPath, [main, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy(); // as `| head` does
  let said = '';
  child.stderr.on('data', (part) => {
    said += part;
  });
  const [code] = await once(child, 'close');
  assert.equal([code, said], [0, '']);
});

commands('what cannot be read or written is said in a sentence, with the file', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(sandboxYaml);
    const at = (name: string) => join(folder.path, name);
    writeFileSync(at('no.json'), 'PLA');
    writeFileSync(at('no-id.json'), '{"PLA_CID":"1"}');
    writeFileSync(at('secret.yaml'), sandboxYaml, { mode: 0 });
    mkdirSync(at('data'));
    writeFileSync(at('made.yaml'), `store: { url: "sqlite:${at('data')}/x.db" }\nsources: { acme: {} }\n`);
    chmodSync(folder.path, 0o555);
    const sentence =
      'It must hold pushes as Delacon posts them: one, several with a blank line between, or a JSON array.';
    for (const [exitCode, args, said] of [
      [2, ['preview', 'none.json'], 'none.json cannot be read: there is no such file.\n'],
      [2, ['preview', '.'], '. cannot be read: it is a folder.\n'],
      [1, ['preview', 'no.json'], `no.json: The body is neither a JSON object nor a form.\n${sentence}\n`],
      [1, ['preview', 'no-id.json'], `no-id.json: PLA_Call_Id is missing`],
      [
        1,
        ['backup', 'none/copy.db'],
        `none/copy.db cannot be made: ${at('none')} is no folder that this user may write to.\n`,
      ],
      [
        1,
        ['backup', 'copy.db'],
        `copy.db cannot be made: ${folder.path} is no folder that this user may write to.\n`,
      ],
      [
        1,
        ['init', '--connector', 'sandbox', '--config', 'own/x.yaml'],
        `${at('own/x.yaml')} cannot be written (EACCES). Name`,
      ],
      [1, ['check', '--config', 'secret.yaml'], 'secret.yaml  cannot be read: this user may not read it.\n'],
      [
        1,
        ['send', '--config', 'made.yaml'],
        `${at('data')}/x.db cannot be opened (unable to open database file). Set store.url to`,
      ],
    ] as const) {
      const { code, stdout, stderr } = await folder.runWithoutRights(...args);
      assert.equal([code, stdout], [exitCode, ''], args.join(' '));
      assert.match(stderr, said);
      assert.not.match(stderr, /\n\s+at /);
    }
    chmodSync(folder.path, 0o755);
  }),
);

commands('check lists eight mistakes with their places, and exits with 1', () =>
  withBridgeFolder(async (folder) => {
    const file = join(folder.path, 'bad.yaml');
    writeFileSync(
      file,
      `listen: { port: 99999 }
sources:
  acme: { tokens: [a-token-that-is-long], region: Australia, lapseAfter: 4 hours }
connectors:
  crm: { type: hubspott }
  box: { type: sandbox, folowUp: 1, activity: { title: "{{ call.caller.displai }}" } }
routes:
  - { source: acmee, when: "call.missed and", to: [box] }
`,
    );
    const { code, stderr } = await folder.run('check', '--config', file);
    assert.is(code, 1);
    const lines = stderr.trim().split('\n');
    assert.is(lines.length, 8, stderr);
    for (const line of lines) assert.match(line, /bad\.yaml:\d+:\d+ +\S+: ./);
    assert.not.match(stderr, /\n\s+at /);
  }),
);

commands('check --json lists mistakes as data, too', () =>
  withBridgeFolder(async (folder) => {
    folder.configure('sources: { acme: { region: Australia } }\n');
    const { code, stdout, stderr } = await folder.run('check', '--json');
    assert.is(code, 1);
    assert.match(stderr, 'sources.acme.region: "Australia" is no country code');
    const { problems, warnings, findings } = JSON.parse(stdout);
    assert.equal([warnings, findings], [[], []]);
    assert.is(problems.length, 1);
    assert.equal([problems[0].line, problems[0].path], [3, 'sources.acme.region']);
  }),
);

commands('check tells what is odd beside what is wrong', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(
      'connectors: { box: { type: sandbox, activity: { properties: { svc: call.serviceId } }, wirte: live } }\n',
    );
    const { code, stdout, stderr } = await folder.run('check');
    assert.is(code, 1);
    assert.match(stderr, 'connectors.box.wirte: unknown setting. Did you mean "write"?');
    assert.match(
      stdout,
      /^warning .*bridge\.yaml:\d+:\d+ {2}connectors\.box\.activity\.properties\.svc: it writes/,
    );
    const { warnings, problems } = JSON.parse((await folder.run('check', '--json')).stdout);
    assert.equal([warnings.length, problems.length], [1, 1]);
  }),
);

commands('check of a good configuration exits with 0, online too, and says which it has read', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(sandboxYaml);
    const good = await folder.run('check');
    assert.is(good.code, 0);
    assert.match(
      good.stdout,
      /^bridge\.yaml is in order: 1 source, 1 connector, 1 file without routes, whose calls go to its own connectors\./m,
    );
    const { stdout } = await folder.run('check', '--config', 'config/bridge.yaml');
    assert.match(stdout, /^There is no config\/bridge\.yaml\. The built-in configuration is in order: /);
    const online = await folder.run('check', '--online', '--json');
    assert.is(online.code, 0);
    assert.is(JSON.parse(online.stdout).findings[0].connector, 'try-it');
  }),
);

commands('preview shows what the samples would write, and needs neither CRM nor store', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(sandboxYaml);
    const { code, stdout } = await folder.run('preview', '--json');
    assert.is(code, 0);
    const [call] = JSON.parse(stdout);
    assert.equal(call.routing.connectors, ['try-it']);
    const [person, activity] = call.connectors[0].records;
    assert.equal(
      [person.key, activity.key],
      [
        { property: 'delacon_caller', value: '+61444444444' },
        { property: 'delacon_call_id', value: '1122334' },
      ],
    );
    assert.is(activity.properties.durationSeconds, 50);
  }),
);

commands('on a terminal a bridge prints URLs, a link, and curl lines that work as they are pasted', () =>
  withBridgeFolder(async (folder) => {
    folder.configure('connectors: { try-it: { type: sandbox } }\nsources: { acme: {} }\n');
    const configPath = join(folder.path, 'bridge.yaml');
    const running = await startBridge({ configPath, env: {}, log: createLog('silent') });
    const said = await banner(running, true);
    const lines = said.split('\n').filter((line) => line.startsWith('curl '));
    assert.is(lines.length, 2);
    assert.match(said, ` explain 1122334 --config ${configPath}`);
    assert.match(said, `\n  ${running.url}/sign-in#`);
    assert.not.match(said, 'built-in');
    for (const line of lines) {
      // Not waited for in this process, which has to answer.
      const { stdout } = await promisify(execFile)('sh', ['-c', line]);
      assert.equal(JSON.parse(stdout), { PLA_Call_Id: '1122334', success: 'true', error: '' });
    }
    await until('the call to be delivered', async () =>
      /completed/.test((await folder.run('explain', '1122334')).stdout),
    );
    const { stdout } = await folder.run('explain', '1122334');
    for (const part of [
      /start, \d+ fields/,
      /end, \d+ fields/,
      /bridge.yaml matches: the file has no routes/,
      /contact 1/,
      /durationSeconds +50/,
    ]) {
      assert.match(stdout, part);
    }
    assert.is((await folder.run('explain', '999')).code, 1);
    await running.stop();
  }),
);

commands('away from a terminal a bridge says how to try it, and tells no token', async () => {
  const url = `http://127.0.0.1:8080/push/${pushToken}`;
  const bridge = {
    configFile: '/etc/bridge.yaml',
    settings: { listen: {}, sources: { acme: {} } },
    pushUrls: () => ({ source: 'acme', create: `${url}/create`, update: `${url}/update`, single: url }),
    url: 'http://127.0.0.1:8080',
  };
  const said = await banner(bridge as unknown as Bridge, false);
  assert.match(said, /Try it: .* send --config \/etc\/bridge.yaml\n/);
  assert.match(said, /What became of it: .* explain 1122334 --config \/etc\/bridge.yaml/);
  assert.not.match(said, pushToken);
});

commands('a bridge that has found no configuration says so', async () => {
  const bridge = {
    configFile: undefined,
    settings: { listen: {}, sources: {} },
    pushUrls: () => ({ create: '', update: '', single: '' }),
    url: '',
  };
  const said = await banner(bridge as unknown as Bridge, false);
  assert.match(
    said,
    'There is no config/bridge.yaml: it runs on its built-in settings, and calls go to a sandbox.',
  );
});

commands('explain and the page say why a call went to its person, and by which call it was known', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(`${sandboxYaml}operator: { token: a-token-of-the-operator }\n`);
    const running = await folder.startHere();
    const explained = async (id: string) => (await folder.run('explain', id)).stdout;
    for (const id of ['1', '2', '3']) {
      const body = JSON.stringify(startPush(id));
      await fetch(`${running.url}/push/${pushToken}`, { method: 'POST', body });
      await until(`call ${id} to be delivered`, async () => /: delivered/.test(await explained(id)));
    }
    assert.match(await explained('1'), /person: contact 1\n {4}Created, as nobody had this number\.\n/);
    const known =
      /Known from an earlier call of this number\. The first was call 1 at [^:]+:\d\d:\d\d: Created, as nobody had this number\.\n/;
    await until('the index to have the calls', async () => known.test(await explained('3')));
    const headers = { authorization: 'Bearer a-token-of-the-operator' };
    const page = await (await fetch(`${running.url}/calls/acme/3`, { headers })).text();
    assert.match(page, 'The first was <a href="/calls/acme/1">call 1</a>');
    assert.match(page, 'Created, as nobody had this number.');
    const held = await folder.run('erase', '0444 444 444');
    assert.match(held.stdout, /^3 calls of \+6144\*\*\*444 are in the store\.\n/);
    const roles = [...held.stdout.matchAll(/ stays in try-it: (\w+),/g)].map(([, role]) => role);
    assert.equal(
      roles.sort(),
      ['activity', 'activity', 'activity', 'person'],
      'a person of three calls once',
    );
  }),
);

commands('explain and the page say when a call is written once more, after a bridge that was killed', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(`${sandboxYaml}operator: { token: a-token-of-the-operator }\n`);
    const killed = await openSqliteStore(join(folder.path, 'data/bridge.db'), 'bridge');
    await killed.record(newPush(startPush('1'), { receivedAt: new Date(), route: () => ['try-it'] }));
    await killed.acquireLease('try-it', 'the killed one', new Date(), 30_000);
    await killed.close();
    const running = await folder.startHere();
    const explained = async () => (await folder.run('explain', '1')).stdout;
    await until('the call to be delivered', async () => /: delivered/.test(await explained()));
    assert.match(
      await explained(),
      /delivered, the CRM shows revision 1; written once more after [-:\d ]+, as an earlier write was not answered and may come late\n/,
    );
    const headers = { authorization: 'Bearer a-token-of-the-operator' };
    const page = await (await fetch(`${running.url}/calls/acme/1`, { headers })).text();
    assert.match(
      page,
      /An earlier write was not answered, and may come late: it is written once more after /,
    );
  }),
);

commands('send plays the samples and a day at a running bridge; calls lists them', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(sandboxYaml);
    const running = await folder.startHere();
    const url = `${running.url}/push/${pushToken}/create`;
    assert.match((await folder.run('send', url)).stdout, /2 of 2 pushes acknowledged/);
    const day = await folder.run('send', url, '--day', '--calls', '10', '--json');
    assert.is(day.code, 0);
    assert.equal(
      new Set(JSON.parse(day.stdout).map((sent: { status: number }) => sent.status)),
      new Set([200]),
    );
    assert.is(JSON.parse((await folder.run('calls', '--json')).stdout).length, 11);
    const alone = await folder.run('send');
    assert.is(alone.code, 1);
    assert.match(alone.stderr, 'Nothing answers at http://127.0.0.1:0. Start the bridge, or name a URL.');
    const refused = await folder.run('send', `${running.url}/push/not-the-token-of-acme`);
    assert.is(refused.code, 1);
    assert.match(refused.stdout, /404/);
  }),
);

commands('replay writes again, by id or by choice', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(sandboxYaml);
    const running = await folder.startHere();
    await running.push(startSample);
    const attempts = async () =>
      JSON.parse((await folder.run('explain', '1122334', '--json')).stdout)[0].deliveries[0].attempts.length;
    await until('the first attempt', async () => (await attempts()) === 1);
    assert.is((await folder.run('replay', '1122334')).code, 2, 'nobody to ask');
    assert.is((await folder.run('replay', '1122334', '--yes')).code, 0);
    await until('the second attempt', async () => (await attempts()) === 2);
    assert.match(
      (await folder.run('replay', '--state', 'delivered', '--yes')).stdout,
      /1 call is due again, with 1 delivery\./,
    );
    await until('the third attempt', async () => (await attempts()) === 3);
  }),
);

commands('a paused connector of a running bridge rests, a skipped call stays out, and both are undone', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(sandboxYaml);
    const running = await folder.startHere();
    assert.is((await folder.run('pause', 'try-it', '--reason', 'Being moved.')).code, 0);
    await until('the bridge to notice', () => /Paused: calls wait/.test(running.output()));
    await running.push(startSample);
    const story = async () => JSON.parse((await folder.run('explain', '1122334', '--json')).stdout)[0];
    const [waiting] = (await story()).deliveries;
    assert.equal(
      [waiting.state, waiting.attempts.length, waiting.connectorReason],
      ['due', 0, 'Being moved.'],
    );
    const waits = (await folder.run('explain', '1122334')).stdout;
    assert.match(waits, /\ntry-it: due\n {2}the connector writes nothing: Being moved\.\n/);
    const skip = ['skip', '1122334', '--connector', 'try-it', '--reason', 'A test call.'];
    assert.is((await folder.run(...skip)).code, 0);
    assert.is((await folder.run('resume', 'try-it')).code, 0);
    await until('the bridge to notice', () => /No longer paused/.test(running.output()));
    await running.push(endSample);
    const { stdout } = await folder.run('explain', '1122334');
    assert.match(stdout, 'skipped until replayed, and the call has changed since: A test call.');
    assert.is((await folder.run('replay', '1122334', '--yes')).code, 0);
    await until('it is delivered', async () => (await story()).deliveries[0].state === 'delivered');
    assert.is((await folder.run(...skip)).code, 1, 'what is delivered cannot be skipped');
  }),
);

commands('a second bridge on the same store is refused with a sentence', () =>
  withBridgeFolder(async (folder) => {
    folder.configure(sandboxYaml);
    await folder.start();
    const second = await folder.run('start');
    assert.is(second.code, 1);
    assert.match(second.stderr, /Another delacon-bridge runs on/);
    assert.not.match(second.stderr, /\n\s+at /);
  }),
);

commands('a second signal ends a bridge at once that waits for its CRM; the call is still due', () =>
  withBridgeFolder(async (folder) => {
    const neverAnswers = new URL('../bench/idle-connector.ts', import.meta.url).pathname;
    folder.configure(
      `sources: { acme: { tokens: [${pushToken}] } }\nconnectors: { crm: { type: ${neverAnswers} } }\n`,
    );
    const running = await folder.start();
    assert.is((await running.push(startSample)).status, 200);
    const ended = running.kill('SIGTERM');
    await until('the bridge to be stopping', () => /Stopping/.test(running.output()));
    assert.is(await running.kill('SIGTERM'), 143);
    await ended;
    const [story] = JSON.parse((await folder.run('explain', '1122334', '--json')).stdout);
    assert.is(story.deliveries[0].state, 'due');
  }),
);

commands('demo shows the day as activities, and ends when told to', () =>
  withBridgeFolder(async (folder) => {
    const { code, stdout } = await folder.run('demo', '--exit');
    assert.is(code, 0);
    assert.match(stdout, /86 of 86 were acknowledged/);
    assert.match(stdout, / explain 1122334 --config \S*config\/demo\.yaml\n/);
    assert.match(stdout, /Call from 0444 444 444 to abc, answered by 029898989 +completed +answered +0:50/);
    assert.match(stdout, /end not received/); // the calls whose end is lost, after four hours of the day
    assert.match(stdout, /^2 of them failed/m);
  }),
);

commands("the samples are the article's, letter by letter", () => {
  assert.equal([samples.startSample, samples.endSample], [startSample, endSample]);
});

commands('a simulated day is the same for the same seed, and has all that goes wrong', () => {
  const day = new Date('2026-11-24T00:00:00Z');
  const pushes = simulatedDay(40, 1, day);
  assert.equal(pushes, simulatedDay(40, 1, day));
  assert.not.equal(pushes, simulatedDay(40, 2, day));
  const kinds = new Map<string, string>();
  for (const { fields } of pushes) {
    const id = fields['PLA_Call_Id'] as string;
    kinds.set(id, `${kinds.get(id) ?? ''} ${kindOf(fields)}`);
  }
  assert.equal(
    new Set(kinds.values()),
    new Set([' start end', ' end start', ' start start end', ' start end end', ' start']),
  );
});

commands.run();
