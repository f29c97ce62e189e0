import {
  type Complaint,
  mappedNames,
  type Standing,
  type WrittenFitted,
  writeFitted,
} from '../../src/crm/index.ts';
import type { Failure } from './failures.ts';
import type { Descriptions, Draft, Fitted } from './fields.ts';
import type { ObjectName, SalesforceOptions } from './options.ts';
import { isKey } from './setup-names.ts';
import type { Written } from './written.ts';

export type Fate = WrittenFitted<Written>;

/** Writes records with values that their fields can hold. */
export class Records {
  readonly descriptions: Descriptions;
  readonly #mapped: ReadonlySet<string>;
  readonly #ownerRefused: () => void;

  constructor(descriptions: Descriptions, options: SalesforceOptions, ownerRefused: () => void) {
    this.descriptions = descriptions;
    this.#mapped = new Set(mappedNames(options));
    this.#ownerRefused = ownerRefused;
  }

  /** In the order of the drafts. @param send answers in order */
  write(
    drafts: readonly Draft[],
    send: (records: readonly Fitted[]) => Promise<readonly Written[]>,
    signal: AbortSignal,
  ): Promise<Fate[]> {
    return writeFitted<Draft, Fitted, Written>(
      {
        name: 'Salesforce',
        ownerField: 'OwnerId',
        ownerRefused: this.#ownerRefused,
        learn: (those, anew, signal) => this.#learn(those, anew, signal),
        fit: (draft) => fitted(this.descriptions.fit(draft)),
        send,
        complaintOf: (failure, draft) => this.#complaintOf(failure, draft),
        standingOf: ({ object }, name) => this.#standingOf(object, name),
      },
      drafts,
      signal,
    );
  }

  /** A description costs a request, so it is asked for only when a value was refused; after that it is kept up to date. */
  async #learn(drafts: readonly Draft[], anew: boolean, signal: AbortSignal): Promise<void> {
    if (drafts.some(({ object }) => object === 'Task')) await this.descriptions.recall();
    for (const object of new Set(drafts.map((draft) => draft.object))) {
      if (anew) await this.descriptions.refresh(object, signal);
      else if (this.descriptions.known(object)) await this.descriptions.of(object, signal);
    }
  }

  #complaintOf({ kind, cure, reason }: Failure, { object, values }: Draft): Complaint | undefined {
    const about = (names: readonly string[], isOutdated = false, isUnclear = names.length === 0) => ({
      names,
      isOutdated,
      isUnclear,
      words: reason,
    });
    switch (cure?.what) {
      case 'owner':
        return 'OwnerId' in values ? about(['OwnerId']) : undefined;
      case 'values':
      case 'content': {
        // Queues hold the kinds of records that they were set up for.
        const isOfQueue = cure.names.length === 0 && object !== 'Lead' && isQueue(values['OwnerId']);
        if (isOfQueue) return about(['OwnerId']);
        const place = this.descriptions.spare(object);
        const ofList = [place?.stateCode, place?.countryCode];
        // Of a state on a list, our draft has the text.
        const names = cure.names.map((name) => (place && ofList.includes(name) ? place.state : name));
        const isNews = !this.descriptions.known(object) && names.some((name) => place?.names.includes(name));
        return about(names, cure.what === 'values' || isNews);
      }
      case 'fields': {
        // Nobody asked for them.
        const spare = this.descriptions.unasked(object);
        if (cure.names.length > 0 && cure.names.every((name) => spare.includes(name)))
          return about(cure.names, true);
        // One that we were told of, and that is there no more. What blocks is mended by people.
        const known = this.descriptions.known(object);
        const isOutdated = cure.names.some((name) => known?.get(name)?.createable);
        return kind === 'blocked' ? about([], isOutdated, false) : about(cure.names, isOutdated);
      }
      default:
        return undefined;
    }
  }

  #standingOf(object: ObjectName, name: string): Standing {
    if (isKey(name) || links.includes(name) || needed[object].includes(name)) return 'needed';
    return name === 'OwnerId' || this.#mapped.has(name) ? 'asked' : 'spare';
  }
}

/** What Salesforce must have of a record, beside our key, or what it would be another thing without. */
const needed: Record<ObjectName, readonly string[]> = {
  Task: ['TaskSubtype', 'CallType', 'Subject', 'Status'],
  Lead: ['LastName', 'Company'],
  Contact: ['LastName'],
  Account: ['Name'],
  Opportunity: ['Name', 'StageName', 'CloseDate', 'RecordTypeId'],
};

/** Which record it is, and whose: if these are refused, it is another's trouble. */
const links = ['Id', 'WhoId', 'WhatId', 'AccountId', 'ContactId'];

const isQueue = (owner: unknown) => typeof owner === 'string' && owner.startsWith('00G');

/** A record of which nothing is left to change is not sent. */
function fitted(record: Fitted) {
  const { fields, notes } = record;
  const { Id, ...changed } = fields;
  return Id !== undefined && Object.keys(changed).length === 0
    ? { fate: { id: String(Id), created: false }, notes }
    : { record, notes };
}
