import { createHmac } from 'node:crypto';

/*
 * The signature scheme of the Standard Webhooks specification, version 1.0.0, symmetric:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

const prefix = 'whsec_';

/** The key that a secret spells: `whsec_` and base64. Undefined: it spells none, or one of a size not allowed. */
export function keyOf(secret: string): Buffer | undefined {
  if (!secret.startsWith(prefix)) return undefined;
  const written = secret.slice(prefix.length);
  const key = Buffer.from(written, 'base64');
  // Buffer passes over what is no base64: a key that was mistyped would sign, and nobody could verify it.
  if (key.toString('base64').replace(/=+$/, '') !== written.replace(/=+$/, '')) return undefined;
  return key.length >= 24 && key.length <= 64 ? key : undefined;
}

/**
 * @param id must have no full stop, which separates what is signed
 * @returns one signature for each secret: a receiver accepts the message by any of them
 */
export function signatureHeaders(id: string, at: Date, body: string, secrets: readonly string[]) {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const key = keyOf(secret);
    if (!key) throw new Error('A signing secret is not whsec_ and 24 to 64 bytes in base64.');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
