/** What the codes of connections that failed mean to whoever has to mend it. */
const meanings: Record<string, string> = {
  ENOTFOUND: 'its name is not known here',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'nothing listens at its address',
  EHOSTUNREACH: 'there is no way to its address from here',
  ENETUNREACH: 'there is no way to its address from here',
  ETIMEDOUT: 'its address does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'its address does not answer',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is of another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted here',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted here',
};

/** Why there was no answer, in a few words, with the code if there is one: `the connection was cut (ECONNRESET)`. */
export function whySilent(thrown: unknown): string {
  const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  if (code === undefined)
    return (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0] ?? '';
  const meaning = meanings[code];
  return meaning === undefined ? code : `${meaning} (${code})`;
}
