/** What the codes of connections that failed mean to whoever has to mend it. */
const meanings: Record<string, string> = {
  ENOTFOUND: 'its name is not known here',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'nothing listens at its address',
  ConnectionRefused: 'nothing listens at its address',
  EHOSTUNREACH: 'there is no way to its address from here',
  ENETUNREACH: 'there is no way to its address from here',
  ETIMEDOUT: 'its address does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'its address does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it took too long',
  UND_ERR_BODY_TIMEOUT: 'it took too long',
  ECONNRESET: 'the connection was cut',
  ECONNABORTED: 'the connection was cut',
  EPIPE: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the connection was cut',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection was cut',
  ConnectionClosed: 'the connection was cut',
  UND_ERR_HEADERS_OVERFLOW: 'its answer has too long headers',
  HPE_HEADER_OVERFLOW: 'its answer has too long headers',
  Z_DATA_ERROR: 'its answer cannot be decompressed',
  Z_BUF_ERROR: 'its answer cannot be decompressed',
  ZlibError: 'its answer cannot be decompressed',
  Malformed_HTTP_Response: 'its answer is no HTTP',
  ERR_INVALID_URL: 'its address cannot be read',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: look at the clock of this machine',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is of another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted here',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted here',
  EPROTO: 'no TLS could be agreed on with it',
};

/** Of codes that begin like this. */
const meaningsOfKinds: readonly [RegExp, string][] = [
  [/^HPE_/, 'its answer is no HTTP'],
  [/^ERR_(SSL|TLS)_/, 'no TLS could be agreed on with it'],
];

/** Errors that tell by their name alone: their codes are numbers, or none. */
const meaningsOfNames: Record<string, string> = {
  TimeoutError: 'it took too long',
  AbortError: 'it was given up',
  HTTPParserError: 'its answer is no HTTP',
};

/** Codes of what fails before anything is sent. */
const beforeSending = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ConnectionRefused',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_INVALID_URL',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Runtimes and clients wrap an error in others, and those of several addresses in one: more than this tell no more. */
const mostWrapped = 20;

/**
 * Why there was no answer, in a few words, with the code if there is one: `the connection was cut (ECONNRESET)`. Never
 * empty. Whatever was thrown may repeat what was sent: who shows it hides secrets.
 */
export function whySilent(thrown: unknown): string {
  const errors = withCauses(thrown);
  for (const error of errors) {
    const code = codeOf(error);
    const meaning = code === undefined ? meaningsOfNames[String(error.name)] : meaningOf(code);
    if (meaning !== undefined) return code === undefined ? meaning : `${meaning} (${code})`;
  }
  const code = errors.map(codeOf).find((one) => one !== undefined);
  if (code !== undefined) return code;
  // The innermost knows most: `fetch failed` is what wraps it.
  const words = errors.map(({ message }) => firstLine(message)).findLast((text) => text !== '');
  if (words !== undefined) return words;
  const said = typeof thrown === 'string' ? firstLine(thrown) : '';
  return said === '' ? 'no reason was given' : said;
}

/** Whether what was asked may have been sent, and so may be done: unless it is known that there was no connection. */
export function mayHaveLeft(thrown: unknown): boolean {
  return !withCauses(thrown).some((error) => beforeSending.has(codeOf(error) ?? ''));
}

interface Thrown {
  name?: unknown;
  message?: unknown;
  code?: unknown;
  cause?: unknown;
  errors?: unknown;
}

/** An error, and all those within it, from outside to inside. */
function withCauses(thrown: unknown): Thrown[] {
  const found: Thrown[] = [];
  const pending = [thrown];
  while (pending.length > 0 && found.length < mostWrapped) {
    const one = pending.shift();
    if (typeof one !== 'object' || one === null || found.includes(one)) continue;
    found.push(one);
    const { cause, errors } = one as Thrown;
    pending.push(cause, ...(Array.isArray(errors) ? errors : []));
  }
  return found;
}

function codeOf({ code }: Thrown): string | undefined {
  return typeof code === 'string' && code !== '' ? code : undefined;
}

function meaningOf(code: string): string | undefined {
  return meanings[code] ?? meaningsOfKinds.find(([kind]) => kind.test(code))?.[1];
}

function firstLine(text: unknown): string {
  return typeof text === 'string' ? (text.trim().split('\n')[0] ?? '').trim() : '';
}
