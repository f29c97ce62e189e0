/**
 * Finds any of many texts in one pass: what that takes grows with the text that is searched, not with how many are looked
 * for. A tree by their characters, of which only as much is made as tells them apart.
 */
export class TextFinder {
  readonly #root: Branch = { isEnd: false, next: new Map() };

  constructor(texts: Iterable<string>) {
    for (const text of texts) if (text !== '') this.#add(text);
  }

  /** Puts something else for each text that is there; those that overlap are taken together, so nothing of any is left. */
  replace(text: string, put: (found: string) => string): string {
    let out = '';
    let copied = 0;
    let from = -1;
    let to = 0;
    const putOne = () => {
      if (from < 0) return;
      out += text.slice(copied, from) + put(text.slice(from, to));
      copied = to;
    };
    for (let at = 0; at < text.length; at++) {
      const end = this.#longestAt(text, at);
      if (end < 0) continue;
      if (at >= to) {
        putOne();
        from = at;
      }
      to = Math.max(to, end);
    }
    putOne();
    return copied === 0 ? text : out + text.slice(copied);
  }

  #add(text: string): void {
    let branch = this.#root;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const next = branch.next.get(code);
      if (next === undefined) {
        branch.next.set(code, text);
        return;
      }
      if (next === text) return;
      if (typeof next !== 'string') {
        branch = next;
        continue;
      }
      // Another text begins alike: it moves one character on.
      const below: Branch = { isEnd: next.length === at + 1, next: new Map() };
      if (!below.isEnd) below.next.set(next.charCodeAt(at + 1), next);
      branch.next.set(code, below);
      branch = below;
    }
    branch.isEnd = true;
  }

  /** Where the longest text that begins at a place ends; -1: none begins there. */
  #longestAt(text: string, from: number): number {
    let longest = -1;
    let branch = this.#root;
    for (let at = from; at < text.length; at++) {
      const next = branch.next.get(text.charCodeAt(at));
      if (next === undefined) break;
      if (typeof next === 'string') return text.startsWith(next, from) ? from + next.length : longest;
      branch = next;
      if (branch.isEnd) longest = at + 1;
    }
    return longest;
  }
}

interface Branch {
  /** A text ends here. */
  isEnd: boolean;
  /** By the next character: a text that is the only one to go on so, or what tells several apart. */
  next: Map<number, Branch | string>;
}
