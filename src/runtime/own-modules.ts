import * as nodeModule from 'node:module';

interface BunRuntime {
  plugin(plugin: {
    name: string;
    setup(build: { module(name: string, load: () => { exports: unknown; loader: 'object' }): void }): void;
  }): void;
}

const offered = new Set<string>();

/** From now on `import … from name` finds a module of the bridge, wherever the file that says so lies. */
export async function offerModule(name: string, url: string): Promise<void> {
  if (offered.has(name)) return;
  offered.add(name);
  const { Bun } = globalThis as { Bun?: BunRuntime };
  if (Bun) {
    const exports: unknown = await import(url);
    Bun.plugin({ name, setup: (build) => build.module(name, () => ({ exports, loader: 'object' })) });
  } else
    nodeModule.registerHooks({
      resolve: (wanted, context, next) =>
        wanted === name ? { url, format: 'module-typescript', shortCircuit: true } : next(wanted, context),
    });
}
