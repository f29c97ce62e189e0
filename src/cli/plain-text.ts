/**
 * What comes from outside, made harmless to the terminal that shows it: control characters could move its cursor, change its
 * title or answer for its user, and those that turn the direction of writing show another text than there is.
 */
export function plainText(text: string): string {
  return text.replace(unprintable, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for; line feed and tab are not.
const unprintable = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** `console.log` for a text with parts from outside. */
export function print(text = ''): void {
  console.log(plainText(text));
}
