import type { Asked, Given } from '../support/emulator-server.ts';
import { pick } from '../support/random.ts';
import type { Outage } from '../torture/crms.ts';
import type { SimulatedCrm } from './crms.ts';
import type { Fault } from './disk.ts';
import type { Fate } from './network.ts';
import type { SimulatedProcess } from './process.ts';
import type { Life } from './timeline.ts';

/** What of a world can go wrong. */
export interface Trouble {
  readonly minutes: number;
  /** 0: it is over within minutes. */
  readonly days: number;
  /** Milliseconds. */
  readonly passed: number;
  readonly crms: readonly SimulatedCrm[];
  readonly processes: readonly SimulatedProcess[];
  readonly numbers: readonly string[];
  readonly weather: { fates: ((life: Life | null, host: string, asked: Asked) => Fate | undefined)[] };
  readonly meddled: Set<string>;
  /** What the disk answers to writes and syncs of so many of the next steps. */
  diskSays: { fault: Fault; steps: number } | undefined;
  /** At which of the next steps that are asked of the disk a process is killed, or the power goes. */
  endAt: { steps: number; end: 'kill' | 'power cut' } | undefined;
  wallIsOffMs: number;
  variant: number;
  tell(line: string): void;
  /** In how long a call that rings is over. Undefined: it does not ring, or nobody will tell of its end. */
  endsInMs(callId: string): number | undefined;
  /** More calls ring than whoever is asked one at a time can be told of in time. */
  rush(): void;
  /** Somebody asks a bridge to forget a number. */
  erase(number: string): void;
  /** The store is copied to a file, and that is put in its place when so much time has passed. */
  backUpAndRestore(afterMs: number): void;
  at(ms: number, run: () => void): void;
  whenCalm(run: () => void): void;
  kill(process: SimulatedProcess, downMs: number): void;
  cutPower(downMs: number): void;
  ask(what: string, work: (process: SimulatedProcess) => Promise<unknown>): void;
}

type Plan = (world: Trouble, random: () => number) => void;

const minuteMs = 60_000;

/** So many times, at any moment of the bad part of a run; in one of days, so many in every third of them. */
function times(world: Trouble, random: () => number, most: number, run: () => void): void {
  const all = most * Math.max(1, Math.round(world.days / 3));
  for (let left = Math.floor(random() * (all + 1)); left > 0; left--)
    world.at(random() * world.minutes * minuteMs, run);
}

/** One fate for some of the requests. */
function some(world: Trouble, random: () => number, share: number, fate: () => Fate): void {
  world.weather.fates.push(() => (random() < share ? fate() : undefined));
}

const page = (status: number) => ({
  status,
  headers: { 'content-type': 'text/html' },
  body: `<html><title>${status}</title></html>`,
});

/** It arrives, and its sender sees something else. */
const answerLost = (instead: Given): Fate => ({
  told: 'its answer is lost',
  thereMs: 40,
  backMs: 20,
  arrives: true,
  instead,
});

/** It arrives when its sender has given it up. */
const lateBy = (thereMs: number, random: () => number): Fate => ({
  told: `late by ${Math.round(thereMs / 1000)} s`,
  thereMs,
  backMs: 20,
  arrives: true,
  ...pick(random, [{ instead: 'silence' as const }, { instead: page(504), seenMs: 15_000 }]),
});

/** Every kind of bad day, by the name under which it can be left out. Each has a stream of chance of its own. */
export const badDays = {
  kills: (world, random) =>
    times(world, random, 2, () => {
      const process = pick(random, world.processes);
      if (process?.runs) world.kill(process, random() * 20_000);
    }),
  'power cuts': (world, random) => times(world, random, 1, () => world.cutPower(random() * 20_000)),
  'ends amid a commit': (world, random) =>
    times(world, random, 2, () => {
      const end = pick(random, ['kill', 'power cut'] as const);
      world.endAt = { steps: 1 + Math.floor(random() * 40), end };
    }),
  rushes: (world, random) => {
    if (random() < 0.2) times(world, random, 1, () => world.rush());
  },
  hangs: (world, random) =>
    times(world, random, 2, () => {
      const process = pick(random, world.processes);
      if (!process?.runs) return;
      const ms = random() * 70_000;
      world.tell(`${process.name} hangs for ${Math.round(ms / 1000)} s`);
      process.hangsUntil = Math.max(process.hangsUntil, world.passed + ms);
    }),
  disk: (world, random) =>
    times(world, random, 3, () => {
      const fault = pick(random, ['EIO', 'ENOSPC'] as const);
      world.diskSays = { fault, steps: 1 + Math.floor(random() ** 3 * 60) };
    }),
  /** That a call rings is written twice, as the first answer was lost; and once more when its end is written already. */
  'late rings': (world, random) => {
    for (const crm of world.crms) {
      const { served, callsIn } = crm;
      if (!served || !callsIn) continue;
      let wanted = 0;
      const madeUnheard = new Set<string>();
      times(world, random, 2, () => wanted++);
      world.weather.fates.push((_life, host, asked) => {
        if (host !== served.host || wanted + madeUnheard.size === 0) return undefined;
        const { made, changed } = callsIn(asked);
        for (const id of changed) {
          const endsInMs = madeUnheard.delete(id) ? world.endsInMs(id) : undefined;
          if (endsInMs === undefined || endsInMs > 80_000) continue;
          const thereMs = endsInMs + 5_000 + random() * 30_000;
          return lateBy(thereMs, random);
        }
        const rings = wanted > 0 ? made.find((id) => world.endsInMs(id) !== undefined) : undefined;
        if (rings === undefined) return undefined;
        wanted--;
        madeUnheard.add(rings);
        return answerLost('cut');
      });
    }
  },
  'slow answers': (world, random) =>
    some(world, random, 0.06, () => {
      const thereMs = 100 + random() * 20_000;
      return { told: `slow: ${Math.round(thereMs)} ms`, thereMs, backMs: 20, arrives: true };
    }),
  'lost requests': (world, random) =>
    some(world, random, 0.05, () => ({
      told: 'lost on its way',
      thereMs: 40,
      backMs: 20,
      arrives: false,
      instead: pick(random, ['cut', 'silence', page(502), page(503)] as const),
    })),
  'lost answers': (world, random) =>
    some(world, random, 0.06, () =>
      answerLost(pick(random, ['cut', 'silence', page(504), page(502)] as const)),
    ),
  'late arrivals': (world, random) =>
    some(world, random, 0.02, () => lateBy(20_000 + random() * 90_000, random)),
  outages: (world, random) => {
    for (const crm of world.crms) {
      times(world, random, 1, () => {
        const how = pick(random, ['cut', 'unavailable', 'silent'] as Outage[]);
        world.tell(`${crm.name} is out: ${how}`);
        crm.outage(how);
        world.at(world.passed + 5_000 + random() * 60_000, () => crm.outage(null));
      });
    }
  },
  'failing CRMs': (world, random) => {
    for (const crm of world.crms) times(world, random, 8, () => world.tell(`will fail: ${crm.fail(random)}`));
  },
  people: (world, random) => {
    for (const crm of world.crms) {
      if (random() < 0.5) crm.typeIn(pick(random, world.numbers));
      // Not more of them in many days: of whom they did something to, little can be said.
      for (let left = Math.floor(random() * 3); left > 0; left--)
        world.at(random() * world.minutes * minuteMs, () => {
          const number = pick(random, world.numbers);
          const done = crm.meddle(random, [number]);
          if (done === undefined) return;
          world.meddled.add(number);
          world.tell(`somebody ${done} in ${crm.name}`);
        });
    }
  },
  clock: (world, random) => {
    times(world, random, 2, () => {
      const byMs = pick(random, [-60_000, 60_000, -600_000, 600_000]) * random();
      world.wallIsOffMs += byMs;
      world.tell(`the clock is moved by ${Math.round(byMs / 1000)} s`);
    });
    world.whenCalm(() => {
      world.wallIsOffMs = 0;
    });
  },
  reload: (world, random) => {
    times(world, random, 2, () => {
      world.variant++;
      for (const process of world.processes) if (process.runs) world.ask('reloads', (one) => one.reload());
    });
  },
  pauses: (world, random) => {
    for (const { name } of world.crms) {
      times(world, random, 1, () => {
        world.ask(`pauses ${name}`, ({ bridge }) => bridge.operator.pause(name));
        world.at(world.passed + random() * minuteMs, () =>
          world.ask(`resumes ${name}`, ({ bridge }) => bridge.operator.resume(name)),
        );
      });
    }
  },
  /** For longer than calls are kept. */
  'long pauses': (world, random) => {
    if (world.days === 0) return;
    for (const { name } of world.crms) {
      times(world, random, 1, () => {
        world.ask(`pauses ${name} for days`, ({ bridge }) => bridge.operator.pause(name));
        world.at(world.passed + (1 + random() * 3) * 86_400_000, () =>
          world.ask(`resumes ${name}`, ({ bridge }) => bridge.operator.resume(name)),
        );
      });
    }
  },
  replays: (world, random) =>
    times(world, random, 2, () => {
      const call = String(1 + Math.floor(random() * 8));
      world.ask(`replays call ${call}`, ({ bridge }) => bridge.operator.replay('acme', call));
    }),
  skips: (world, random) =>
    times(world, random, 1, () => {
      const call = String(1 + Math.floor(random() * 8));
      const { name: connector } = pick(random, world.crms);
      world.ask(`skips call ${call} in ${connector}`, ({ bridge }) =>
        bridge.operator.skip('acme', call, { connector, reason: 'A bad day.' }),
      );
    }),
  backups: (world, random) =>
    times(world, random, 1, () => world.backUpAndRestore(random() * (world.days > 0 ? 86_400_000 : 90_000))),
  /** What was erased comes back with the backup, and is none the less there once. */
  'erasures undone': (world, random) => {
    if (random() < 0.3)
      times(world, random, 1, () => {
        const afterMs = 10_000 + random() * 60_000;
        world.backUpAndRestore(afterMs);
        world.at(world.passed + random() * afterMs, () => world.erase(pick(random, world.numbers)));
      });
  },
  erasures: (world, random) => times(world, random, 1, () => world.erase(pick(random, world.numbers))),
} satisfies Record<string, Plan>;

export type BadDay = keyof typeof badDays;
