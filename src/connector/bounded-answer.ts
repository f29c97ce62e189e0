/*
 * Answers with an end. Whoever answers may send without end, slowly, or what a few bytes unpack to: a proxy that has gone
 * wrong, a page in place of an API, or somebody who wants the bridge down. Whatever reads an answer reads it through here.
 */

/** In bytes, unpacked. The longest that a CRM says in good faith, the fields of a large object, are some megabytes. */
export const longestAnswer = 16 * 1024 * 1024;

/** How long an answer may take, from the request to its last byte. CRMs give up on their side after two minutes. */
export const longestWaitMs = 120_000;

/** It is no answer: of what was asked for, nothing is known. */
export class AnswerTooLong extends Error {
  override name = 'AnswerTooLong';

  constructor(most: number) {
    super(`its answer is longer than ${most < mega ? `${most} bytes` : `${Math.floor(most / mega)} MB`}`);
  }
}

export class AnswerTooLate extends Error {
  override name = 'AnswerTooLate';

  constructor(mostMs: number) {
    super(`its answer took longer than ${mostMs / 1000} s`);
  }
}

const mega = 1024 * 1024;

/**
 * The same answer, which fails to be read beyond `most` bytes, or once `signal` aborts; its connection is closed then.
 * `over` is called when nothing of it is to be read any more.
 */
function bounded(
  response: Response,
  most = longestAnswer,
  signal?: AbortSignal,
  over: () => void = () => {},
): Response {
  const { body, status, statusText, headers } = response;
  if (!body) {
    over();
    return response;
  }
  const reader = body.getReader();
  let size = 0;
  let finish = over;
  const fail = (controller: ReadableStreamDefaultController, reason: unknown) => {
    finish();
    controller.error(reason);
    reader.cancel(reason).catch(() => {}); // it may have failed by itself
  };
  const counted = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(controller) {
        const stop = () => fail(controller, signal?.reason);
        finish = () => {
          signal?.removeEventListener('abort', stop);
          over();
        };
        signal?.addEventListener('abort', stop, { once: true });
        if (signal?.aborted) stop();
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (signal?.aborted) return;
        if (done) {
          finish();
          return controller.close();
        }
        size += value.byteLength;
        if (size > most) return fail(controller, new AnswerTooLong(most));
        controller.enqueue(value);
      },
      cancel(reason) {
        finish();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 }, // nothing is read ahead
  );
  return new Response(counted, { status, statusText, headers });
}

/** A fetch whose answers are bounded, in bytes and in time. */
export function boundedFetch(send: typeof fetch, most = longestAnswer, mostMs = longestWaitMs): typeof fetch {
  const fetched = async (input: string | URL | Request, init?: RequestInit) => {
    const controller = new AbortController();
    const late = setTimeout(() => controller.abort(new AnswerTooLate(mostMs)), mostMs);
    const given = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    const stop = () => controller.abort(given?.reason);
    const over = () => {
      clearTimeout(late);
      given?.removeEventListener('abort', stop);
    };
    given?.addEventListener('abort', stop, { once: true });
    if (given?.aborted) stop();
    try {
      return bounded(
        await send(input, { ...init, signal: controller.signal }),
        most,
        controller.signal,
        over,
      );
    } catch (thrown) {
      over();
      throw thrown;
    }
  };
  return Object.assign(fetched, send) as typeof fetch; // Bun's has a property of its own
}
