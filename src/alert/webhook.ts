import type { WebhookForm } from '../config/alerts.ts';
import { boundedFetch } from '../connector/bounded-answer.ts';
import { type Channel, type Letterhead, SendFailed } from './channel.ts';
import type { Notice } from './notice.ts';

/** How much of an answer is read, and quoted. */
const longestAnswer = 200;

/** A chat that takes longer is tried again later, and holds nothing up meanwhile. */
const boundedSend = boundedFetch((...request) => fetch(...request), undefined, 15_000);

/** Posts notices to a chat, or to a program of the operator's own. */
export class WebhookChannel implements Channel {
  readonly name = 'webhook';
  readonly #url: string;
  readonly #form: WebhookForm;
  readonly #letterhead: Letterhead;

  constructor(url: string, form: WebhookForm, letterhead: Letterhead) {
    this.#url = url;
    this.#form = form;
    this.#letterhead = letterhead;
  }

  async send(notice: Notice, signal: AbortSignal): Promise<void> {
    const { host } = new URL(this.#url); // all that may be told of it
    let status: number;
    let words: string;
    try {
      const answer = await boundedSend(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'delacon-bridge' },
        body: JSON.stringify(bodyOf(notice, this.#form, this.#letterhead)),
        redirect: 'manual',
        signal,
      });
      status = answer.status;
      words = await beginningOf(answer).catch(() => '');
    } catch (cause) {
      const { code } = ((cause as Error).cause ?? cause) as NodeJS.ErrnoException;
      throw new SendFailed(`${host} gave no answer${typeof code === 'string' ? ` (${code})` : ''}`, {
        cause,
      });
    }
    if (status >= 200 && status < 300) return;
    const quoted = words
      .replaceAll(new URL(this.#url).pathname, '[secret]')
      .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
      .trim();
    throw new SendFailed(`${host} answered ${status}${quoted ? `: "${quoted}"` : ''}`, {
      // It does not like what it was sent; whatever else is wrong somebody may mend.
      isFinal: status === 400 || status === 413 || status === 422,
    });
  }
}

async function beginningOf(answer: Response): Promise<string> {
  const reader = answer.body?.getReader();
  if (!reader) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size < longestAnswer) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.length;
  }
  await reader.cancel();
  return Buffer.concat(chunks).toString('utf8').slice(0, longestAnswer);
}

const icons: Record<Notice['kind'], string> = {
  raised: '🔴',
  reminder: '🟠',
  recovered: '🟢',
  digest: '📋',
  test: '🔔',
};

export function bodyOf(notice: Notice, form: WebhookForm, { timezone, publicUrl }: Letterhead): unknown {
  const title = `${icons[notice.kind]} ${notice.title}`;
  const foot = `Times: ${timezone}.${publicUrl ? ` ${publicUrl}` : ''}`;
  switch (form) {
    case 'json': {
      const { id, kind, about, at, lines } = notice;
      return {
        id,
        kind,
        condition: about?.what ?? null,
        of: about?.of || null,
        at: at.toISOString(),
        title: notice.title,
        text: lines.join('\n'),
        url: publicUrl ?? null,
      };
    }
    case 'slack':
      // Plain text, in which Slack reads no markup: no mention, no link that shows another address than its own.
      return {
        text: forSlack(title), // for notifications; here it reads markup
        blocks: [
          { type: 'header', text: plain(title, 150) },
          ...notice.lines.map((line) => ({ type: 'section', text: plain(line, 3_000) })),
          { type: 'context', elements: [plain(foot, 3_000)] },
        ].slice(0, 50),
      };
    case 'teams':
      // Runs of text: of all that a card may hold, they alone read no Markdown.
      return {
        type: 'message',
        attachments: [
          {
            contentType: 'application/vnd.microsoft.card.adaptive',
            contentUrl: null,
            content: {
              $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
              type: 'AdaptiveCard',
              version: '1.4',
              body: [
                richText(title, { size: 'large', weight: 'bolder' }),
                ...notice.lines.map((line) => richText(line)),
                richText(foot, { isSubtle: true, size: 'small' }),
              ],
            },
          },
        ],
      };
  }
}

function plain(text: string, longest: number) {
  return {
    type: 'plain_text',
    text: text.length > longest ? `${text.slice(0, longest - 1)}…` : text,
    emoji: false,
  };
}

function forSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function richText(text: string, look: Record<string, unknown> = {}) {
  // `{{DATE(…)}}` is a function there.
  const inert = text.replaceAll('{{', '{\u200b{');
  return { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: inert, ...look }] };
}
