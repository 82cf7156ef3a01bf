import t from 'tap';
import { compileAddressRules } from '../../../src/services/network/addresses.js';

const NONE = { allowedAddresses: [], deniedAddresses: [] };

const PUBLIC = ['8.8.8.8', '1.1.1.1', '223.255.255.254', '2606:4700:4700::1111', '2a00:1450::8a', '::ffff:8.8.8.8'];

// biome-ignore format: a table
const RESERVED: readonly (readonly [address: string, what: string])[] = [
  ['127.0.0.1',                 'loopback'],
  ['127.255.255.254',           'loopback'],
  ['10.0.0.1',                  'private'],
  ['172.16.0.1',                'private'],
  ['172.31.255.255',            'private'],
  ['192.168.1.1',               'private'],
  ['169.254.169.254',           'metadata of most clouds, link-local'],
  ['169.254.170.2',             'metadata of containers'],
  ['168.63.129.16',             'metadata of a cloud, on an address that looks public'],
  ['100.100.100.200',           'metadata of a cloud, carrier-grade NAT'],
  ['100.64.0.1',                'carrier-grade NAT'],
  ['0.0.0.0',                   'this host'],
  ['0.1.2.3',                   'this network'],
  ['192.0.0.192',               'metadata of a cloud, reserved'],
  ['192.0.2.1',                 'documentation'],
  ['198.18.0.1',                'benchmarks'],
  ['198.51.100.1',              'documentation'],
  ['203.0.113.1',               'documentation'],
  ['224.0.0.1',                 'multicast'],
  ['240.0.0.1',                 'reserved'],
  ['255.255.255.255',           'broadcast'],
  ['::1',                       'loopback'],
  ['::',                        'this host'],
  ['::127.0.0.1',               'retired IPv4-compatible'],
  ['::8.8.8.8',                 'retired IPv4-compatible'],
  ['::7f00:1',                  'retired IPv4-compatible'],
  ['::ffff:127.0.0.1',          'mapped loopback'],
  ['::ffff:a9fe:a9fe',          'mapped metadata'],
  ['::ffff:0:127.0.0.1',        'translated loopback'],
  ['64:ff9b::7f00:1',           'NAT64 to loopback'],
  ['64:ff9b::808:808',          'NAT64 to a public address'],
  ['64:ff9b:1::a00:1',          'local NAT64'],
  ['2002:7f00:1::',             '6to4 to loopback'],
  ['2002:808:808::1',           '6to4 to a public address'],
  ['2001::f5ff:fffe',           'Teredo'],
  ['fe80::1',                   'link-local'],
  ['fe80::1%eth0',              'link-local with a zone'],
  ['fec0::1',                   'retired site-local'],
  ['fd00:ec2::254',             'metadata of a cloud, unique local'],
  ['fc00::1',                   'unique local'],
  ['ff02::1',                   'multicast'],
  ['2001:db8::1',               'documentation'],
  ['3fff::1',                   'documentation'],
  ['100::1',                    'discard'],
  ['5f00::1',                   'segment routing'],
  ['4000::1',                   'not given to anybody'],
  ['1::1',                      'not given to anybody'],
];

t.test('public addresses are reached', async (t) => {
  const mayConnect = compileAddressRules(NONE);
  for (const address of PUBLIC) t.ok(mayConnect(address, undefined), address);
});

for (const [address, what] of RESERVED) {
  t.test(`${address} (${what}) is refused, unless the grant writes it out`, async (t) => {
    const mayConnect = compileAddressRules(NONE);
    t.notOk(mayConnect(address, undefined));
    if (!/^::\d+\./.test(address)) t.ok(mayConnect(address, 'literal'));
    t.equal(mayConnect(address, 'loopback'), /^(?:127\..*|::1|::ffff:127.*)$/.test(address), 'as localhost');
  });
}

t.test('what is no address is refused, however it is named', async (t) => {
  const mayConnect = compileAddressRules({ allowedAddresses: ['0.0.0.0/0', '::/0'], deniedAddresses: [] });
  for (const text of ['', 'localhost', '127.0.0.1.', '1.2.3.4.5', '12345::', '[::1]']) {
    t.notOk(mayConnect(text, undefined), text);
    t.notOk(mayConnect(text, 'literal'), text);
  }
});

t.test('an operator allows ranges and single addresses, in either kind of address', async (t) => {
  const mayConnect = compileAddressRules({ allowedAddresses: ['10.1.0.0/16', '::1', 'fd00::/8'], deniedAddresses: [] });
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '::1', 'fd12::3'])
    t.ok(mayConnect(address, undefined), address);
  for (const address of ['10.2.0.1', '127.0.0.1', 'fe80::1']) t.notOk(mayConnect(address, undefined), address);
});

t.test('an allowed NAT64 range lets pass what the IPv4 address within deserves', async (t) => {
  const mayConnect = compileAddressRules({
    allowedAddresses: ['64:ff9b::/96', '2002::/16', '2001::/32'],
    deniedAddresses: [],
  });
  t.ok(mayConnect('64:ff9b::808:808', undefined));
  t.notOk(mayConnect('64:ff9b::7f00:1', undefined));
  t.ok(mayConnect('2002:808:808::', undefined));
  t.notOk(mayConnect('2002:a9fe:a9fe::', undefined));
  t.notOk(mayConnect('2001::80ff:fffe', undefined), '127.0.0.1, inverted');
});

t.test('a denied range wins over everything, also within another address', async (t) => {
  const mayConnect = compileAddressRules({
    allowedAddresses: ['0.0.0.0/0', '::/0'],
    deniedAddresses: ['127.0.0.0/8', '8.8.8.8'],
  });
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '8.8.8.8', '64:ff9b::7f00:1', '2002:808:808::']) {
    t.notOk(mayConnect(address, undefined), address);
    t.notOk(mayConnect(address, 'literal'), address);
    t.notOk(mayConnect(address, 'loopback'), address);
  }
  t.ok(mayConnect('10.0.0.1', undefined));
});

t.test('a rule that is no range is told', async (t) => {
  for (const rule of ['10.0.0.256', '10.0.0.0/33', ':::', 'x'])
    t.throws(() => compileAddressRules({ ...NONE, allowedAddresses: [rule] }), Error, rule);
});
