import {
  type Connection,
  type Delivery,
  type DryRun,
  defineConnector,
  type Finding,
  type Outcome,
  type RateLimit,
  type RecordDraft,
  sleep,
  type Tools,
} from '../../src/connector/index.ts';
import { rendered } from './body.ts';
import { failureOfAnswer, failureOfSilence } from './failures.ts';
import { options, type WebhookOptions } from './options.ts';
import { payloadOf, webhookId } from './payload.ts';
import { HttpReceiver, type Receiver } from './receiver.ts';
import { signatureHeaders } from './signature.ts';

/** Posts each state of a call as one signed JSON event: for whatever has no connector of its own. */
export default defineConnector({
  type: 'webhook',
  options,
  draft: (options, delivery) => [draftEvent(options, delivery)],
  open: (options, tools) => new WebhookConnection(new HttpReceiver(options, tools), options, tools),
  openDry: (options, tools, dryRun) => new WebhookConnection(dryReceiver(options, dryRun), options, tools),
});

/** A wait that a receiver asks for is sat out up to here, so that calls do not use their attempts up on it. */
const longestPauseMs = 30_000;

/** Of one that the configuration draws: its templates may repeat what Delacon sent. */
const longestBody = 1_000_000;

export class WebhookConnection implements Connection {
  /** An event is a request of its own, so nothing is gained by a batch; the bridge hands over each caller's calls one after another. */
  readonly limits: Connection['limits'];
  readonly #receiver: Receiver;
  readonly #options: WebhookOptions;
  readonly #tools: Tools;
  readonly #rate: RateLimit | undefined;
  #paused = { from: new Date(0), until: new Date(0) };

  constructor(receiver: Receiver, options: WebhookOptions, tools: Tools) {
    this.limits = { batch: 1, parallel: options.parallel };
    this.#receiver = receiver;
    this.#options = options;
    this.#tools = tools;
    this.#rate =
      options.ratePerSecond === undefined ? undefined : tools.rateLimit(options.ratePerSecond, 1000);
  }

  async deliver(batch: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const delivery of batch) outcomes.push(await this.#post(delivery, signal));
    return outcomes;
  }

  async #post(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    const { clock } = this.#tools;
    if (this.#options.write === 'atEnd' && delivery.call.phase === 'ringing') {
      return { kind: 'delivered', records: {}, notes: ['Waits for the end of the call.'] };
    }
    const now = clock.now();
    const { from, until } = this.#paused;
    // From later than now: the clock was set back since.
    const pauseMs = from > now ? 0 : until.getTime() - now.getTime();
    if (pauseMs > longestPauseMs) {
      return { kind: 'retry', scope: 'connector', reason: 'The receiver asked to wait.', notBefore: until };
    }
    if (pauseMs > 0) await sleep(clock, pauseMs, signal);
    await this.#rate?.take(signal);
    if (signal.aborted) return { kind: 'retry', reason: 'The bridge stopped before the event was sent.' };

    const body = JSON.stringify(contentOf(this.#options, delivery));
    const size = Buffer.byteLength(body);
    if (this.#options.body && size > longestBody) {
      const reason = `The body is ${size} bytes long, and ${longestBody} are the most. Map less into body.`;
      return { kind: 'rejected', reason };
    }
    const headers = this.#headersOf(webhookId(delivery), body);
    try {
      const answer = await this.#receiver.send('POST', headers, body, signal);
      const from = clock.now();
      const failure = failureOfAnswer(answer, this.#options, delivery, from);
      if (!failure) {
        return { kind: 'delivered', records: { activity: { type: 'webhook', id: delivery.key } } };
      }
      if (failure.kind === 'retry' && failure.notBefore) this.#paused = { from, until: failure.notBefore };
      return failure;
    } catch (thrown) {
      return failureOfSilence(thrown, this.#options);
    }
  }

  /**
   * Only an event tells whether events are taken. A receiver may file whatever is posted to it, so one is sent only where
   * the configuration says that it knows what a test is; otherwise this asks whether somebody is there, and says no more.
   */
  async check(signal: AbortSignal): Promise<Finding[]> {
    const { testEvent, url } = this.#options;
    const { host } = new URL(url);
    const subject = 'url';
    try {
      if (testEvent) return [await this.#test(signal)];
      const { status } = await this.#receiver.send('HEAD', this.#options.headers, undefined, signal);
      const message = `${host} answers (${status} to HEAD). Whether it takes events is not known from that.`;
      // Who takes POST alone says so, or has nothing else at the address.
      if (status < 300 || status === 405 || status === 501) return [{ level: 'ok', subject, message }];
      const fix =
        'Look whether calls arrive. Where the receiver knows events of the type "test", set testEvent: true: a check sends one then.';
      return [{ level: 'warning', subject, message, fix }];
    } catch (thrown) {
      const { kind, reason } = failureOfSilence(thrown, this.#options);
      const fix =
        kind === 'blocked'
          ? 'Give url a host on the internet, or set allowPrivate: true.'
          : 'Check url, and that the receiver runs and its certificate is valid.';
      return [{ level: 'problem', subject, message: reason, fix }];
    }
  }

  /** Asks what a delivery asks, with an event that tells of no call. */
  async #test(signal: AbortSignal): Promise<Finding> {
    const now = this.#tools.clock.now();
    const body = JSON.stringify({ type: 'test', timestamp: now.toISOString(), data: {} });
    const headers = this.#headersOf(`test_${now.getTime()}`, body);
    const answer = await this.#receiver.send('POST', headers, body, signal);
    const failure = failureOfAnswer(answer, this.#options, undefined, now);
    const subject = 'test event';
    if (!failure) return { level: 'ok', subject, message: `It was taken (${answer.status}).` };
    const fix =
      'A call would be answered like this, too. If the receiver knows no tests, set testEvent: false.';
    return { level: 'problem', subject, message: failure.reason, fix };
  }

  #headersOf(id: string, body: string): Record<string, string> {
    return {
      ...this.#options.headers,
      'content-type': 'application/json',
      ...signatureHeaders(id, this.#tools.clock.now(), body, this.#options.secrets),
    };
  }

  async plan() {
    return [];
  }

  async apply() {}

  link() {
    return undefined;
  }

  async close(): Promise<void> {
    this.#receiver.close();
  }
}

/** What is posted. */
function contentOf(options: WebhookOptions, delivery: Delivery): unknown {
  return options.body ? rendered(options.body, delivery) : payloadOf(options, delivery);
}

/** Each value under its path: `data.call.caller.number`. What is null is left out. */
function draftEvent(options: WebhookOptions, delivery: Delivery): RecordDraft {
  return {
    role: 'activity',
    type: 'webhook',
    key: { property: 'webhook-id', value: webhookId(delivery) },
    properties: Object.fromEntries(leaves(contentOf(options, delivery), '')),
    notes: [],
  };
}

function leaves(value: unknown, path: string): [string, string | number | boolean][] {
  if (value instanceof Date) return [[path, value.toISOString()]];
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, inner]) =>
      leaves(inner, path === '' ? name : `${path}.${name}`),
    );
  }
  const isLeaf = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return isLeaf ? [[path, value]] : [];
}

/** Takes every event, and sends none. */
function dryReceiver({ url }: WebhookOptions, dryRun: DryRun): Receiver {
  const { pathname, search } = new URL(url);
  return {
    async send(method, _, body) {
      const planned = { method, path: `${pathname}${search}`, sent: false };
      dryRun.plan(body === undefined ? planned : { ...planned, body: JSON.parse(body) });
      return { status: 200, headers: {}, text: '' };
    },
    close() {},
  };
}
