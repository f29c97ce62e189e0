import { Hono } from 'hono';
import type { Log } from '../log.ts';
import { type AccessEnv, securityHeaders } from '../operator/access.ts';
import { pathBelow, underPublicPath } from '../operator/public-path.ts';
import { type Readiness, statusRoutes } from '../operator/status.ts';
import { type ReceiveOptions, receiveRoutes, refuseAtWrongPath } from '../receive/routes.ts';

export interface ServerOptions {
  /** Of the public address: `/bridge`, or empty. */
  publicFolder(): string;
  receive: ReceiveOptions;
  readiness: Readiness;
  api: Hono<AccessEnv>;
  metrics: Hono;
  page: Hono<AccessEnv>;
  log: Log;
}

/** Everything that is answered over HTTP. */
export function serverApp({
  publicFolder,
  receive,
  readiness,
  api,
  metrics,
  page,
  log,
}: ServerOptions): Hono {
  const getPath = pathBelow(publicFolder);
  const app = new Hono({ getPath });
  app.route('/', receiveRoutes(receive));

  const others = new Hono({ getPath });
  others.use(underPublicPath(publicFolder), securityHeaders);
  // Before what sends who is not signed in to where that is done: a sender that follows takes it for a yes.
  others.use(async (context, next) => (await refuseAtWrongPath(context, receive, false)) ?? next());
  others.post('/', (context) => context.notFound());
  others.route('/', api);
  others.route('/', metrics);
  others.route('/', statusRoutes(readiness));
  others.route('/', page);
  others.notFound(async (context) => {
    const refused = await refuseAtWrongPath(context, receive, true);
    return refused ?? context.json({ error: 'There is nothing here.' }, 404);
  });
  // Pushes go past all this: what every other answer gets would cost each of them.
  app.notFound((context) => others.fetch(context.req.raw, context.env));

  for (const routes of [app, others])
    routes.onError(async (reason, context) => {
      log.error({ err: reason }, 'A request failed.');
      const refusing = await readiness();
      return refusing === null
        ? context.json({ error: 'An unexpected error.' }, 500)
        : context.json({ error: refusing }, 503);
    });
  return app;
}
