import * as z from 'zod';
import type { RecordRole } from '../call/records.ts';
import { callNames } from '../route/names.ts';
import { didYouMean } from '../text/did-you-mean.ts';

/*
 * Tests of a mapping, in YAML: pushes in, and what must come of them. `delacon-bridge test` runs them.
 */

const value = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.strictObject({ contains: z.string().describe('A part of the text.') }),
]);

export type ExpectedValue = z.output<typeof value>;

const callName = z.string().superRefine((name, context) => {
  if (callNames.has(`call.${name}`) || name.startsWith('fields.')) return;
  const names = [...callNames].map((known) => known.replace('call.', ''));
  const meant = name.startsWith('call.') ? ` Leave "call." out.` : didYouMean(name, names);
  context.addIssue({ code: 'custom', message: `no call has the name "${name}".${meant}` });
});

const record = z.union([z.literal('none'), z.record(z.string().min(1), value)], {
  error: 'must be none, or a group of properties ("name: value", one a line).',
});

const recordsOfConnector = z.strictObject({
  person: record.optional().describe('The lead or contact of the caller.'),
  activity: record.optional().describe('The record of the call.'),
  followUp: record.optional().describe('The task to call back.'),
  sale: record.optional().describe('The deal or opportunity.'),
} satisfies Record<RecordRole, z.ZodType>);

/** Text only: of a number that is not in quotes, YAML has dropped the zero. */
const fields = z.record(z.string().min(1), z.string());

export const mappingTest = z
  .strictObject({
    name: z.string().min(1).describe('What is tested, in words.'),
    source: z
      .string()
      .optional()
      .describe('Source that the pushes come from. Not set: the first of this file, or else of all.'),
    at: z
      .string()
      .transform((text, context) => {
        const at = new Date(text);
        if (!Number.isNaN(at.getTime())) return at;
        context.addIssue({ code: 'custom', message: 'must be a time, such as 2026-11-02T14:15:00+11:00.' });
        return z.NEVER;
      })
      .optional()
      .describe('When the pushes come. Not set: now.'),
    lapsed: z.boolean().default(false).describe('true: the end did not come in time.'),
    pushes: z
      .array(z.union([fields, z.string().min(1)]))
      .min(1)
      .describe(
        'Pushes of one call, in their order: fields and values, or a file with bodies, relative to this one. PLA_Call_Id may be left out.',
      ),
    call: z
      .record(callName, value)
      .optional()
      .describe('What templates must see of the call: its names, without "call.".'),
    to: z.array(z.string()).optional().describe('The connectors that it must go to, and no others.'),
    records: z
      .record(z.string(), recordsOfConnector)
      .optional()
      .describe(
        'By connector, then by role (person, activity, followUp, sale): properties that the record must have, none where there must be no record. Properties not named may be anything; null: must not be there; contains: a part of the text.',
      ),
  })
  .superRefine(({ call, to, records }, context) => {
    if (call === undefined && to === undefined && records === undefined)
      context.addIssue({ code: 'custom', message: 'expects nothing. Give it call, to or records.' });
  });

type Parsed = z.output<typeof mappingTest>;

export interface MappingTest extends Omit<Parsed, 'pushes' | 'source'> {
  source: string;
  callId: string;
  /** Of each push. */
  pushes: Record<string, string>[];
}

export type ParsedTest = Parsed;
