import * as z from 'zod';
import {
  activityOption,
  condition,
  followUpOption,
  leavesSomething,
  mapping,
  ownerOption,
  personOptions,
  saleOption,
  template,
  writeOption,
} from '../../src/connector/index.ts';
import { defaultTitle } from '../../src/crm/index.ts';

export const options = z
  .strictObject({
    write: writeOption,
    person: z
      .strictObject({
        create: personOptions.create,
        properties: personOptions.properties,
      })
      .prefault({})
      .describe('The contact of a caller.'),
    activity: activityOption(
      z.strictObject({
        title: template().prefault(defaultTitle).describe('Its title.'),
        properties: mapping()
          .default({})
          .describe('Property: template. Adds to the defaults, or replaces them by name.'),
      }),
    ).describe('The record of a call. false: none is made, and tasks and deals stand alone.'),
    owner: ownerOption.optional(),
    followUp: followUpOption.optional(),
    sale: saleOption.optional(),
    refuseOnce: condition()
      .optional()
      .describe('Calls that it refuses the first time, to see what a failure looks like, and to replay it.'),
  })
  .superRefine(leavesSomething);

export type SandboxOptions = z.output<typeof options>;
