import { BlockList, isIP } from 'node:net';

/** A list of addresses and CIDR ranges, IPv4 and IPv6. An IPv4 address in IPv6 clothes counts as what it is. */
export class AddressList {
  /** Most sources have none, and one is dear. */
  readonly #list: BlockList | undefined;

  /** @throws when an entry is neither an address nor a range. */
  constructor(entries: readonly string[]) {
    if (entries.length === 0) return;
    this.#list = new BlockList();
    for (const entry of entries) {
      const [address = '', bits] = entry.split('/', 2);
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(bits), family);
    }
  }

  get isEmpty(): boolean {
    return this.#list === undefined;
  }

  has(address: string): boolean {
    if (!this.#list) return false;
    const plain = plainAddress(address);
    const version = isIP(plain);
    return version !== 0 && this.#list.check(plain, version === 6 ? 'ipv6' : 'ipv4');
  }
}

/** Drops what may surround an address: `::ffff:` before IPv4, a zone, brackets, a port after brackets or IPv4. */
export function plainAddress(address: string): string {
  const bare = address
    .trim()
    .replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
    .replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  if (mapped) return mapped[1] as string;
  return /^\d+\.\d+\.\d+\.\d+:\d+$/.test(bare) ? bare.replace(/:\d+$/, '') : bare;
}

/**
 * Who sent a request: the peer, or, where the peer is a declared proxy, the nearest address in X-Forwarded-For that
 * is not one. What stands further left in that header is the sender's own claim.
 */
export function senderAddress(peer: string, forwardedFor: string | undefined, proxies: AddressList): string {
  if (!forwardedFor || !proxies.has(peer)) return plainAddress(peer);
  const hops = forwardedFor.split(',').map(plainAddress).reverse();
  return hops.find((hop) => !proxies.has(hop)) ?? hops.at(-1) ?? plainAddress(peer);
}
