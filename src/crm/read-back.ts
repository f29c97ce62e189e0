import { asFailure, type Failure } from './failure.ts';

/** A record, by its id or by a key. */
interface Sought {
  object: string;
  field: string;
  value: string;
}

/** A record that was refused for a reason that nobody can read. */
export interface Doubtful {
  /** If it was to be changed. */
  self?: Sought | undefined;
  /** The keys that it was to have. */
  keys: readonly Sought[];
  /** What it was to be linked to. */
  links: readonly Sought[];
}

/** Records of one object, asked for by one field. */
export type Look = Omit<Sought, 'value'> & { values: readonly string[] };

/** By what they were asked for, the ids of those that are there, or why that could not be seen. */
export type Seen<F> = ReadonlyMap<string, string> | F;

/** That it is gone itself, that another has its key, or that what it was to be linked to is gone. */
type Meaning = 'gone' | 'taken' | 'orphan';

/**
 * What refusals mean that no code explains, as what is there tells. Undefined: nothing that could be seen. A look that
 * fails leaves that open, so its failure is the record's: both are tried again. One that is refused says nothing.
 */
export async function readBack<F extends Failure>(
  doubtful: readonly Doubtful[],
  look: (looks: readonly Look[]) => Promise<readonly Seen<F>[]>,
): Promise<(Meaning | F | undefined)[]> {
  const looks = [...Map.groupBy(doubtful.flatMap(allOf), placeOf).values()].map((those): Look => {
    const [{ object, field }] = those as [Sought, ...Sought[]];
    return { object, field, values: [...new Set(those.map(({ value }) => value))] };
  });
  if (looks.length === 0) return doubtful.map(() => undefined);
  const seen = await look(looks).catch((thrown) => looks.map(() => asFailure<F>(thrown)));
  const seenAt = new Map(looks.map((one, place) => [placeOf(one), seen[place] as Seen<F>]));
  const idOf = (sought: Sought): string | undefined | F => {
    const there = seenAt.get(placeOf(sought)) as Seen<F>;
    return 'kind' in there ? there : there.get(sought.value);
  };
  return doubtful.map((one) => {
    const { self, keys, links } = one;
    const failed = allOf(one)
      .map(idOf)
      .find((told) => typeof told === 'object' && told.kind !== 'rejected');
    if (failed) return failed as F;
    if (self && idOf(self) === undefined) return 'gone';
    const holders = keys.map(idOf).filter((id) => typeof id === 'string');
    if (holders.some((id) => id !== self?.value)) return 'taken';
    return links.some((link) => idOf(link) === undefined) ? 'orphan' : undefined;
  });
}

const allOf = ({ self, keys, links }: Doubtful) => [...(self ? [self] : []), ...keys, ...links];
const placeOf = ({ object, field }: Omit<Sought, 'value'>) => `${object}.${field}`;
