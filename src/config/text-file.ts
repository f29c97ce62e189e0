import { readFile } from 'node:fs/promises';
import { decodeBody } from '../call/push.ts';

/**
 * A text that people wrote: UTF-8, or UTF-16 and Windows-1252, in which editors on Windows save.
 * @throws what reading a file throws, and with the code `MIXED` where one encoding does not read it all
 */
export async function readText(file: string): Promise<string> {
  const text = decodeBody(await readFile(file));
  if (!text.includes('\0')) return text;
  throw Object.assign(new Error(`${file} is of two encodings.`), { code: 'MIXED' });
}
