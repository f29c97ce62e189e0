import type { Values } from '../../src/connector/index.ts';
import { textOf } from '../../src/crm/index.ts';
import type { CreateInput, HubSpotApi, UpdateInput } from './api.ts';
import type { Link, LinkFrom } from './associations.ts';
import type { Input, Written } from './batches.ts';
import { type Failure, RequestFailed, unwritableProperty } from './failures.ts';
import type { Fields, Instead } from './fields.ts';
import { secondLook } from './second-look.ts';
import { listedElsewhere, type ObjectType, ownProperties } from './setup-names.ts';

/** A record to be written, with values of any kind. */
export interface Draft {
  objectWriteTraceId: string;
  values: Values;
  timezone: string;
  /** By property, what to write in place of a value that does not do, the best first. */
  instead?: Instead | undefined;
  /** If it is to be changed. */
  id?: string;
  /** What it is linked to when it is made. */
  links?: readonly Link[];
}

/** What became of it, and what was done to its values. */
export type Fate = Written & { notes: readonly string[] };

type Send<D extends Draft> = (inputs: readonly (D & Input)[]) => Promise<Map<string, Written>>;

/**
 * Writes records with their values fitted. Better a record that lacks something than none: what HubSpot refuses is left
 * out, or written as something else, and noted.
 *
 *     refused ──no code says why──▶ is its key taken, is something gone? ──yes──▶ for the caller to mend
 *             ──perhaps the account has changed──▶ read its properties anew, fit again
 *             ──a property is named──▶ without it
 *             ──nothing is named──▶ without what was asked for by the mapping ──▶ with nothing but what it needs
 *
 * A mapped property that the account does not have, or sets itself, blocks.
 */
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
    const send = (inputs: readonly CreateInput[]) => this.#api.create(objectType, inputs, signal);
    return this.#write(objectType, 'create', drafts, send, signal);
  }

  update(
    objectType: ObjectType,
    drafts: readonly (Draft & { id: string })[],
    signal: AbortSignal,
  ): Promise<Map<string, Fate>> {
    const send = (inputs: readonly UpdateInput[]) =>
      this.#api.update(
        objectType,
        inputs.map(({ id, objectWriteTraceId, properties }) => ({ id, objectWriteTraceId, properties })),
        signal,
      );
    return this.#write(objectType, 'update', drafts, send, signal);
  }

  upsert(
    objectType: ObjectType,
    idProperty: string,
    drafts: readonly Draft[],
    signal: AbortSignal,
  ): Promise<Map<string, Fate>> {
    const send = (inputs: readonly Input[]) =>
      this.#api.upsert(
        objectType,
        idProperty,
        inputs.map(({ objectWriteTraceId, properties }) => ({ objectWriteTraceId, properties })),
        signal,
      );
    return this.#write(objectType, 'upsert', drafts, send, signal);
  }

  async #write<D extends Draft>(
    objectType: ObjectType,
    action: string,
    drafts: readonly D[],
    send: Send<D>,
    signal: AbortSignal,
  ): Promise<Map<string, Fate>> {
    const request = `${objectType}/batch/${action}`;
    const fates = new Map<string, Fate>();
    const left = new Map<string, readonly string[]>(); // notes on what was left out, by trace id
    const reread = new Set<string>();
    let open = drafts;
    let prepare = () => this.fields.ready(objectType, signal);
    for (let round = 1; open.length > 0 && round <= mostRounds; round++) {
      const current = open;
      await orFail(current, fates, async () => {
        await prepare();
        await this.#fitAndSend(objectType, request, current, send, fates);
      });
      await this.#lookAgain(objectType, current, fates, signal);
      let isDoubtful = false;
      open = current.flatMap((draft) => {
        const trace = draft.objectWriteTraceId;
        const failure = fates.get(trace)?.failure;
        if (!failure || !isOfContent(failure, ownProperties[objectType])) return [];
        if (isOutdated(failure, draft) && !reread.has(trace)) {
          isDoubtful = true;
          reread.add(trace);
          return [draft];
        }
        const { without, notes } = this.#without(objectType, draft, failure);
        if (!without) return [];
        left.set(trace, [...(left.get(trace) ?? []), ...notes]);
        return [without];
      });
      prepare = async () => {
        if (isDoubtful) await this.fields.refresh(objectType, signal);
      };
    }
    for (const [trace, notes] of left) {
      const fate = fates.get(trace) as Fate;
      fates.set(trace, { ...fate, notes: [...fate.notes, ...notes] });
    }
    return fates;
  }

  /** What refusals without a code mean. */
  async #lookAgain(
    objectType: ObjectType,
    drafts: readonly Draft[],
    fates: Map<string, Fate>,
    signal: AbortSignal,
  ): Promise<void> {
    const key = ownProperties[objectType];
    const refused = drafts.flatMap(({ objectWriteTraceId: trace, values, id, links }) => {
      const failure = fates.get(trace)?.failure;
      const own = values[key];
      return failure ? [{ trace, failure, key: own === undefined ? own : String(own), id, links }] : [];
    });
    const meant = await secondLook(this.#api, objectType, refused, signal);
    refused.forEach(({ trace }, place) => {
      const { notes } = fates.get(trace) as Fate;
      fates.set(trace, { failure: meant[place] as Failure, notes });
    });
  }

  /** What is to be written of a draft that was refused; undefined: nothing that HubSpot could want. */
  #without<D extends Draft>(
    objectType: ObjectType,
    draft: D,
    failure: Failure,
  ): { without?: D; notes: readonly string[] } {
    if (failure.kind === 'blocked') return { notes: [] };
    const key = ownProperties[objectType];
    const names = Object.keys(draft.values).filter((name) => name !== key);
    const replaceable = names.filter((name) => others(draft, name).length > 0);
    const spare = names.filter((name) => replaceable.includes(name) || !needed[objectType].includes(name));
    const without = (properties: readonly string[], notesOn: (made: D) => readonly string[]) => {
      if (properties.length === 0) return { notes: [] };
      if (properties.includes(owner)) this.#ownerRefused();
      const made = replaced(draft, properties);
      return { without: made, notes: notesOn(made) };
    };
    const named = spare.filter((name) => namedIn(failure).includes(name));
    if (named.length > 0 || !failure.isUnclear)
      return without(named, ({ values }) => named.map((name) => leftOut(name, values[name])));
    const plain = spare.filter((name) => !replaceable.includes(name) && name !== lastToGo);
    const asked = plain.filter((name) => name === owner || this.fields.isMapped(objectType, name));
    const unnamed = [asked, plain, replaceable].find((some) => some.length > 0) ?? [];
    const note = `HubSpot refused something and did not say what, so it was written without ${unnamed.join(', ')}.`;
    return without(unnamed, () => [note]);
  }

  async #fitAndSend<D extends Draft>(
    objectType: ObjectType,
    request: string,
    drafts: readonly D[],
    send: Send<D>,
    fates: Map<string, Fate>,
  ): Promise<void> {
    const notes = new Map<string, readonly string[]>();
    const inputs: (D & Input)[] = [];
    for (const draft of drafts) {
      const trace = draft.objectWriteTraceId;
      const fit = this.fields.fit(objectType, draft.values, draft.timezone, draft.instead);
      notes.set(trace, fit.notes);
      const isNothing = draft.id !== undefined && Object.keys(fit.properties).length === 0;
      if (fit.unwritable) {
        const failure = unwritableProperty(fit.unwritable, this.#api.circumstances(request));
        fates.set(trace, { failure, notes: fit.notes });
      } else if (isNothing)
        fates.set(trace, { row: { id: draft.id as string, properties: {} }, notes: fit.notes });
      else inputs.push({ ...draft, properties: fit.properties });
    }
    if (inputs.length === 0) return;
    for (const [trace, written] of await send(inputs)) {
      fates.set(trace, { ...written, notes: notes.get(trace) ?? [] });
    }
  }
}

/** As sent; with its properties read anew; and then with less and less. */
const mostRounds = 8;

/** What HubSpot must have of a record, beside our key. */
const needed: Record<ObjectType, readonly string[]> = {
  contacts: [],
  calls: ['hs_timestamp'],
  tasks: ['hs_timestamp', 'hs_task_subject', 'hs_task_status'],
  deals: ['dealname', 'pipeline', 'dealstage'],
};

/** A contact needs a name, whichever: so long as this one is not named as the trouble, it stays. */
const lastToGo = 'firstname';

const owner = 'hubspot_owner_id';
const noSuchOwner =
  'HubSpot refused the owner that `owner` names, so none was set. Is the user still active? `delacon-bridge check --online` tells.';

function leftOut(property: string, instead: Values[string] | undefined): string {
  if (instead !== undefined) return `${property} is ${textOf(instead)}: HubSpot refuses what it should be.`;
  return property === owner ? noSuchOwner : `${property} was left out: HubSpot refuses it.`;
}

/** The properties that a refusal is about. */
function namedIn({ refuses = [], cure }: Failure): readonly string[] {
  return cure && 'property' in cure && cure.property !== undefined ? [...refuses, cure.property] : refuses;
}

/** Whether another content may be taken. */
function isOfContent(failure: Failure, key: string): boolean {
  const { kind, cure, isUnclear } = failure;
  if (cure?.what === 'conflict') return cure.property !== undefined && cure.property !== key;
  if (cure !== undefined) return cure.what === 'property' || cure.what === 'value';
  return isUnclear === true || kind === 'rejected';
}

/** Whether the account may not be as it was: properties and options come and go. Stages of pipelines are read elsewhere. */
function isOutdated({ cure, isUnclear }: Failure, { values }: Draft): boolean {
  if (isUnclear) return true;
  return (
    (cure?.what === 'property' || cure?.what === 'value') &&
    cure.property in values &&
    !listedElsewhere.has(cure.property)
  );
}

/** What may stand in place of a value, beside itself. */
function others({ values, instead }: Draft, name: string): readonly (string | Date)[] {
  return (instead?.[name] ?? []).filter((one) => textOf(one) !== textOf(values[name]));
}

/** Without these, or with what there is in their place. */
function replaced<D extends Draft>(draft: D, properties: readonly string[]): D {
  const values = { ...draft.values };
  const instead: Record<string, readonly (string | Date)[]> = { ...draft.instead };
  for (const name of properties) {
    const [next, ...rest] = others(draft, name);
    if (next === undefined) delete values[name];
    else values[name] = next;
    instead[name] = rest;
  }
  return { ...draft, values, instead };
}

/** What fails as a whole fails for each that it was to write. */
async function orFail(
  drafts: readonly Draft[],
  fates: Map<string, Fate>,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (!(thrown instanceof RequestFailed)) throw thrown;
    for (const { objectWriteTraceId } of drafts) {
      fates.set(objectWriteTraceId, { failure: thrown.failure, notes: [] });
    }
  }
}
