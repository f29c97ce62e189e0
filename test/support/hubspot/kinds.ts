import type { Pipelines } from './account.ts';
import {
  callProperties,
  companyProperties,
  contactProperties,
  dealProperties,
  type Properties,
  taskProperties,
} from './properties.ts';
import type { ObjectKind } from './records.ts';
import { invalid, invalidValue, type Refusal } from './refusals.ts';

export type KindName = 'contacts' | 'calls' | 'tasks' | 'deals' | 'companies';

/** The kinds of objects, with what a new one must have. */
export function objectKinds(pipelines: Pipelines): ObjectKind[] {
  return [
    kind('contacts', '0-1', contactProperties(), 501, (values) => {
      if (values['email'] || values['firstname'] || values['lastname']) return;
      throw missingProperties('CONTACT', ['email', 'firstname', 'lastname']);
    }),
    kind('calls', '0-48', callProperties(), 39_001, needs('CALL', 'hs_timestamp')),
    kind('tasks', '0-27', taskProperties(), 71_001, needs('TASK', 'hs_timestamp')),
    kind('deals', '0-3', dealProperties(), 81_001, (values) => {
      needs('DEAL', 'dealname', 'dealstage', 'pipeline')(values);
      const pipeline = pipelines.all().find(({ id }) => id === values['pipeline']);
      if (!pipeline) {
        throw invalidValue(
          'pipeline',
          'INVALID_OPTION',
          `${values['pipeline']} was not one of the allowed options`,
        );
      }
      if (!pipeline.stages.some(({ id }) => id === values['dealstage'])) {
        throw invalidValue(
          'dealstage',
          'INVALID_OPTION',
          `${values['dealstage']} was not one of the allowed options of pipeline ${pipeline.id}`,
        );
      }
    }),
    kind('companies', '0-2', companyProperties(), 91_001, () => {}),
  ];
}

function kind(
  name: KindName,
  objectTypeId: string,
  properties: Properties,
  firstId: number,
  checkNew: ObjectKind['checkNew'],
) {
  return { name, objectTypeId, properties, firstId, checkNew };
}

function needs(what: string, ...names: string[]): ObjectKind['checkNew'] {
  return (values) => {
    if (names.some((name) => !values[name])) throw missingProperties(what, names);
  };
}

function missingProperties(what: string, names: string[]): Refusal {
  return invalid(`Error creating ${what}. Some required properties were not set.`, {
    context: { properties: names },
  });
}
