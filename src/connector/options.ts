import * as z from 'zod';
import { compileCondition } from '../route/condition.ts';
import { compileTemplate, TemplateProblem } from '../route/template.ts';
import { parseDuration } from '../text/quantities.ts';

/** Pieces of a connector's options that read alike in every connector. */

/** A value of the mapping: a Liquid template, or a plain number or boolean. */
export const template = () =>
  z
    .union([z.string(), z.number(), z.boolean()])
    .transform((source, context) => compiling(() => compileTemplate(source), context));

/** A Liquid expression over `call`. */
export const condition = () =>
  z.string().transform((source, context) => compiling(() => compileCondition(source), context));

/** A Liquid expression over `call` whose value is wanted, such as `call.answeredBy.number`. */
export const expression = () =>
  z.string().transform((source, context) =>
    compiling(() => {
      if (source.includes('{{') || source.includes('{%'))
        throw new TemplateProblem('this is a bare expression: leave out the braces.');
      return compileTemplate(`{{ ${source} }}`);
    }, context),
  );

/** Milliseconds, written as 30s, 4h or 7d. @param besides what to say to who wrote something else: a sentence */
export const duration = (besides = '') =>
  z.union([z.string(), z.number()]).transform((written, context): number => {
    const read = parseDuration(written);
    if (typeof read === 'number') return read;
    const message = `${read.problem} ${besides}`.trim();
    context.issues.push({ code: 'custom', message, input: written });
    return z.NEVER;
  });

/** CRM property → template. */
export const mapping = () => z.record(z.string().min(1), template());

/**
 * A password, token or key. Kept out of logs; numbers are refused, since YAML would have dropped their zeros. A schema of
 * another form is a secret by JSON Schema's own word for one: `.meta({ writeOnly: true })`.
 */
export const secret = () => z.string().min(1).max(10_000).meta({ writeOnly: true });

/** A secret that goes as it is: with a blank or an end of line beside it, it is another. */
export const token = () =>
  secret().regex(/^(?!\s).*(?<!\s)$/s, {
    error: 'begins or ends with a blank or an end of line. Was it pasted with it?',
  });

/** An address that a connector calls, as it stands: https, or http on this machine. */
export const exactUrl = () =>
  z
    .url({ protocol: /^https?$/, abort: true })
    .refine((url) => url.startsWith('https:') || isLoopback(new URL(url).hostname), {
      error:
        'must begin with https:// (http:// is for this machine only): the token would travel in the open.',
    });

/** The same, to put paths behind. */
export const baseUrl = () => exactUrl().transform((url) => url.replace(/\/+$/, ''));

export const personOptions = {
  create: z.boolean().default(true).describe('false: only people already in the CRM get the call linked.'),
  whenSeveral: z
    .enum(['newest', 'oldest', 'none'])
    .default('newest')
    .describe('Who gets the call when several people have the number. The call is logged in any case.'),
  withheld: z
    .string()
    .default('none')
    .describe('Who gets calls with a withheld number: none, or the id of one catch-all record.'),
  onUpdate: z
    .enum(['fillBlank', 'overwrite', 'never'])
    .default('fillBlank')
    .describe('What the mapping may change on a person who is in the CRM already.'),
  properties: mapping()
    .default({})
    .describe('CRM property: template. Adds to the defaults, or replaces them by name.'),
};

/** What a call's own record shows. `false`: calls have none, and what else they leave stands alone. */
export const activityOption = <T extends z.ZodObject>(shown: T) =>
  z
    .union([z.literal(false), shown])
    .optional()
    .transform((activity) => ({
      ...((activity || shown.parse({})) as z.output<T>),
      isWritten: activity !== false,
    }));

/** To refine the options of a CRM with: that calls leave something in it. */
export function leavesSomething(
  { activity, followUp, sale }: { activity: { isWritten: boolean }; followUp?: unknown; sale?: unknown },
  context: z.RefinementCtx,
): void {
  if (activity.isWritten || followUp || sale) return;
  const message = 'is false, so that nothing would be written. Set followUp or sale, or take it out.';
  context.addIssue({ code: 'custom', path: ['activity'], message });
}

/** A setting that stands elsewhere by now, and is read at its old place for now, with a warning. @param to beside the old parent: `attribution` */
export const moved = <T extends z.ZodType>(schema: T, to: string) =>
  schema.optional().meta({ deprecated: true, movedTo: to, description: `Has moved: write \`${to}\`.` });

/** `live`: at start and end; `atEnd`: once, when the call is over. */
export const writeOption = z
  .enum(['live', 'atEnd'])
  .default('live')
  .describe('live: at start and end; atEnd: once, when the call is over.');

/** A share between 0 and 1, written as 10%. */
export const reserveOption = z
  .string()
  .regex(/^\d{1,2}%$/, { error: 'must be a share such as 10%.' })
  .prefault('10%')
  .transform((written) => Number.parseInt(written, 10) / 100)
  .describe(
    "Share of the CRM's daily requests to leave for others. Below it calls are written once, when they are over.",
  );

export const attributionOption = z
  .boolean()
  .default(false)
  .describe(
    "Keeps how the person's first call came about, and their latest, in properties that setup creates.",
  );

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function compiling<T>(compile: () => T, context: z.core.$RefinementCtx<unknown>): T {
  try {
    return compile();
  } catch (problem) {
    if (!(problem instanceof TemplateProblem)) throw problem;
    context.issues.push({ code: 'custom', message: problem.message, input: context.value });
    return z.NEVER;
  }
}
