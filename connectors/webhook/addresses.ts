import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/*
 * A webhook must not be a way into the network that the bridge stands in. Addresses are looked at where a connection is
 * opened, and it is opened to what was looked at: a name that gives another answer the next time gains nothing.
 */

/** IPv4 that is not for everybody: the IANA Special-Purpose Address Registry, multicast and reserved. */
const privateIPv4: readonly [network: string, bits: number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

/** Within the IPv6 addresses that are for everybody (2000::/3): protocols, Teredo, documentation, 6to4. */
const privateWithinGlobal: readonly [network: string, bits: number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

/** IPv4 addresses as a network without IPv4 writes them (RFC 6052). */
const translated = '64:ff9b::';

const refused = new BlockList();
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');
global.addSubnet(translated, 96, 'ipv6');
for (const [network, bits] of privateWithinGlobal) refused.addSubnet(network, bits, 'ipv6');
for (const [network, bits] of privateIPv4) {
  refused.addSubnet(network, bits, 'ipv4');
  refused.addSubnet(`${translated}${network}`, 96 + bits, 'ipv6');
}

/** Whether an address is of this machine, this network, or otherwise not one of a server on the internet. */
export function isPrivate(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, '');
  switch (isIP(bare)) {
    case 4:
      return refused.check(bare, 'ipv4');
    case 6:
      // All others are private: loopback, local, multicast, IPv4 in IPv6 clothes (::ffff:127.0.0.1), one with a zone.
      return bare.includes('%') || !global.check(bare, 'ipv6') || refused.check(bare, 'ipv6');
    default:
      return true;
  }
}

/** The host of a URL, if it is an address and a private one. A name is looked at when it is looked up. */
export function privateLiteral(url: string): string | undefined {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return isIP(host) !== 0 && isPrivate(host) ? host : undefined;
}

export class PrivateAddress extends Error {
  override name = 'PrivateAddress';
}

export type Resolve = (
  host: string,
  options: { all: true; family: number; hints?: number | undefined },
  found: (problem: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Looks names up for `node:net`, and answers none of a name that has a private address. */
export function guardedLookup(allowPrivate: boolean, resolve: Resolve = lookup): LookupFunction {
  return (host, options, found) => {
    resolve(host, { ...options, family: Number(options.family ?? 0), all: true }, (problem, addresses) => {
      const [first] = addresses ?? [];
      if (problem || !first) return found(problem ?? new Error(`${host} has no address.`), []);
      const bad = allowPrivate ? undefined : addresses.find(({ address }) => isPrivate(address));
      if (bad) return found(new PrivateAddress(`${host} is at ${bad.address}, a private address`), []);
      if (options.all) found(null, addresses);
      else found(null, first.address, first.family);
    });
  };
}
