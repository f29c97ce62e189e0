import { existsSync } from 'node:fs';
import type { RecordDraft, RecordRef, Rehearsal } from '../../src/connector/index.ts';
import { LocalCrm } from './local-crm.ts';

/** The sandbox in memory: empty, or with what the file holds. It tells what would be written to the file. */
export class RehearsingCrm extends LocalCrm {
  readonly #rehearsal: Rehearsal;

  constructor(file: string, rehearsal: Rehearsal) {
    super(':memory:');
    this.#rehearsal = rehearsal;
    if (rehearsal.online && existsSync(file)) this.copyFrom(file);
  }

  override create(draft: RecordDraft): RecordRef {
    const record = super.create(draft);
    const { type, key, properties } = draft;
    this.#tell('CREATE', record, { ...(key ? { [key.property]: key.value } : {}), ...properties }, type);
    return record;
  }

  override update(record: RecordRef, properties: RecordDraft['properties']): void {
    super.update(record, properties);
    this.#tell('UPDATE', record, properties);
  }

  override link(call: RecordRef, contact: RecordRef): void {
    super.link(call, contact);
    this.#tell('LINK', call, { [contact.type]: contact.id });
  }

  #tell(method: string, { type, id }: RecordRef, body: object, path = `${type}/${id}`): void {
    this.#rehearsal.plan({ method, path, body: JSON.parse(JSON.stringify(body)), sent: false });
  }
}
