import { type Push, parsePush, UnreadablePush } from './push.ts';

/**
 * Bodies as they were posted: one, several with blank lines between, or a JSON array of them.
 * @throws UnreadablePush
 */
export function pushesIn(content: string): Push[] {
  if (content.trimStart().startsWith('[')) {
    let pushes: unknown[];
    try {
      pushes = JSON.parse(content);
    } catch (cause) {
      throw new UnreadablePush(`It begins like a JSON array and is none: ${(cause as Error).message}`, {
        cause,
      });
    }
    return pushes.map((push) => parsePush(JSON.stringify(push)));
  }
  try {
    return [parsePush(content)];
  } catch (reason) {
    const parts = content.split(/\n\s*\n/).filter((part) => part.trim() !== '');
    if (parts.length < 2) throw reason; // what is wrong with the one, or with none
    return parts.map(parsePush);
  }
}
