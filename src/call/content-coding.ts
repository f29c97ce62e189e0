import { isUtf8 } from 'node:buffer';
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, type ZlibOptions } from 'node:zlib';
import { UnknownForm } from './push.ts';

type Decoder = (bytes: Uint8Array, options: ZlibOptions) => Uint8Array;

const decoders = new Map<string, Decoder>([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  // With the zlib header that the standard asks for, and as often without.
  ['deflate', (bytes, options) => (hasZlibHeader(bytes) ? inflateSync : inflateRawSync)(bytes, options)],
  ['br', brotliDecompressSync],
]);
/** That it is in no coding, and what is said there by mistake: in which letters it is written, which its bytes tell. */
const none =
  /^(?:|identity|none|binary|[78]bit|us-ascii|utf-?(?:8|16(?:le|be)?)|iso-8859-\d+|windows-125\d)$/;
/** Nobody compresses thrice, and each time may cost what a whole body does. */
const mostCodings = 2;

/**
 * A body without the codings that its `Content-Encoding` names. No more than `limit` bytes are made of it. Done at once,
 * as reading the text is, which takes as long.
 */
export function decodeContent(
  bytes: Uint8Array,
  contentEncoding: string,
  limit: number,
): Uint8Array | UnknownForm | 'too long' {
  // Said or not, this is what compressed bodies begin with, and no text does.
  const said = contentEncoding || (bytes[0] === 0x1f && bytes[1] === 0x8b ? 'gzip' : '');
  if (said === '') return bytes;
  const codings = said
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => !none.test(coding));
  let content = bytes;
  for (const coding of codings.reverse()) {
    const decode = decoders.get(coding);
    if (!decode || codings.length > mostCodings) return unknown(said, 'is not read');
    try {
      content = decode(content, { maxOutputLength: limit });
    } catch (reason) {
      if ((reason as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return 'too long';
      // A proxy may have decompressed it, and left the header.
      if (!isUtf8(content)) return unknown(said, 'is not what it is in');
    }
  }
  return content;
}

function unknown(said: string, what: string): UnknownForm {
  return new UnknownForm(
    `The body's Content-Encoding "${said.slice(0, 80)}" ${what}: send it as it is, or with gzip, deflate or br.`,
  );
}

function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}
