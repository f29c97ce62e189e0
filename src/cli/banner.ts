import type { PushUrls } from '../bridge/push-urls.ts';
import { endSample, startSample } from '../call/sample-pushes.ts';
import { usualFile } from '../config/load.ts';
import type { Bridge } from '../main.ts';
import { counted } from '../text/plural.ts';
import { pasted } from './command-options.ts';

/** Of sources: more would not be read. */
const mostShown = 5;

/**
 * What a bridge says when it is ready: where to point Delacon, where to look, what to try. Elsewhere than on a terminal this
 * ends up in a log, which holds no secret: neither a token nor a link that signs in.
 */
export async function banner(bridge: Bridge, isTerminal = process.stdout.isTTY === true): Promise<string> {
  const { publicUrl } = bridge.settings.listen;
  const config = bridge.configFile ?? usualFile;
  const lines = [`delacon-bridge is ready at ${bridge.url}.`, ''];
  if (bridge.configFile === undefined)
    lines.push(`There is no ${usualFile}: it runs on its built-in settings, and calls go to a sandbox.`, '');
  const sources = Object.keys(bridge.settings.sources);
  const urls = sources.slice(0, mostShown).map(bridge.pushUrls);
  for (const one of urls) lines.push(...portalLines(isTerminal ? one : withoutToken(one)));
  const more = sources.length - urls.length;
  if (more > 0)
    lines.push(`${counted(more, 'further source')}: their URLs are on its page, under Set up Delacon.`, '');
  lines.push(`Its page: ${publicUrl ?? bridge.url}/`);
  lines.push(
    ...(isTerminal
      ? [
          `  ${await bridge.signInLink()}`,
          '  signs a browser in, once, within a quarter of an hour. Another one:',
        ]
      : ['This may be a log: tokens are left out. For them, and for a link that signs a browser in:']),
    `  ${pasted('link', config)}`,
    '',
  );
  const [first] = urls;
  if (first && !isTerminal)
    lines.push(
      `Try it: ${pasted('send', config)}`,
      '  plays a call, its start and its end.',
      `What became of it: ${pasted('explain 1122334', config)}`,
    );
  else if (first) {
    const local = (url: string) => url.replace(publicUrl ?? bridge.url, bridge.url);
    lines.push(
      'Try it: a call rings …',
      curl(local(first.create), startSample),
      '',
      '… and ends:',
      curl(local(first.update), endSample),
      '',
      `What became of it: ${pasted('explain 1122334', config)}`,
    );
  }
  if (publicUrl === undefined) {
    lines.push(
      '',
      'Delacon reaches public addresses only: put a proxy that speaks https in front, and set listen.publicUrl to its address.',
    );
  }
  return lines.join('\n');
}

/** What to paste where. */
export function portalLines({ source, create, update, single }: PushUrls): string[] {
  return [
    `Source ${source}: paste into the Delacon portal, under Services > List Services > Edit > Data Integration`,
    `  create URL  ${create}`,
    `  update URL  ${update}`,
    `  (one URL for both: ${single})`,
    '',
  ];
}

function withoutToken({ source, single, create, update }: PushUrls): PushUrls {
  const hide = (url: string) =>
    url.replace(/(?<=\/push\/)[^/]+(?=(?:\/(?:create|update))?$)/, `<token of ${source}>`);
  return { source, single: hide(single), create: hide(create), update: hide(update) };
}

/** On one line, to be pasted into any shell. The samples hold no single quote. */
function curl(url: string, body: string): string {
  return `curl -sS '${url}' -H 'Content-Type: application/json' -d '${body.replaceAll('\n', '')}'`;
}
