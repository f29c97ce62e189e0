import { pushTokens } from '../bridge/made-tokens.ts';
import { endSample, startSample } from '../call/sample-pushes.ts';
import { boundedFetch } from '../connector/bounded-answer.ts';
import { dataDirOf } from '../store/open.ts';
import { type CommandOptions, pasted } from './command-options.ts';
import { withStore } from './opened.ts';
import { print } from './plain-text.ts';
import { simulatedDay } from './simulated-day.ts';
import { printJson } from './tables.ts';
import { WrongUse } from './wrong-use.ts';

export interface SendOptions extends CommandOptions {
  day?: boolean;
  calls: number;
  seed: number;
  interval: number;
}

interface Sent {
  callId: string;
  kind: 'create' | 'update';
  status: number | null;
  error: string;
}

/** Plays pushes at a URL, one after the other, as Delacon would. */
export async function send(url: string | undefined, options: SendOptions): Promise<void> {
  if (url !== undefined && !/^https?:/.test(URL.parse(url)?.protocol ?? ''))
    throw new WrongUse(
      `"${url}" is no URL. Name one that a bridge prints: http://127.0.0.1:8080/push/<token>`,
    );
  const target = (url ?? (await ownUrl(options.config))).replace(/\/(create|update)?\/?$/, '');
  const sent = await play(target, pushesFor(options), options.interval, (push) => {
    if (!options.json)
      print(`${push.kind}  ${push.callId}  ${push.status ?? 'no answer'}  ${push.error}`.trimEnd());
  });
  const refused = sent.filter((push) => push.status !== 200);
  if (refused.length > 0) process.exitCode = 1;
  if (options.json) printJson(sent);
  else print(`${sent.length - refused.length} of ${sent.length} pushes acknowledged.`);
  if (url === undefined && sent.every(({ status }) => status === null))
    console.error(`Nothing answers at ${new URL(target).origin}. Start the bridge, or name a URL.`);
}

export interface Body {
  kind: 'create' | 'update';
  callId: string;
  body: string;
}

function pushesFor({ day, calls, seed }: SendOptions): Body[] {
  return day ? dayOf(calls, seed) : samples;
}

export const samples: Body[] = [
  { kind: 'create', callId: '1122334', body: startSample },
  { kind: 'update', callId: '1122334', body: endSample },
];

export function dayOf(calls: number, seed: number, opens?: number): Body[] {
  return simulatedDay(calls, seed, new Date(), opens).map(({ kind, fields }) => ({
    kind,
    callId: fields['PLA_Call_Id'] ?? '',
    body: JSON.stringify(fields),
  }));
}

/** @param url without its ending: `https://…/push/<token>` */
export async function play(
  url: string,
  pushes: readonly Body[],
  intervalMs: number,
  done: (sent: Sent) => void,
): Promise<Sent[]> {
  const all: Sent[] = [];
  for (const { kind, callId, body } of pushes) {
    if (intervalMs > 0 && all.length > 0) await new Promise((resolve) => setTimeout(resolve, intervalMs));
    const sent = { callId, kind, ...(await post(`${url}/${kind}`, body)) };
    all.push(sent);
    done(sent);
  }
  return all;
}

async function post(url: string, body: string): Promise<{ status: number | null; error: string }> {
  try {
    const headers = { 'content-type': 'application/json' };
    const answer = await boundedFetch(fetch, undefined, 30_000)(url, { method: 'POST', headers, body });
    const { error } = (await answer.json().catch(() => ({}))) as { error?: unknown };
    return { status: answer.status, error: typeof error === 'string' ? error : '' };
  } catch (reason) {
    const cause = (reason as Error).cause as Error | undefined;
    return { status: null, error: cause?.message ?? (reason as Error).message };
  }
}

/** The first source's URL on the bridge of this configuration. */
async function ownUrl(configPath: string): Promise<string> {
  return withStore(configPath, async ({ settings }, store) => {
    const tokens = await pushTokens(settings, { store, dataDir: dataDirOf(settings.store.url) });
    const token = Object.values(tokens)[0]?.[0];
    if (token === undefined)
      throw new Error(`The configuration has no source. Name a URL: ${pasted('send <url>', configPath)}`);
    const { host, port } = settings.listen;
    return `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}/push/${token}`;
  });
}
