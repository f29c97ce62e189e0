import type { Values } from '../../src/connector/contract.ts';
import type { CreateInput, HubSpotApi, ObjectType, UpdateInput } from './api.ts';
import type { Link, LinkFrom } from './associations.ts';
import type { Input, Written } from './batches.ts';
import { type Failure, missingProperty, RequestFailed } from './failures.ts';
import type { Fields } from './fields.ts';
import { listedElsewhere } from './fitting.ts';

/** A record to be written, with values of any kind. */
export interface Draft {
  objectWriteTraceId: string;
  values: Values;
  timezone: string;
}

/** What became of it, and what was done to its values. */
export type Fate = Written & { notes: readonly string[] };

type Send<D extends Draft> = (inputs: readonly (D & Input)[]) => Promise<Map<string, Written>>;

/**
 * Writes records with their values fitted. When HubSpot refuses a property or an option, its properties are read anew
 * and those records are written again: what it has no place for is left out then, or blocks if it is mapped.
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
    const withoutOwner = new Set<string>();
    let open = drafts;
    let prepare = () => this.fields.ready(objectType, signal);
    for (let round = 1; open.length > 0 && round <= mostRounds; round++) {
      const current = open;
      await orFail(current, fates, async () => {
        await prepare();
        await this.#fitAndSend(objectType, request, current, send, fates);
      });
      const refused = current.flatMap((draft) => {
        const property = curable(fates.get(draft.objectWriteTraceId)?.failure);
        return property !== undefined && property in draft.values ? [{ draft, property }] : [];
      });
      for (const { draft, property } of refused) {
        if (property === owner) withoutOwner.add(draft.objectWriteTraceId);
      }
      if (refused.some(({ property }) => property === owner)) this.#ownerRefused();
      const isDoubtful = refused.some(({ property }) => property !== owner);
      prepare = async () => {
        if (isDoubtful) await this.fields.refresh(objectType, signal);
      };
      open = refused.map(({ draft, property }) => (property === owner ? without(draft, owner) : draft));
    }
    for (const trace of withoutOwner) {
      const fate = fates.get(trace) as Fate;
      fates.set(trace, { ...fate, notes: [...fate.notes, noSuchOwner] });
    }
    return fates;
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
      const fit = this.fields.fit(objectType, draft.values, draft.timezone);
      notes.set(trace, fit.notes);
      const [missing] = fit.missing;
      if (missing === undefined) inputs.push({ ...draft, properties: fit.properties });
      else fates.set(trace, { failure: missingHere(missing, this.#api, request), notes: fit.notes });
    }
    if (inputs.length === 0) return;
    for (const [trace, written] of await send(inputs)) {
      fates.set(trace, { ...written, notes: notes.get(trace) ?? [] });
    }
  }
}

/** As sent, without an owner that is refused, and with its properties read anew. */
const mostRounds = 3;

const owner = 'hubspot_owner_id';
const noSuchOwner =
  'HubSpot refused the owner that `owner` names, so none was set. Is the user still active? `delacon-bridge check --online` tells.';

/** The property that writing again may put right. Reading its properties does not tell which stages a pipeline has. */
function curable(failure: Failure | undefined): string | undefined {
  const cure = failure?.cure;
  if (cure?.what !== 'property' && cure?.what !== 'value') return undefined;
  return listedElsewhere.has(cure.property) && cure.property !== owner ? undefined : cure.property;
}

function without<D extends Draft>(draft: D, property: string): D {
  const { [property]: _, ...values } = draft.values;
  return { ...draft, values };
}

/** Its properties were just read, so there is nothing to be cured by reading them again. */
function missingHere(property: string, api: HubSpotApi, request: string): Failure {
  const { cure: _, ...failure } = missingProperty(property, api.circumstances(request));
  return failure;
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
