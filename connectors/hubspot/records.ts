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
 * and those records are written again: what it has no place for is left out then, or blocks if it is mapped. What the
 * bridge writes unasked, and an account's own rules refuse, is left out, too: better a call without it than no call.
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
    let open = drafts;
    let prepare = () => this.fields.ready(objectType, signal);
    for (let round = 1; open.length > 0 && round <= mostRounds; round++) {
      const current = open;
      await orFail(current, fates, async () => {
        await prepare();
        await this.#fitAndSend(objectType, request, current, send, fates);
      });
      let isDoubtful = false;
      open = current.flatMap((draft) => {
        const trace = draft.objectWriteTraceId;
        const failure = fates.get(trace)?.failure;
        const property = curable(failure);
        if (property !== undefined && property !== owner && property in draft.values) {
          isDoubtful = true;
          return [draft];
        }
        const refused = this.#dispensable(objectType, draft, failure);
        if (refused.length === 0) return [];
        if (refused.includes(owner)) this.#ownerRefused();
        left.set(trace, [...(left.get(trace) ?? []), ...refused.map(leftOut)]);
        return [without(draft, refused)];
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

  /** What HubSpot refuses of a draft that it may be written without. */
  #dispensable(objectType: ObjectType, { values }: Draft, failure: Failure | undefined): string[] {
    if (curable(failure) === owner && owner in values) return [owner];
    return unasked[objectType].filter(
      (name) => name in values && failure?.refuses?.includes(name) && !this.fields.isMapped(objectType, name),
    );
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

/** As sent; with its properties read anew; without an owner or something else that is refused, and without more of it. */
const mostRounds = 4;

/** What no setting words, and is not needed to have the record at all. */
const unasked: Record<ObjectType, readonly string[]> = {
  contacts: ['phone', 'firstname', 'lastname'],
  calls: [
    'hs_call_body',
    'hs_call_duration',
    'hs_call_from_number',
    'hs_call_to_number',
    'hs_call_recording_url',
  ],
  tasks: ['hs_task_body'],
  deals: ['closedate'],
};

const owner = 'hubspot_owner_id';
const noSuchOwner =
  'HubSpot refused the owner that `owner` names, so none was set. Is the user still active? `delacon-bridge check --online` tells.';

function leftOut(property: string): string {
  return property === owner ? noSuchOwner : `${property} was left out: HubSpot refuses it.`;
}

/** The property that writing again may put right. Reading its properties does not tell which stages a pipeline has. */
function curable(failure: Failure | undefined): string | undefined {
  const cure = failure?.cure;
  if (cure?.what !== 'property' && cure?.what !== 'value') return undefined;
  return listedElsewhere.has(cure.property) && cure.property !== owner ? undefined : cure.property;
}

function without<D extends Draft>(draft: D, properties: readonly string[]): D {
  const values = Object.entries(draft.values).filter(([name]) => !properties.includes(name));
  return { ...draft, values: Object.fromEntries(values) };
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
