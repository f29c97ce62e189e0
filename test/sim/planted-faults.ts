import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/** A fault that the simulation has to find: what stands in a file of the product, and what is put in its place. */
export interface PlantedFault {
  file: string;
  find: string;
  put: string;
  /** More than one instance, where one alone does not show it. */
  instances?: 1 | 2;
  crms?: string;
  /** Where minutes are too short for it. */
  days?: number;
}

/** Mistakes that somebody might make some day, by name. */
export const plantedFaults: Readonly<Record<string, PlantedFault>> = {
  'settled before it is written': {
    file: 'src/deliver/worker.ts',
    find: '    const { result, requests } = await runBatch(',
    put: `    const early = { at: started, tookMs: 0, requests: 0, batch: due.length };
    await this.#settle(lease, due.map((item) => settlementOf(item, { kind: 'delivered', records: item.records }, early, { schedule, now: started, random, counts: true })));
    const { result, requests } = await runBatch(`,
  },
  'a lease that is over settles': {
    file: 'src/store/sqlite/deliveries.ts',
    find: 'fence: lease.fence });\n      if (!held) return false;',
    put: 'fence: this.#do.fenceOf.get({ name: lease.name })!.fence });\n      if (!held) return false;',
    instances: 2,
  },
  'a person without a key': {
    file: 'connectors/salesforce/new-people.ts',
    find: 'values: { ...values, [ownFields[object]]: key },',
    put: 'values: { ...values },',
    crms: 'salesforce',
  },
  'the answer of another row': {
    file: 'connectors/hubspot/batches.ts',
    find: 'const row = names.map((name) => rows.get(name)).find(Boolean);',
    put: 'const row = answer.results[(inputs.indexOf(input) + 1) % Math.max(1, answer.results.length)];',
    crms: 'hubspot',
  },
  'a repetition that is taken for new': {
    file: 'src/store/changes.ts',
    find: '  if (same) return {',
    put: '  if (same && isChanged) return {',
  },
  'a circuit that never closes': {
    file: 'src/deliver/circuit.ts',
    find: '    this.#trouble = null;\n    this.probed.clear();',
    put: '    this.probed.clear();',
  },
  'acknowledged before the commit': {
    file: 'src/store/sqlite/commit-queue.ts',
    find: 'for (const write of writes) results.push(write.run());',
    put: 'for (const write of writes) { results.push(write.run()); write.resolve(results.at(-1) as never); }',
  },
  'a commit that the disk has not got yet': {
    file: 'src/store/sqlite/open.ts',
    find: 'pragma synchronous=full; pragma busy_timeout=',
    put: 'pragma synchronous=off; pragma busy_timeout=',
  },
  'a sandbox that the disk has not got yet': {
    file: 'connectors/sandbox/local-crm.ts',
    find: 'pragma synchronous=full;',
    put: 'pragma synchronous=normal;',
    crms: 'sandbox',
  },
  'an erasure that passes over what is being delivered': {
    file: 'src/operator/erasure.ts',
    find: 'rows: found.calls.map(',
    put: "rows: found.calls.filter(({ deliveries }) => deliveries.every((one) => one.state === 'delivered')).map(",
  },
  'retention that takes what is due': {
    file: 'src/store/sqlite/removal.ts',
    find: 'else if (isOpen === 0) count +=',
    put: 'else count +=',
    crms: 'sandbox',
    days: 10,
  },
  'a backlog that waits until nobody rings': {
    file: 'src/deliver/due-batches.ts',
    find: '++this.#taken % oldestEvery === 0;',
    put: 'false;',
    crms: 'webhook',
  },
  'what failed is shown as delivered': {
    file: 'src/deliver/settlement.ts',
    find: "if (outcome.kind === 'delivered') return { state: 'delivered' };",
    put: "if (outcome.kind === 'delivered' || tookMs > 5_000) return { state: 'delivered' };",
  },
  'what was left unanswered is not written once more': {
    file: 'src/deliver/settlement.ts',
    find: 'unanswered: outcome.unanswered === true,',
    put: 'unanswered: false,',
  },
};

/** Puts it in place as the program is loaded: to be called before anything of the product is imported. */
export function plant({ file, find, put }: PlantedFault): void {
  const url = new URL(`../../${file}`, import.meta.url).href;
  let isPlanted = false;
  registerHooks({
    load(wanted, context, next) {
      const loaded = next(wanted, context);
      if (wanted !== url) return loaded;
      const source = String(loaded.source);
      if (source.split(find).length !== 2)
        throw new Error(`${fileURLToPath(url)} has not, or has not once: ${find}`);
      isPlanted = true;
      return { ...loaded, source: source.replace(find, () => put) };
    },
  });
  process.on('exit', () => {
    if (!isPlanted) console.error(`${file} was not loaded: nothing was planted`);
  });
}
