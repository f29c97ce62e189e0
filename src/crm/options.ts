import * as z from 'zod';
import { type FollowUpOptions, followUpOption } from '../connector/follow-up.ts';
import {
  activityOption,
  attributionOption,
  mapping,
  personOptions,
  template,
  writeOption,
} from '../connector/options.ts';
import { type OwnerOptions, ownerOption } from '../connector/owner.ts';
import { type SaleOptions, saleOption } from '../connector/sale.ts';
import type { Mapping } from '../route/map-fields.ts';
import type { Template } from '../route/template.ts';
import type { PeopleOptions } from './people.ts';
import type { PersonUpdateOptions } from './person-updates.ts';
import { defaultTitle } from './summary.ts';

/** The settings that every CRM has. */
export interface CrmOptions {
  write: 'live' | 'atEnd';
  person: PeopleOptions & Omit<PersonUpdateOptions, 'touches'>;
  activity: { isWritten: boolean; title?: Template | undefined; properties: Mapping };
  /** Undefined where a CRM has no fields for touches. */
  attribution?: boolean | undefined;
  owner?: OwnerOptions | undefined;
  followUp?: FollowUpOptions | undefined;
  sale?: SaleOptions | undefined;
}

/** The same, to spread into the schema of a CRM that has nothing to add to them. Refine it with `leavesSomething`. */
export const crmSettings = {
  write: writeOption,
  person: z
    .strictObject(personOptions)
    .prefault({})
    .describe('The record of the caller: whether one is made, and what is written to it.'),
  activity: activityOption(
    z.strictObject({
      title: template().prefault(defaultTitle).describe('Its title.'),
      properties: mapping()
        .default({})
        .describe('Property: template. Adds to the defaults, or replaces them by name.'),
    }),
  ).describe('The record of a call. false: none is made, and tasks and deals stand alone.'),
  attribution: attributionOption,
  owner: ownerOption.optional(),
  followUp: followUpOption.optional(),
  sale: saleOption.optional(),
};
