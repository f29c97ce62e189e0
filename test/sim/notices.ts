import type { Asked, Given } from '../support/emulator-server.ts';

/** As `bodyOf` in src/alert/webhook.ts posts it with `form: json`. */
interface Received {
  id: string;
  kind: 'raised' | 'reminder' | 'recovered' | 'digest' | 'test';
  condition: string | null;
  of: string | null;
  title: string;
  text: string;
}

/** Whoever is told what people should know, in a simulated world. */
export class SimulatedNotices {
  static readonly host = 'notices.example';
  readonly #byId = new Map<string, Received>();
  readonly #inOrder: Received[] = [];

  readonly handle = async ({ body }: Asked): Promise<Given> => {
    const notice = JSON.parse(body) as Received;
    if (!this.#byId.has(notice.id)) this.#inOrder.push(notice);
    this.#byId.set(notice.id, notice);
    return { status: 200, headers: {} };
  };

  /** The number of calls that each digest tells, by what it says of its period. */
  digests(): Map<string, number[]> {
    const digests = new Map<string, number[]>();
    for (const { kind, text } of this.#inOrder) {
      const [, period, calls] = /^Calls received (from .*?): (\d+)\./.exec(text) ?? [];
      if (kind !== 'digest' || period === undefined) continue;
      digests.set(period, [...(digests.get(period) ?? []), Number(calls)]);
    }
    return digests;
  }

  /** What was told to be wrong, and not to be over. */
  open(): string[] {
    const latest = new Map<string, Received>();
    for (const notice of this.#inOrder)
      if (notice.condition !== null) latest.set(`${notice.condition} ${notice.of}`, notice);
    return [...latest.values()].filter(({ kind }) => kind !== 'recovered').map(({ title }) => title);
  }
}
