import type { Context } from 'hono';
import { counted } from '../../text/plural.ts';
import { ownPath } from '../access.ts';
import type { Notice } from './layout.ts';

/** Back to a page of ours, which says what was done. */
export function did(
  context: Context,
  to: string,
  what: keyof typeof sentences,
  n?: number,
  left?: number,
): Response {
  const place = new URL(ownPath(to), 'http://page');
  place.searchParams.set('did', what);
  if (n !== undefined) place.searchParams.set('n', String(n));
  if (left !== undefined) place.searchParams.set('left', String(left));
  return context.redirect(place.pathname + place.search, 303);
}

const sentences = {
  replay: (n: number): Notice =>
    n === 0
      ? { level: 'wait', text: 'No delivery became due: no route takes the call.' }
      : {
          level: 'good',
          text: `${counted(n, 'delivery is', 'deliveries are')} due again. What comes of it shows here in a moment.`,
        },
  skip: (): Notice => ({ level: 'good', text: 'The delivery is skipped.' }),
  pause: (): Notice => ({ level: 'good', text: 'The connector is paused. Calls wait until you resume it.' }),
  resume: (): Notice => ({ level: 'good', text: 'The connector goes on: it is tried at once.' }),
  readAgain: (n: number, left: number): Notice => {
    const rest = left > 0 ? `${counted(left, 'push', 'pushes')} still cannot be read: see why below.` : '';
    return n === 0
      ? { level: 'wait', text: rest || 'There was nothing to read again.' }
      : {
          level: 'good',
          text: `${counted(n, 'push', 'pushes')} could be read and ${n === 1 ? 'is a call' : 'are calls'} now. ${rest}`,
        };
  },
};

export function noticeOf(context: Context): Notice | undefined {
  const { did: what = '', n = '', left = '' } = context.req.query();
  const number = (text: string) => Number.parseInt(text, 10) || 0;
  return Object.hasOwn(sentences, what)
    ? sentences[what as keyof typeof sentences](number(n), number(left))
    : undefined;
}

/** What was done is said once. */
export function withoutNotice({ req }: Context): string {
  const { searchParams } = new URL(req.url);
  searchParams.delete('did');
  searchParams.delete('n');
  searchParams.delete('left');
  return searchParams.size > 0 ? `${req.path}?${searchParams}` : req.path;
}
