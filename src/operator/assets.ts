import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { type Context, Hono } from 'hono';

/*
 * Styles and scripts, from this folder and from node_modules: the page asks nobody else for anything. The address of a
 * file has a digest of what is in it, so that browsers keep it for good.
 */

const require = createRequire(import.meta.url);
const own = (name: string) => fileURLToPath(new URL(`assets/${name}`, import.meta.url));

/** Several files are sent as one. */
const sources = {
  'page.css': [require.resolve('uplot/dist/uPlot.min.css'), own('page.css')],
  'page.js': [
    require.resolve('htmx.org/dist/htmx.min.js'),
    require.resolve('htmx.org/dist/ext/hx-sse.min.js'),
    own('page.js'),
  ],
  'charts.js': [require.resolve('uplot/dist/uPlot.iife.min.js'), own('charts.js')],
  'icon.svg': [own('icon.svg')],
};

export type AssetName = keyof typeof sources;

const contentTypes: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

interface Asset {
  path: string;
  type: string;
  plain: Buffer;
  gzip: Buffer;
  br: Buffer;
}

/** Where each file is. Read and packed once, when the first page is asked for. */
export async function assetPaths(): Promise<Record<AssetName, string>> {
  const entries = [...(await assets())].map(([name, { path }]) => [name, path]);
  return Object.fromEntries(entries) as Record<AssetName, string>;
}

export function assetRoutes(): Hono {
  const routes = new Hono();
  routes.get('/assets/:digest/:name', async (context) => {
    const asset = (await assets()).get(context.req.param('name') as AssetName);
    // Of another version: a page from before a restart. What is here now is all there is.
    return asset ? send(context, asset, context.req.path === asset.path) : context.notFound();
  });
  routes.get('/favicon.ico', async (context) => {
    const asset = (await assets()).get('icon.svg');
    return asset ? send(context, asset, false) : context.notFound();
  });
  return routes;
}

function send(context: Context, asset: Asset, forGood: boolean): Response {
  const accepted = context.req.header('accept-encoding') ?? '';
  const encoding = /\bbr\b/.test(accepted) ? 'br' : /\bgzip\b/.test(accepted) ? 'gzip' : undefined;
  return new Response(new Uint8Array(asset[encoding ?? 'plain']), {
    headers: {
      'content-type': asset.type,
      'cache-control': forGood ? 'public, max-age=31536000, immutable' : 'no-cache',
      vary: 'accept-encoding',
      'x-content-type-options': 'nosniff',
      ...(encoding ? { 'content-encoding': encoding } : {}),
    },
  });
}

let reading: Promise<Map<AssetName, Asset>> | undefined;

function assets(): Promise<Map<AssetName, Asset>> {
  reading ??= readAll();
  return reading;
}

async function readAll(): Promise<Map<AssetName, Asset>> {
  const read = new Map<AssetName, Asset>();
  for (const [name, files] of Object.entries(sources) as [AssetName, string[]][]) {
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
    // Maps to sources are for the authors of the libraries: browsers would look for them in vain.
    const plain = Buffer.from(
      texts.map((text) => text.replace(/\/[/*]# sourceMappingURL=.*$/m, '')).join('\n'),
    );
    const digest = createHash('sha256').update(plain).digest('base64url').slice(0, 12);
    read.set(name, {
      path: `/assets/${digest}/${name}`,
      type: contentTypes[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
      plain,
      gzip: await promisify(gzip)(plain),
      br: await promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
    });
  }
  return read;
}
