import type { MiddlewareHandler } from 'hono';
import { getPath } from 'hono/utils/url';

/*
 * `listen.publicUrl` may lead to a folder of a host (https://acme.example/bridge), which a proxy takes off the paths that
 * it hands on, or leaves there. Pages and redirects are written as if the bridge had the host to itself; here the folder
 * is put before each of their addresses on the way out, and taken off on the way in.
 */

/** `/bridge`; empty where the bridge has the host to itself. */
export function publicPath(publicUrl: string | undefined): string {
  return publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/+$/, '');
}

/** The addresses in a page of ours. Texts from outside hold no plain quotes there. */
const ownAddress =
  /( (?:href|src|action|formaction|hx-get|hx-post|hx-sse:connect)="|content="0;url=)\/(?!\/)/g;

export function underPublicPath(publicFolder: () => string): MiddlewareHandler {
  return async (context, next) => {
    await next();
    const folder = publicFolder();
    if (folder === '') return;
    const { headers } = context.res;
    for (const name of ['location', 'hx-redirect']) {
      const to = headers.get(name);
      if (to?.startsWith('/')) headers.set(name, folder + to);
    }
    if (!headers.get('content-type')?.startsWith('text/html')) return;
    const page = await context.res.text();
    context.res = new Response(page.replace(ownAddress, `$1${folder}/`), context.res);
  };
}

/** How a router reads the path of a request: without the folder, where the proxy has left it. */
export function pathBelow(folder: () => string): (request: Request) => string {
  return (request) => {
    const path = getPath(request);
    const above = folder();
    if (above === '' || !path.startsWith(above)) return path;
    const rest = path.slice(above.length);
    return rest === '' ? '/' : rest.startsWith('/') ? rest : path;
  };
}
