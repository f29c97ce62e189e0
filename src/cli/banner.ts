import type { Bridge, PushUrls } from '../main.ts';
import { endSample, startSample } from './sample-pushes.ts';

/** What a bridge says when it is ready: where to point Delacon, where to look, what to try. */
export function banner(bridge: Bridge): string {
  const { publicUrl } = bridge.settings.listen;
  const lines = [`delacon-bridge is ready.`, ''];
  for (const urls of bridge.pushUrls()) lines.push(...portalLines(urls));
  lines.push(`Its page: ${bridge.url}/`, '');
  const [first] = bridge.pushUrls();
  if (first) {
    const local = (url: string) => url.replace(publicUrl ?? bridge.url, bridge.url);
    lines.push(
      'Try it: a call rings …',
      curl(local(first.create), startSample),
      '',
      '… and ends:',
      curl(local(first.update), endSample),
      '',
      'What became of it: npm run bridge -- explain 1122334',
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
    `Source ${source}: paste into the Delacon portal, under Services > Edit > Data Integration`,
    `  create URL  ${create}`,
    `  update URL  ${update}`,
    `  (one URL for both: ${single})`,
    '',
  ];
}

/** On one line, to be pasted into any shell. The samples hold no single quote. */
function curl(url: string, body: string): string {
  return `curl -sS '${url}' -H 'Content-Type: application/json' -d '${body.replaceAll('\n', '')}'`;
}
