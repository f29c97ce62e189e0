import * as z from 'zod';
import { type Delivery, template } from '../../src/connector/index.ts';

/*
 * A body in the receiver's own words, in place of our event: JSON as the configuration draws it, each text a template. One
 * that is a single `{{ … }}` keeps its type, and is null where nothing is known.
 */

type Compiled = z.output<ReturnType<typeof template>>;
export type Body = { [name: string]: Part };
type Part = Compiled | Part[] | Body;

const mostValues = 200;
const mostLevels = 8;

export const bodyOption = z
  .record(z.string(), z.unknown(), {
    error: 'must be a group, such as { text: "{{ call.title }}" }, without quotes around the whole.',
  })
  .refine((body) => Object.keys(body).length > 0, { error: 'must not be empty.' })
  .transform((body, context): Body => new Compiler(context).group(body, []));

class Compiler {
  readonly #context: z.RefinementCtx<unknown>;
  #values = 0;

  constructor(context: z.RefinementCtx<unknown>) {
    this.#context = context;
  }

  group(written: object, path: readonly PropertyKey[]): Body {
    return Object.fromEntries(
      Object.entries(written).map(([name, inner]) => [name, this.#part(inner, [...path, name])]),
    );
  }

  #part(written: unknown, path: readonly PropertyKey[]): Part {
    if (typeof written !== 'object' || written === null) {
      if (++this.#values === mostValues + 1) this.#tell(path, `is one of more than ${mostValues} values.`);
      const read = template().safeParse(written);
      for (const { message } of read.error?.issues ?? []) this.#tell(path, message);
      return read.data as Compiled;
    }
    if (path.length >= mostLevels) this.#tell(path, `is more than ${mostLevels} levels deep.`);
    else if (Array.isArray(written)) return written.map((inner, at) => this.#part(inner, [...path, at]));
    else return this.group(written, path);
    return [];
  }

  #tell(path: readonly PropertyKey[], message: string): void {
    this.#context.addIssue({ code: 'custom', path: [...path], message });
  }
}

/** The body for the call as it is. */
export function rendered(part: Part, delivery: Delivery): unknown {
  if (Array.isArray(part)) return part.map((inner) => rendered(inner, delivery));
  if (isTemplate(part)) return part.render({ call: delivery.call, timezone: delivery.source.timezone });
  return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, rendered(inner, delivery)]));
}

function isTemplate(part: Compiled | Body): part is Compiled {
  return typeof part['render'] === 'function';
}
