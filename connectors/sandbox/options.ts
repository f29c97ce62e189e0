import { condition, leavesSomething, z } from '../../src/connector/index.ts';
import { crmSettings } from '../../src/crm/index.ts';

export const options = z
  .strictObject({
    ...crmSettings,
    keys: z
      .enum(['unique', 'none'])
      .default('unique')
      .describe('none: the file takes two records of one call, as some CRMs do; the bridge still makes one.'),
    refuseOnce: condition()
      .optional()
      .describe('Calls that it refuses the first time, to see what a failure looks like, and to replay it.'),
  })
  .superRefine(leavesSomething);

export type SandboxOptions = z.output<typeof options>;
