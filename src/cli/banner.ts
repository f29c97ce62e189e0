import { usualFile } from '../config/load.ts';
import type { Bridge, PushUrls } from '../main.ts';
import { pasted } from './command-options.ts';
import { endSample, startSample } from './sample-pushes.ts';

/**
 * What a bridge says when it is ready: where to point Delacon, where to look, what to try. Elsewhere than on a terminal
 * this ends up in a log, and a token that the operator has chosen is not in it. One that was made is: who tries the
 * bridge has it from nowhere else.
 */
export function banner(bridge: Bridge, isTerminal = process.stdout.isTTY === true): string {
  const { publicUrl } = bridge.settings.listen;
  const lines = [`delacon-bridge is ready.`, ''];
  if (bridge.configFile === undefined)
    lines.push(`There is no ${usualFile}: it runs on its built-in settings, and calls go to a sandbox.`, '');
  const isHidden = (source: string) =>
    !isTerminal && (bridge.settings.sources[source]?.tokens.length ?? 0) > 0;
  const urls = bridge.pushUrls().map((urls) => (isHidden(urls.source) ? withoutToken(urls) : urls));
  for (const one of urls) lines.push(...portalLines(one));
  if (urls.some(({ source }) => isHidden(source)))
    lines.push('Tokens of the configuration are shown on a terminal only: this may be a log.', '');
  lines.push(`Its page: ${bridge.url}/`, '');
  const [first] = urls.filter(({ source }) => !isHidden(source));
  if (first) {
    const local = (url: string) => url.replace(publicUrl ?? bridge.url, bridge.url);
    lines.push(
      'Try it: a call rings …',
      curl(local(first.create), startSample),
      '',
      '… and ends:',
      curl(local(first.update), endSample),
      '',
      `What became of it: ${pasted('explain 1122334', bridge.configFile ?? usualFile)}`,
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
  const hide = (url: string) => url.replace(/(?<=\/push\/)[^/]+/, `<token of ${source}>`);
  return { source, single: hide(single), create: hide(create), update: hide(update) };
}

/** On one line, to be pasted into any shell. The samples hold no single quote. */
function curl(url: string, body: string): string {
  return `curl -sS '${url}' -H 'Content-Type: application/json' -d '${body.replaceAll('\n', '')}'`;
}
