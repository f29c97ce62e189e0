import { AddressList, senderAddress } from '../../src/receive/addresses.ts';
import { assert, suite } from '../support/suite.ts';

const addresses = suite('addresses');

const proxies = new AddressList(['10.0.0.0/8', 'fd00::/8', '::1', '203.0.113.5']);

const senders: [peer: string, header: string | undefined, sender: string][] = [
  ['198.51.100.7', '203.0.113.9', '198.51.100.7'], // who is no proxy is not believed
  ['10.0.0.1', '1.1.1.1, 203.0.113.9', '203.0.113.9'], // what stands further left anybody may have written
  ['10.0.0.1', '203.0.113.9, 203.0.113.5, 10.9.9.9', '203.0.113.9'],
  ['10.0.0.1', '203.0.113.9, garbage', 'garbage'],
  ['10.0.0.1', 'garbage', 'garbage'],
  ['10.0.0.1', '', '10.0.0.1'],
  ['10.0.0.1', '9.9.9.9:99999', '9.9.9.9'],
  ['10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
  ['::ffff:10.0.0.1', '2001:db8::9', '2001:db8::9'],
  ['::FFFF:10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['fd00::1', '[2001:db8::9]:443, [fd00::2]', '2001:db8::9'],
  ['::1', '2001:db8::9, 10.0.0.7:1234', '2001:db8::9'],
  ['fe80::1%eth0', '203.0.113.9', 'fe80::1'],
];
for (const [peer, header, sender] of senders) {
  addresses(`${peer} that forwards ${JSON.stringify(header)} speaks for ${sender}`, () => {
    assert.is(senderAddress(peer, header, proxies), sender);
  });
}

const listed: [entries: string[], address: string, isIn: boolean][] = [
  [['203.0.113.0/24'], '203.0.113.255', true],
  [['203.0.113.0/24'], '203.0.114.0', false],
  [['203.0.113.7'], '::ffff:203.0.113.7', true],
  [['203.0.113.7'], '::ffff:cb00:7107', true],
  [['203.0.113.7'], '::ffff:203.0.113.8', false],
  [['2001:db8::/32'], '2001:db8:ffff::1', true],
  [['2001:db8::/32'], '2001:db9::1', false],
  [['2001:db8::1'], '2001:0db8:0:0:0:0:0:1', true],
  [['0.0.0.0/0'], '2001:db8::1', false],
  [['::/0'], '2001:db8::1', true],
  [['203.0.113.7'], 'garbage', false],
  [['203.0.113.7'], '', false],
  [['203.0.113.7'], '203.0.113.7.1', false],
];
for (const [entries, address, isIn] of listed) {
  addresses(`${address || 'nothing'} is ${isIn ? '' : 'not '}in ${entries}`, () => {
    assert.is(new AddressList(entries).has(address), isIn);
  });
}

addresses.run();
