import type { Assumption, Connection } from '../../src/connector/index.ts';
import type { TestTools } from '../support/connector-tools.ts';
import { type Probed, runProbe } from '../support/run-probe.ts';
import { assert, suite } from '../support/suite.ts';
import type { VirtualTime } from '../support/virtual-clock.ts';

/*
 * What every probe owes whoever runs it: it sees in what their account differs, keeps that for the connector, and
 * leaves nothing behind, whatever happens to it.
 */

/** A test account, as its emulator shows it. */
export interface ProbedAccount<Fault> {
  tools: TestTools;
  time: VirtualTime;
  /** A connection called `acme-test`, with these tools. */
  open(): Promise<Connection>;
  /** All that is there. */
  held(): unknown[];
  requestNames(): string[];
  /** Strikes once, after so many other requests. */
  strike(fault: Fault, skip: number): void;
  /** Takes back what has not struck yet. */
  calm(): void;
  mayDelete(may: boolean): void;
}

/** An account in which one of our beliefs does not hold. */
export interface OtherAccount<Options> {
  /** `keys that are not kept unique`. */
  what: string;
  options: Options;
  /** How the assumption begins. */
  assumption: string;
  /** In the CRM's words. */
  seen: RegExp;
  /** What is kept of it for the connector. */
  found: Record<string, unknown>;
  /** What was known before. */
  before?: Record<string, unknown>;
}

export interface EmulatedAccount<Options, Fault> {
  with(use: (account: ProbedAccount<Fault>) => Promise<void>, options?: Options): Promise<void>;
  /** An account without what setup makes. */
  bare: Options;
  /** An account that answers soon, for runs that are many. */
  quick: Options;
  /** Those that are never tried. */
  untried: string[];
  /** What is kept of an account that is as the documents say. */
  measured: Record<string, unknown>;
  others: OtherAccount<Options>[];
  /** After this result there is something to delete. */
  wroteAfter: string;
  faults: [Fault, Fault, ...Fault[]];
}

export function foundIn({ kept }: TestTools): Record<string, unknown> {
  return JSON.parse(kept.get('found') ?? '{}') as Record<string, unknown>;
}

export async function probeOf<Fault>(
  { open, time }: ProbedAccount<Fault>,
  signal?: AbortSignal,
  seen?: (result: Assumption) => void,
): Promise<Probed> {
  return runProbe(await open(), time, signal, seen);
}

export function probeContract<Options, Fault>(name: string, emulated: EmulatedAccount<Options, Fault>): void {
  const contract = suite(`probe contract: ${name}`);

  contract('where all is as the documents say, all holds, and nothing is left or done otherwise', () =>
    emulated.with(async (account) => {
      const tried = await probeOf(account);
      assert.is(tried.problem, undefined);
      assert.equal(tried.failing(), []);
      const untried = tried.results.filter(({ holds }) => holds === null);
      assert.equal(
        untried.map(({ assumption }) => assumption),
        emulated.untried,
      );
      assert.equal(account.held(), []);
      assert.is(account.tools.kept.get('probe'), undefined);
      assert.equal(foundIn(account.tools), emulated.measured);
      assert.not.match(JSON.stringify(tried.results), /491.?570.?\d\d\d|5550 ?1234/);
    }),
  );

  for (const { what, options, assumption, seen, found, before } of emulated.others) {
    contract(`it sees ${what}, in the CRM's words, keeps it for the connector, and deletes all`, () =>
      emulated.with(async (account) => {
        const { tools } = account;
        if (before) tools.kept.set('found', JSON.stringify(before));
        const tried = await probeOf(account);
        assert.is(tried.problem, undefined);
        const about = tried.about(assumption);
        assert.is(about.holds, false, JSON.stringify(about));
        assert.match(about.seen, seen);
        assert.ok(about.otherwise);
        const told = Object.entries(foundIn(tools)).filter(
          ([one]) => one in found || !(one in emulated.measured),
        );
        assert.equal(Object.fromEntries(told), found);
        assert.equal(account.held(), []);
      }, options),
    );
  }

  contract('without what setup makes, nothing is tried', () =>
    emulated.with(async (account) => {
      const { problem, results } = await probeOf(account);
      assert.is(problem, 'Nothing was tried. Run `delacon-bridge setup acme-test` first.');
      assert.equal(results, []);
      assert.equal(account.held(), []);
    }, emulated.bare),
  );

  contract('interrupted anywhere, it deletes what it wrote and says that it was', () =>
    emulated.with(async (account) => {
      for (let after = 1; after <= 17; after += 2) {
        const controller = new AbortController();
        let count = 0;
        const tried = await probeOf(account, controller.signal, () => {
          if (++count === after) controller.abort();
        });
        assert.match(tried.problem ?? '', 'It was interrupted.');
        assert.equal(account.held(), [], `after ${after}`);
      }
    }, emulated.quick),
  );

  contract('whatever fails at whichever request, nothing is left', () =>
    emulated.with(async (account) => {
      const { faults } = emulated;
      await probeOf(account);
      const count = account.requestNames().length;
      for (let skip = 4; skip < count; skip += 5) {
        account.strike(faults[skip % faults.length] ?? faults[0], skip);
        const tried = await probeOf(account);
        account.calm();
        assert.equal(account.held(), [], `request ${skip}: ${tried.problem}`);
      }
    }, emulated.quick),
  );

  contract('what could not be deleted is named, and the next probe deletes it', () =>
    emulated.with(async (account) => {
      const controller = new AbortController();
      const { problem = '' } = await probeOf(account, controller.signal, ({ assumption }) => {
        if (!assumption.startsWith(emulated.wroteAfter)) return;
        account.mayDelete(false);
        controller.abort();
      });
      const [left] = account.held() as { id: string }[];
      assert.match(problem, /In the account are left: \w+ \w+/);
      assert.match(problem, left?.id ?? 'nothing is left');
      account.mayDelete(true);
      assert.is((await probeOf(account)).problem, undefined);
      assert.equal(account.held(), []);
    }, emulated.quick),
  );

  contract.run();
}
