import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, loadConfig } from '../../src/config/load.ts';
import type { BadDay } from './bad-days.ts';
import { type CrmName, simulatedCrm } from './crms.ts';
import type { Disk } from './disk.ts';
import { SimulatedNotices } from './notices.ts';
import { diskWithStore } from './store-trial.ts';
import { type Ending, token, World, type WorldOptions } from './world.ts';

/** A reload changes the waits between attempts, with which every connector is closed and opened again. */
const waits = ['2s, 10s, 30s, 1m', '3s, 10s, 30s, 1m'];

/** So that a simulated month sees calls dropped. */
const keptFor = '3d';

function yamlFor(crms: readonly CrmName[], variant: number): string {
  return `log: { level: info }
retention: { pushes: ${keptFor}, calls: ${keptFor} }
operator: { token: operator-token-of-the-simulation }
alerts:
  webhook: { url: "https://${SimulatedNotices.host}/", form: json }
  digest: "18:00"
  timezone: Australia/Sydney
  silentFor: off
delivery: { retry: [${waits[variant]}], giveUpAfter: 30m, probe: [5s, 15s, 1m] }
sources: { acme: { tokens: [${token}], region: AU, timezone: Australia/Sydney, lapseAfter: 2m } }
connectors:
${crms.map((name) => `  ${name}: ${simulatedCrm(name, () => new Date(), 0).yaml}`).join('\n')}
`;
}

/** What every world of some CRMs begins with: made once, for it takes longer than a world does. */
export interface Beginning {
  crms: readonly CrmName[];
  configs: Config[];
  disk: Disk;
}

export async function beginningOf(crms: readonly CrmName[]): Promise<Beginning> {
  const folder = mkdtempSync(join(tmpdir(), 'sim-'));
  const configs: Config[] = [];
  for (const variant of waits.keys()) {
    const file = join(folder, `bridge-${variant}.yaml`);
    writeFileSync(file, yamlFor(crms, variant));
    configs.push({ ...(await loadConfig(file, { env: {} })), warnings: [] });
  }
  rmSync(folder, { recursive: true });
  return { crms, configs, disk: await diskWithStore() };
}

export type SimulateOptions = Omit<WorldOptions, 'crms' | 'configs' | 'disk' | 'without'> & {
  without?: readonly BadDay[];
};

/** One seed, from its beginning to its books. */
export function simulate(beginning: Beginning, options: SimulateOptions): Promise<Ending> {
  const without = new Set(options.without ?? []);
  return new World({ ...options, ...beginning, without }).run();
}

/** Leaves bad days out, one by one, as long as something is broken still. Returns those that it takes. */
export async function shorten(
  beginning: Beginning,
  options: SimulateOptions,
  all: readonly BadDay[],
): Promise<{ without: BadDay[]; ending: Ending }> {
  let without: BadDay[] = [...(options.without ?? [])];
  let ending = await simulate(beginning, { ...options, without });
  for (const one of all) {
    const fewer = [...without, one];
    const tried = await simulate(beginning, { ...options, without: fewer });
    if (tried.broken.length === 0) continue;
    without = fewer;
    ending = tried;
  }
  return { without, ending };
}
