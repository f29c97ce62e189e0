import * as z from 'zod';
import { compileCondition, compileTemplate, TemplateProblem } from '../route/template.ts';

/** Pieces of a connector's options that read alike in every connector. */

/** A value of the mapping: a Liquid template, or a plain number or boolean. */
export const template = () =>
  z
    .union([z.string(), z.number(), z.boolean()])
    .transform((source, context) => compiling(() => compileTemplate(source), context));

/** A Liquid expression over `call`. */
export const condition = () =>
  z.string().transform((source, context) => compiling(() => compileCondition(source), context));

/** CRM property → template. */
export const mapping = () => z.record(z.string().min(1), template());

/** A password, token or key. Kept out of logs; numbers are refused, since YAML would have dropped their zeros. */
export const secret = () => z.string().min(1).max(10_000);

/** An address that a connector calls: https, or http on this machine. */
export const baseUrl = () =>
  z
    .url({ protocol: /^https?$/, abort: true })
    .refine((url) => url.startsWith('https:') || isLoopback(new URL(url).hostname), {
      error:
        'must begin with https:// (http:// is for this machine only): the token would travel in the open.',
    })
    .transform((url) => url.replace(/\/+$/, ''));

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

/** `live`: at start and end; `atEnd`: once, when the call is over. */
export const writeOption = z
  .enum(['live', 'atEnd'])
  .default('live')
  .describe('live: at start and end; atEnd: once, when the call is over.');

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
