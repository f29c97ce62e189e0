import type { Clock, SaleOptions } from '../../src/connector/index.ts';
import { Metadata } from '../../src/crm/index.ts';
import type { Pipeline } from './answers.ts';
import type { HubSpotApi } from './api.ts';

/** A stage of a pipeline, by id. */
export interface Place {
  pipeline: string;
  stage: string;
}

/** The stages that deals go through in this account. */
export class Pipelines {
  readonly #options: SaleOptions | undefined;
  readonly #pipelines: Metadata<'deals', readonly Pipeline[]>;

  constructor(api: HubSpotApi, options: SaleOptions | undefined, clock: Clock) {
    this.#options = options;
    this.#pipelines = new Metadata((_, signal) => api.pipelines(signal), clock);
  }

  /** HubSpot does not take a stage any more. */
  forget(): void {
    this.#pipelines.forget('deals');
  }

  /** Where the configuration wants deals, or why that is nowhere. @throws RequestFailed */
  async place(signal: AbortSignal): Promise<Place | { problem: string; fix: string }> {
    const lacks = (pipelines: readonly Pipeline[]) => 'problem' in placeIn(pipelines, this.#options);
    return placeIn(await this.#pipelines.of('deals', signal, lacks), this.#options);
  }
}

function placeIn(
  pipelines: readonly Pipeline[],
  sale: SaleOptions | undefined,
): Place | { problem: string; fix: string } {
  const inOrder = [...pipelines].sort((a, b) => a.displayOrder - b.displayOrder);
  const wanted = sale?.pipeline;
  const pipeline = wanted === undefined ? (named(inOrder, 'default') ?? inOrder[0]) : named(inOrder, wanted);
  if (!pipeline)
    return {
      problem: `HubSpot has no deal pipeline "${wanted ?? 'default'}". It has ${listed(inOrder)}.`,
      fix: 'Name one of them in sale.pipeline, by id or label.',
    };
  const stage = named(pipeline.stages, sale?.stage ?? '');
  if (!stage)
    return {
      problem: `The deal pipeline ${pipeline.label} has no stage "${sale?.stage}". It has ${listed(pipeline.stages)}.`,
      fix: 'Name one of them in sale.stage, by id or label.',
    };
  return { pipeline: pipeline.id, stage: stage.id };
}

function named<T extends { id: string; label: string }>(all: readonly T[], name: string): T | undefined {
  const lower = name.trim().toLowerCase();
  return all.find(({ id }) => id === name) ?? all.find(({ label }) => label.trim().toLowerCase() === lower);
}

function listed(all: readonly { id: string; label: string }[]): string {
  const names = all.map(({ id, label }) => (id === label ? id : `${label} (${id})`));
  return names.length > 0 ? names.join(', ') : 'none';
}
