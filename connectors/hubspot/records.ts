import {
  type Complaint,
  type FittingCrm,
  type Draft as RecordDraft,
  type Standing,
  type WrittenFitted,
  writeFitted,
} from '../../src/crm/index.ts';
import type { HubSpotApi } from './api.ts';
import type { Link, LinkFrom } from './associations.ts';
import type { Input, Written } from './batches.ts';
import { type Failure, unwritableProperty } from './failures.ts';
import type { Fields } from './fields.ts';
import { secondLook } from './second-look.ts';
import { listedElsewhere, type ObjectType, ownerName, ownProperties } from './setup-names.ts';

/** A record to be written, with values of any kind. */
export interface Draft extends RecordDraft {
  objectWriteTraceId: string;
  /** If it is to be changed. */
  id?: string;
  /** What it is linked to when it is made. */
  links?: readonly Link[];
}

/** What became of it, and what was done to its values. */
export type Fate = WrittenFitted<Written>;

type Send<D extends Draft> = (inputs: readonly (D & Input)[]) => Promise<Map<string, Written>>;

/** Writes records with their values fitted. A mapped property that the account does not have, or sets itself, blocks. */
export class Records {
  readonly #api: HubSpotApi;
  readonly fields: Fields;
  readonly #ownerRefused: () => void;

  constructor(api: HubSpotApi, fields: Fields, ownerRefused: () => void) {
    this.#api = api;
    this.fields = fields;
    this.#ownerRefused = ownerRefused;
  }

  create(
    objectType: LinkFrom,
    drafts: readonly (Draft & { links: readonly Link[] })[],
    signal: AbortSignal,
  ): Promise<Map<string, Fate>> {
    return this.#write(objectType, 'create', drafts, signal, (inputs) =>
      this.#api.create(objectType, inputs, signal),
    );
  }

  update(
    objectType: ObjectType,
    drafts: readonly (Draft & { id: string })[],
    signal: AbortSignal,
  ): Promise<Map<string, Fate>> {
    return this.#write(objectType, 'update', drafts, signal, (inputs) =>
      this.#api.update(
        objectType,
        inputs.map(({ id, objectWriteTraceId, properties }) => ({ id, objectWriteTraceId, properties })),
        signal,
      ),
    );
  }

  upsert(
    objectType: ObjectType,
    idProperty: string,
    drafts: readonly Draft[],
    signal: AbortSignal,
  ): Promise<Map<string, Fate>> {
    return this.#write(objectType, 'upsert', drafts, signal, (inputs) =>
      this.#api.upsert(
        objectType,
        idProperty,
        inputs.map(({ objectWriteTraceId, properties }) => ({ objectWriteTraceId, properties })),
        signal,
      ),
    );
  }

  async #write<D extends Draft>(
    objectType: ObjectType,
    action: string,
    drafts: readonly D[],
    signal: AbortSignal,
    send: Send<D>,
  ): Promise<Map<string, Fate>> {
    const key = ownProperties[objectType];
    const request = `${objectType}/batch/${action}`;
    const crm: FittingCrm<D, D & Input, Written> = {
      name: 'HubSpot',
      ownerField: ownerName,
      ownerRefused: this.#ownerRefused,
      learn: (_, anew, signal) =>
        anew ? this.fields.refresh(objectType, signal) : this.fields.ready(objectType, signal),
      fit: (draft) => {
        const { values, timezone, instead, id } = draft;
        const { properties, unwritable, notes } = this.fields.fit(objectType, values, timezone, instead);
        if (unwritable)
          return {
            fate: { failure: unwritableProperty(unwritable, this.#api.circumstances(request)) },
            notes,
          };
        if (id !== undefined && Object.keys(properties).length === 0)
          return { fate: { row: { id, properties } }, notes };
        return { record: { ...draft, properties }, notes };
      },
      send: async (inputs, signal) => {
        const written = await send(inputs);
        const fates = inputs.map((input) => written.get(input.objectWriteTraceId) as Written);
        return this.#meant(objectType, inputs, fates, signal);
      },
      complaintOf: (failure, { values }) => complaintOf(failure, values, key),
      standingOf: (_, property) => this.#standingOf(objectType, property),
    };
    const fates = await writeFitted(crm, drafts, signal);
    return new Map(fates.map((fate, place) => [(drafts[place] as D).objectWriteTraceId, fate]));
  }

  /** What refusals without a code mean. */
  async #meant(
    objectType: ObjectType,
    inputs: readonly (Draft & Input)[],
    fates: readonly Written[],
    signal: AbortSignal,
  ): Promise<Written[]> {
    const refused = fates.flatMap(({ failure }, place) => {
      const { properties, id, links } = inputs[place] as Draft & Input;
      return failure ? [{ place, failure, key: properties[ownProperties[objectType]], id, links }] : [];
    });
    const meant = await secondLook(this.#api, objectType, refused, signal);
    const told = [...fates];
    refused.forEach(({ place }, i) => {
      told[place] = { failure: meant[i] as Failure };
    });
    return told;
  }

  #standingOf(objectType: ObjectType, property: string): Standing {
    if (property === ownProperties[objectType] || needed[objectType].includes(property)) return 'needed';
    if (property === lastToGo) return 'kept';
    return property === ownerName || this.fields.isMapped(objectType, property) ? 'asked' : 'spare';
  }
}

/** What HubSpot must have of a record, beside our key. */
const needed: Record<ObjectType, readonly string[]> = {
  contacts: [],
  calls: ['hs_timestamp'],
  tasks: ['hs_timestamp', 'hs_task_subject', 'hs_task_status'],
  deals: ['dealname', 'pipeline', 'dealstage'],
};

/** A contact needs a name, whichever. */
const lastToGo = 'firstname';

/** @param key whose conflict is not one of content */
function complaintOf(failure: Failure, values: Draft['values'], key: string): Complaint | undefined {
  const { kind, cure, isUnclear = false, refuses = [] } = failure;
  const isConflict = cure?.what === 'conflict' && cure.property !== undefined && cure.property !== key;
  const isOfContent = cure?.what === 'property' || cure?.what === 'value';
  if (!isConflict && !isOfContent && (cure !== undefined || !(isUnclear || kind === 'rejected')))
    return undefined;
  const property = isConflict || isOfContent ? cure.property : undefined;
  return {
    words: isUnclear ? failure.reason : undefined,
    // What blocks is mended by people.
    names: kind === 'blocked' ? [] : [...refuses, property ?? []].flat(),
    isUnclear: isUnclear && kind !== 'blocked',
    // Stages of pipelines are read elsewhere.
    isOutdated:
      isUnclear ||
      (isOfContent && property !== undefined && property in values && !listedElsewhere.has(property)),
  };
}
