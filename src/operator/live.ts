import { randomBytes } from 'node:crypto';
import type { Context } from 'hono';
import type { Clock } from '../clock.ts';

/** Open pages that are told. Beyond, a page looks again by itself now and then. */
const mostStreams = 100;
/** However much happens, pages load themselves anew no more often than this. */
const leastBetweenMs = 500;
/** Within what proxies and Bun take for idle. */
const heartbeatMs = 15_000;
/** How long it is listened for changes after a page was made: its stream comes soon, or never. */
const lingerMs = 60_000;
const encoder = new TextEncoder();

interface Stream {
  controller: ReadableStreamDefaultController<Uint8Array>;
  /** Heartbeats in a row that did not fit: whoever reads has gone, or sleeps. */
  unread: number;
}

/**
 * Tells open pages that something has changed, by server-sent events. An event says no more than that: what changed is
 * asked for as any page is, so that what a visitor may see is decided in one place.
 */
export class Live {
  readonly #clock: Clock;
  readonly #listen: (changed: () => void) => () => void;
  readonly #streams = new Set<Stream>();
  /** Numbers of another run mean nothing here. */
  readonly #run = randomBytes(6).toString('hex');
  #changes = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #unlisten: (() => void) | undefined;
  #cancelTelling: (() => void) | undefined;
  #cancelHeartbeat: (() => void) | undefined;
  #cancelLinger: (() => void) | undefined;
  #closed = false;

  /** @param listen has `changed` called until the returned function is; only while somebody looks */
  constructor(clock: Clock, listen: (changed: () => void) => () => void) {
    this.#clock = clock;
    this.#listen = listen;
  }

  /** How many pages are listening. */
  get listeners(): number {
    return this.#streams.size;
  }

  /** Of a page that is made now: its stream tells what comes after. */
  mark(): string {
    this.#attend();
    return this.#mark;
  }

  get #mark(): string {
    return `${this.#run}.${this.#changes}`;
  }

  #attend(): void {
    if (this.#closed) return;
    this.#unlisten ??= this.#listen(() => this.#changed());
    this.#cancelLinger?.();
    this.#cancelLinger = this.#clock.after(lingerMs, () => {
      this.#cancelLinger = undefined;
      if (this.#streams.size > 0) return;
      this.#unlisten?.();
      this.#unlisten = undefined;
      this.#changes++; // what happens unheard counts as a change
    });
  }

  #changed(): void {
    this.#changes++;
    if (this.#streams.size === 0 || this.#cancelTelling) return;
    const sinceMs = this.#clock.now().getTime() - this.#toldAt;
    // A clock that was set back must not keep pages waiting.
    const waitMs = sinceMs >= 0 && sinceMs < leastBetweenMs ? leastBetweenMs - sinceMs : 0;
    this.#cancelTelling = this.#clock.after(waitMs, () => this.#tell());
  }

  /** @param after the mark of what the page shows */
  stream(context: Context, after: string | undefined): Response {
    if (this.#closed || this.#streams.size >= mostStreams)
      return context.text('Too many pages are listening.\n', 503, { 'retry-after': '30' });
    this.#attend();
    let stream: Stream;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        stream = { controller, unread: 0 };
        this.#streams.add(stream);
        this.#beat();
        const seen = context.req.header('last-event-id') ?? after;
        controller.enqueue(encoder.encode(seen === this.#mark ? ': listening\n\n' : this.#event()));
      },
      cancel: () => this.#drop(stream),
    });
    return new Response(body, {
      headers: {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        // nginx would keep events until it has a buffer full of them.
        'x-accel-buffering': 'no',
        // Otherwise the connection would be kept for a further request, which holds up the end of the server.
        connection: 'close',
      },
    });
  }

  /** Ends every stream, so that none holds up the end of the server. */
  close(): void {
    this.#closed = true;
    this.#unlisten?.();
    this.#cancelTelling?.();
    this.#cancelLinger?.();
    for (const stream of [...this.#streams]) {
      this.#drop(stream);
      stream.controller.close();
    }
  }

  #tell(): void {
    this.#cancelTelling = undefined;
    this.#toldAt = this.#clock.now().getTime();
    const event = encoder.encode(this.#event());
    // Who has not read the last one learns of both by reading it.
    for (const { controller } of this.#streams)
      if ((controller.desiredSize ?? 0) > 0) controller.enqueue(event);
  }

  #event(): string {
    return `event: changed\nid: ${this.#mark}\ndata: ${this.#mark}\n\n`;
  }

  #beat(): void {
    this.#cancelHeartbeat ??= this.#clock.after(heartbeatMs, () => {
      this.#cancelHeartbeat = undefined;
      const beat = encoder.encode(': \n\n');
      for (const stream of [...this.#streams]) {
        if ((stream.controller.desiredSize ?? 0) > 0) {
          stream.unread = 0;
          stream.controller.enqueue(beat);
        } else if (++stream.unread > 3) {
          this.#drop(stream);
          stream.controller.error(new Error('Nobody reads this stream.'));
        }
      }
      if (this.#streams.size > 0) this.#beat();
    });
  }

  #drop(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    this.#cancelHeartbeat?.();
    this.#cancelHeartbeat = undefined;
    if (!this.#closed) this.#attend(); // for a while: the browser may be on its way to the next page
  }
}
