import { type Push, parsePush } from './push.ts';

/**
 * Bodies as they were posted: one, several with blank lines between, or a JSON array of them.
 * @throws UnreadablePush
 */
export function pushesIn(content: string): Push[] {
  if (content.trimStart().startsWith('[')) {
    return (JSON.parse(content) as unknown[]).map((push) => parsePush(JSON.stringify(push)));
  }
  try {
    return [parsePush(content)];
  } catch {
    return content
      .split(/\n\s*\n/)
      .filter((part) => part.trim() !== '')
      .map(parsePush);
  }
}
