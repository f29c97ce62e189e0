import type { Values } from '../../src/connector/index.ts';
import { optionFor } from '../../src/crm/index.ts';
import type { ObjectDescription } from './answers.ts';
import { optionsOf } from './fields.ts';

/** What an org says of Opportunities: whether it has the stage and the record type that the configuration names. */

/** What is written of a sale where the user may write it, and left out where not. */
export const optional: readonly string[] = ['Description', 'AccountId', 'ContactId', 'RecordTypeId'];

/** Makes a draft of a sale one that this org takes; answers why it cannot, in words that tell what to do. */
export function fitSale(draft: { values: Values }, opportunity: ObjectDescription): string | undefined {
  const { StageName, RecordTypeId, ...values } = draft.values;
  const stage = stageFor(opportunity, StageName === undefined ? '' : String(StageName));
  if (stage.problem !== undefined) return stage.problem;
  const writable = new Set(opportunity.fields.flatMap(({ name, createable }) => (createable ? [name] : [])));
  draft.values = Object.fromEntries(
    Object.entries(values).filter(([name]) => !optional.includes(name) || writable.has(name)),
  );
  draft.values['StageName'] = stage.value;
  if (RecordTypeId === undefined) return undefined;
  const recordType = recordTypeFor(opportunity, String(RecordTypeId));
  if (recordType.problem !== undefined) return recordType.problem;
  draft.values['RecordTypeId'] = recordType.value;
  return undefined;
}

type Named = { value: string; problem?: undefined } | { problem: string; value?: undefined };

/** A standard picklist takes any text, so a stage that is misspelt would be written, and be in no report. */
export function stageFor({ fields }: ObjectDescription, stage: string): Named {
  const field = fields.find(({ name }) => name === 'StageName');
  if (!field) return { problem: "The bridge's user may not see Opportunity.StageName. Grant it." };
  const options = optionsOf(field);
  const value = optionFor(stage, options);
  if (value !== undefined) return { value };
  const known = options.map(({ value }) => value);
  return { problem: `The org has no stage "${stage}" for \`sale.stage\`; it has ${known.join(', ')}.` };
}

/** What other CRMs call a pipeline is a record type here, with a sales process of its own. */
export function recordTypeFor({ recordTypeInfos }: ObjectDescription, pipeline: string): Named {
  const wanted = pipeline.trim().toLowerCase();
  const usable = recordTypeInfos.filter(({ available }) => available);
  const found = usable.find(({ recordTypeId, name, developerName }) =>
    [recordTypeId, recordTypeId.slice(0, 15), name, developerName].some(
      (one) => one.toLowerCase() === wanted,
    ),
  );
  if (found) return { value: found.recordTypeId };
  const known = usable.map(({ name }) => name).join(', ');
  return {
    problem: `The bridge's user has no Opportunity record type "${pipeline}" for \`sale.pipeline\`; it has ${known}.`,
  };
}
