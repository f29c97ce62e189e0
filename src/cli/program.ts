import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import packageFile from '../../package.json' with { type: 'json' };
import { ConfigProblems } from '../config/problems.ts';
import { OperatorProblem } from '../operator/problem.ts';
import { withSmallHeap } from '../runtime/memory.ts';
import { nameCommands } from '../text/own-command.ts';
import { plainText } from './plain-text.ts';
import { WrongUse } from './wrong-use.ts';

/*
 * The commands. Each lives in a file of its own, imported when it is asked for, so that help and mistakes are answered
 * at once.
 *
 * Exit codes: 0 done, 1 found problems, 2 wrong use.
 */

const program = new Command('delacon-bridge')
  .description('Makes every phone call that Delacon pushes appear in HubSpot or Salesforce, exactly once.')
  .option(
    '--config <file>',
    'configuration; without the file the bridge runs on its built-in settings',
    'config/bridge.yaml',
  )
  .version(packageFile.version)
  .configureHelp({ showGlobalOptions: true })
  // As all else is printed: a reader that ends early (`| head`) is no error.
  .configureOutput({ writeOut: (text) => console.log(text.replace(/\n$/, '')) })
  .addHelpText('after', '\nIn a checkout, delacon-bridge is: npm run bridge --')
  .exitOverride()
  .hook('preAction', async (_, command) => {
    const { pasted } = await import('./command-options.ts');
    const { config } = command.optsWithGlobals<{ config: string }>();
    nameCommands((text, isPublic) => pasted(text, config, isPublic));
  });

const json = () => new Option('--json', 'print JSON');
const example = (command: Command, text: string) => command.addHelpText('after', `\nExample:\n  ${text}`);

example(
  program
    .command('start')
    .description('Run the bridge until it is told to stop.')
    .action(async (_, command) => {
      withSmallHeap();
      await (await import('./start.ts')).start(command.optsWithGlobals());
    }),
  'delacon-bridge start --config config/bridge.yaml',
);

example(
  program
    .command('init')
    .description(
      'Ask what a first configuration needs, write it, and say what to paste into the Delacon portal.',
    )
    .option('--connector <type>', 'the kind of CRM that calls go to: a folder in connectors/')
    .option('--source <name>', 'a name for the Delacon account')
    .option('--region <country>', 'its country: AU, NZ, …')
    .option('--timezone <zone>', 'its time zone, such as Australia/Perth')
    .option('--public-url <url>', 'where the outside world reaches the bridge')
    .addOption(json())
    .action(async (_, command) => (await import('./init.ts')).init(command.optsWithGlobals())),
  'delacon-bridge init --connector hubspot --source acme --region NZ',
);

example(
  program
    .command('link')
    .description('Show a link that signs a browser in to the page of the bridge that runs, once.')
    .addOption(json())
    .action(async (_, command) => (await import('./link.ts')).link(command.optsWithGlobals())),
  'delacon-bridge link',
);

example(
  program
    .command('demo')
    .description(
      "Start on the built-in settings, play the vendor's samples and a simulated day, show what came of them.",
    )
    .option('--exit', 'end afterwards instead of going on running')
    .action(async (_, command) => (await import('./demo.ts')).demo(command.optsWithGlobals())),
  'delacon-bridge demo --exit',
);

example(
  program
    .command('check')
    .description(
      'Find what is wrong with the configuration; with --online, ask the CRMs too; with --alerts, try the alerts.',
    )
    .option('--online', 'ask the CRMs: credentials, scopes, fields')
    .option('--alerts', 'send a test notice to where alerts go')
    .addOption(json())
    .action(async (_, command) => (await import('./check.ts')).check(command.optsWithGlobals())),
  'delacon-bridge check --online',
);

example(
  program
    .command('setup <connector>')
    .description('Show the fields that a CRM lacks, then create them.')
    .option('--yes', 'create them without asking')
    .addOption(json())
    .action(async (connector, _, command) =>
      (await import('./setup.ts')).setup(connector, command.optsWithGlobals()),
    ),
  'delacon-bridge setup acme-hubspot',
);

example(
  program
    .command('probe <connector>')
    .description('Try on a TEST account what the documents of a CRM do not settle; write a report.')
    .option('--yes', 'write to the account without asking')
    .option('--report <file>', 'where the report goes (default: probe-<connector>-<day>.md)')
    .addOption(json())
    .action(async (connector, _, command) =>
      (await import('./probe.ts')).probe(connector, command.optsWithGlobals()),
    ),
  'delacon-bridge probe acme-hubspot-test',
);

example(
  program
    .command('send [url]')
    .description(
      "Play the vendor's two sample pushes, or a simulated day, at a push URL (default: this bridge's).",
    )
    .option('--day', 'a simulated day instead of the samples')
    .option('--calls <n>', 'how many calls the day has', wholeNumber, 40)
    .option('--seed <n>', 'another seed is another day', wholeNumber, 1)
    .option('--interval <ms>', 'wait between pushes', wholeNumber, 0)
    .addOption(json())
    .action(async (url, _, command) => (await import('./send.ts')).send(url, command.optsWithGlobals())),
  'delacon-bridge send --day --calls 100',
);

example(
  program
    .command('preview [file]')
    .description(
      "Show what pushes would write, with no CRM (default: the vendor's samples; - reads from standard input).",
    )
    .option('--call <call-id>', 'a call that is stored, as it stands, instead of pushes')
    .option('--source <name>', 'the source they come from (default: the first)')
    .option('--connector <name>', 'for this connector only')
    .option('--requests', 'the very requests that would be sent, push after push, for an empty CRM')
    .addOption(
      new Option(
        '--online',
        'the requests for the CRM as it is: what only reads is sent, nothing that writes',
      ).implies({ requests: true }),
    )
    .addOption(json())
    .action(async (file, _, command) =>
      (await import('./preview.ts')).preview(file, command.optsWithGlobals()),
    ),
  'delacon-bridge preview push.json --requests',
);

example(
  program
    .command('fields')
    .description('Tell of every field that Delacon sends what templates call it, and where it shows.')
    .option('--connector <name>', 'where this connector shows it (default: all)')
    .option('--markdown', 'as a table; config/fields.md has this one')
    .addOption(json())
    .action(async (_, command) => (await import('./fields.ts')).fields(command.optsWithGlobals())),
  'delacon-bridge fields',
);

example(
  program
    .command('test')
    .description('Run the tests of the mapping that the configuration has under "tests:". Nothing is sent.')
    .option('--connector <name>', 'only what is expected of this connector')
    .option('--file <file...>', 'files with tests, instead of those that the configuration has')
    .addOption(json())
    .action(async (_, command) => (await import('./test.ts')).test(command.optsWithGlobals())),
  'delacon-bridge test --connector acme-hubspot',
);

const filtered = (command: Command) =>
  command
    .option('--source <name>', 'only of this source')
    .option('--connector <name>', 'only with a delivery for this connector')
    .addOption(
      new Option('--state <state>', 'only with a delivery in this state').choices([
        'due',
        'delivered',
        'failed',
        'skipped',
        'unrouted',
      ]),
    )
    .option('--since <when>', 'only received since: 2h, 7d, or a date');

example(
  filtered(program.command('calls'))
    .description('List calls, newest first, and where they are.')
    .option('--limit <n>', 'how many', wholeNumber, 20)
    .addOption(json())
    .action(async (_, command) => (await import('./calls.ts')).calls(command.optsWithGlobals())),
  'delacon-bridge calls --state failed --since 24h',
);

example(
  program
    .command('explain <call-id>')
    .description(
      'Tell what arrived of a call, what matched and why, what was written where, and each attempt.',
    )
    .option('--source <name>', 'the source, if several have the id')
    .addOption(json())
    .action(async (callId, _, command) =>
      (await import('./explain.ts')).explain(callId, command.optsWithGlobals()),
    ),
  'delacon-bridge explain 1122334',
);

example(
  filtered(program.command('replay [call-ids...]'))
    .description(
      'Deliver calls again, such as after a mapping was mended. A running bridge notices by itself.',
    )
    .option('--rejected', 'instead: read again what was unreadable when it came, such as after an update')
    .option('--yes', 'without asking')
    .addOption(json())
    .action(async (callIds, _, command) =>
      (await import('./replay.ts')).replay(callIds, command.optsWithGlobals()),
    ),
  'delacon-bridge replay --state failed --connector acme-hubspot',
);

example(
  program
    .command('rejected')
    .description('List pushes that were refused or could not be read, why, and what leads to the mend.')
    .option('--source <name>', 'only of this source')
    .option('--limit <n>', 'how many', wholeNumber, 50)
    .addOption(json())
    .action(async (_, command) => (await import('./rejected.ts')).rejected(command.optsWithGlobals())),
  'delacon-bridge rejected',
);

example(
  program
    .command('skip <call-id>')
    .description('Leave a call out of a connector, though it may change, until it is replayed.')
    .requiredOption('--connector <name>', 'the connector that is not to get it')
    .requiredOption('--reason <text>', 'why; shown with the call')
    .option('--source <name>', 'the source, if several have the id')
    .addOption(json())
    .action(async (callId, _, command) =>
      (await import('./skip.ts')).skip(callId, command.optsWithGlobals()),
    ),
  'delacon-bridge skip 1122334 --connector acme-hubspot --reason "A test call."',
);

example(
  program
    .command('pause <connector>')
    .description('Let a connector rest, over restarts too: calls wait. A running bridge notices by itself.')
    .option('--reason <text>', 'why; shown with the connector')
    .addOption(json())
    .action(async (connector, _, command) =>
      (await import('./pause.ts')).pause(connector, command.optsWithGlobals()),
    ),
  'delacon-bridge pause acme-hubspot --reason "The CRM is being moved."',
);

example(
  program
    .command('resume <connector>')
    .description('End the pause of a connector: what waited is delivered.')
    .addOption(json())
    .action(async (connector, _, command) =>
      (await import('./pause.ts')).resume(connector, command.optsWithGlobals()),
    ),
  'delacon-bridge resume acme-hubspot',
);

example(
  program
    .command('schema')
    .description(
      'Print the JSON Schema of the configuration, for editors. config/bridge.schema.json is this.',
    )
    .action(async () => (await import('./schema.ts')).schema()),
  'delacon-bridge schema > config/bridge.schema.json',
);

example(
  program
    .command('backup <file>')
    .description('Copy the store to a new file, while the bridge runs.')
    .addOption(json())
    .action(async (file, _, command) =>
      (await import('./backup.ts')).backup(file, command.optsWithGlobals()),
    ),
  'delacon-bridge backup bridge-2026-11-24.db',
);

example(
  program
    .command('erase <number>')
    .description(
      'Erase everything that the store knows of a phone number, such as at the request of its owner.',
    )
    .option('--region <country>', "country of a number without a country code (default: the first source's)")
    .option('--unsearchable', 'also rejected pushes that cannot be searched, whosever they are')
    .option('--yes', 'without asking')
    .addOption(json())
    .action(async (number, _, command) =>
      (await import('./erase.ts')).erase(number, command.optsWithGlobals()),
    ),
  'delacon-bridge erase "0412 345 678"',
);

function wholeNumber(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** Runs the command of these arguments to its end, or until it has started. How it ended is `process.exitCode`. */
export async function runCommand(args: readonly string[]): Promise<void> {
  process.umask(0o077); // what is made here holds people's numbers: store, write-ahead log, backups, connectors' files
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (reason) {
    process.exitCode = codeOf(reason);
  }
}

function codeOf(reason: unknown): number {
  if (reason instanceof CommanderError) return reason.exitCode === 0 ? 0 : 2; // and has said why
  // A sentence for the operator. Where it came from helps developers only.
  console.error(plainText(reason instanceof Error ? reason.message : String(reason)));
  if (process.env['DEBUG'] && !(reason instanceof ConfigProblems)) console.error(reason);
  const isWrong =
    reason instanceof WrongUse || (reason instanceof OperatorProblem && reason.kind === 'wrong');
  return isWrong ? 2 : 1;
}
