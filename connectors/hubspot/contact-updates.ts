import type { PersonRecords, Updated } from '../../src/crm/index.ts';
import type { HubSpotApi } from './api.ts';
import type { Properties } from './batches.ts';
import { unwritableProperty } from './failures.ts';
import type { Records } from './records.ts';

/** Contacts as they are changed when their callers call again. */
export function contactsToUpdate(api: HubSpotApi, records: Records): PersonRecords {
  return {
    types: ['contact'],
    describe: (_, signal) => records.fields.ready('contacts', signal),
    fit(_, values, timezone) {
      const { properties, notes, unwritable } = records.fields.fit('contacts', values, timezone);
      const where = api.circumstances('contacts/batch/update');
      const failure = unwritable && unwritableProperty(unwritable, where);
      return { values: properties, notes, failure };
    },
    async read(people, names, signal) {
      const ids = people.map(({ id }) => id);
      const rows = await api.read('contacts', ids, { properties: names }, signal);
      return new Map(rows.map(({ id, properties }) => [id, properties]));
    },
    async write(changes, signal) {
      const written = await records.update(
        'contacts',
        changes.map(({ person: { id }, values }) => ({
          id,
          objectWriteTraceId: id,
          values: values as Properties,
          timezone: 'UTC', // they are fitted already
        })),
        signal,
      );
      return changes.map(({ person: { id } }) => written.get(id) as Updated);
    },
  };
}
