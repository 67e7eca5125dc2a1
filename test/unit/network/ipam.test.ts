import { describe, expect, test } from 'vitest';
import {
  chooseLocalPool,
  choosePool,
  contains,
  formatSubnet,
  gatewayOf,
  linkLocalOf,
  macOf,
  nextAddress,
  normalAddress,
  overlaps,
  parseAddress,
  parseRoutes,
  parseRoutes6,
  parseSubnet,
} from '#network/ipam.ts';

test.each([
  ['172.17.0.0/16', '172.17.0.0/16'],
  ['172.17.5.9/16', '172.17.0.0/16'],
  ['10.0.0.7/32', '10.0.0.7/32'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['255.255.255.255/1', '128.0.0.0/1'],
  ['fd00:1::5/64', 'fd00:1::/64'],
  ['FD00:0:0:1::/127', 'fd00:0:0:1::/127'],
  ['::/0', '::/0'],
])('parseSubnet(%s) is %s', (text, expected) => {
  expect(formatSubnet(parseSubnet(text))).toBe(expected);
});

test.each(['172.17.0.0', '172.17.0.0/33', '256.0.0.0/8', 'x/8', '1.2.3/8', 'fd00::/129', 'fe80::%eth0/64', ''])(
  'parseSubnet(%j) is refused',
  (text) => {
    expect(() => parseSubnet(text)).toThrow(`invalid CIDR address: ${text}`);
  },
);

test.each([
  ['172.17.0.0/16', '172.17.3.0/24', true],
  ['172.17.0.0/16', '172.18.0.0/16', false],
  ['0.0.0.0/0', '10.0.0.0/8', true],
  ['10.0.0.0/25', '10.0.0.128/25', false],
  ['fd00::/48', 'fd00:0:0:1::/64', true],
  ['0.0.0.0/0', '::/0', false],
])('overlaps(%s, %s) is %s, either way round', (a, b, expected) => {
  expect(overlaps(parseSubnet(a), parseSubnet(b))).toBe(expected);
  expect(overlaps(parseSubnet(b), parseSubnet(a))).toBe(expected);
});

describe('choosePool()', () => {
  test.each([
    [[], '172.17.0.0/16'],
    [['172.17.0.0/16'], '172.18.0.0/16'],
    [['172.17.4.0/24', '172.18.0.1/32', '172.19.0.0/16'], '172.20.0.0/16'],
    [['172.16.0.0/12'], '192.168.0.0/20'],
    [['172.16.0.0/12', '192.168.1.0/24'], '192.168.16.0/20'],
  ])('beside %j gives %s', (used, expected) => {
    expect(formatSubnet(choosePool(used.map(parseSubnet)))).toBe(expected);
  });

  test('says so in words of Docker when all is taken', () => {
    expect(() => choosePool([parseSubnet('128.0.0.0/1')])).toThrow(
      'all predefined address pools have been fully subnetted',
    );
  });
});

describe('nextAddress()', () => {
  const subnet = parseSubnet('10.1.2.0/29');
  const taken = (...last: number[]) => new Set(last.map((one) => `10.1.2.${one}`));

  test.each([
    [[1], '10.1.2.2'],
    [[1, 2, 4], '10.1.2.3'],
    [[1, 2, 3, 4, 5], '10.1.2.6'],
  ])('with %j taken gives the lowest free one, %s', (last, expected) => {
    expect(nextAddress({ subnet }, taken(...last), 'web')).toBe(expected);
  });

  test('never gives the broadcast address', () => {
    expect(() => nextAddress({ subnet }, taken(1, 2, 3, 4, 5, 6), 'web')).toThrow(
      "no available IPv4 addresses on this network's address pools: web",
    );
  });
});

test('the gateway is the first host address', () => {
  expect(gatewayOf(parseSubnet('172.17.0.0/16'))).toBe('172.17.0.1');
});

test('macOf() follows from the address', () => {
  expect(macOf('172.17.0.254')).toBe('02:42:ac:11:00:fe');
});

test('parseRoutes() reads the table of the kernel and leaves out routes that are down', () => {
  const table = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
gone0\t000012AC\t00000000\t0000\t0\t0\t0\t0000FFFF\t0\t0\t0
`;
  expect(parseRoutes(table).map((route) => `${route.interface} ${formatSubnet(route.subnet)}`)).toEqual([
    'eth0 0.0.0.0/0',
    'docker0 172.17.0.0/16',
  ]);
});

// RFC 5952: lower case, no leading zeros, the longest run of zeros (the first of several) becomes ::, never a single one.
test.each([
  ['::', '::'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['FD00::00A1', 'fd00::a1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['1:0:2:0:3:0:4:0', '1:0:2:0:3:0:4:0'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
  ['::ffff:1.2.3.4', '::ffff:102:304'],
  ['10.1.2.3', '10.1.2.3'],
  ['nonsense', 'nonsense'],
])('normalAddress(%s) is %s', (text, expected) => {
  expect(normalAddress(text)).toBe(expected);
});

test('any address comes back from its number as it went in', () => {
  const random = () => Math.floor(Math.random() * 0x10000) * Number(Math.random() > 0.4);
  for (let round = 0; round < 500; round += 1) {
    const groups = Array.from({ length: 8 }, random);
    const text = groups.map((group) => group.toString(16)).join(':');
    const number = groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
    expect(parseAddress(text)?.number).toBe(number);
    expect(parseAddress(normalAddress(text))?.number).toBe(number);
    expect(new URL(`http://[${text}]`).hostname).toBe(`[${normalAddress(text)}]`);
  }
});

test.each([
  ['10.0.0.0/8', '10.255.255.255', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['10.0.0.0/8', '10.2.0.0/16', true],
  ['10.0.0.0/16', '10.0.0.0/8', false],
  ['10.0.0.0/8', 'fd00::1', false],
  ['fd00::/64', 'fd00::ffff:ffff:ffff:ffff', true],
  ['fd00::/64', 'fd00:0:0:1::', false],
  ['10.0.0.0/8', 'nonsense', false],
])('contains(%s, %s) is %s', (subnet, text, expected) => {
  expect(contains(parseSubnet(subnet), text)).toBe(expected);
});

test('nextAddress() stays in the range of the subnet that it is given', () => {
  const [subnet, range] = [parseSubnet('10.81.0.0/24'), parseSubnet('10.81.0.128/31')];
  const taken = new Set<string>();
  for (let round = 0; round < 2; round += 1) taken.add(nextAddress({ subnet, range }, taken, 'web'));
  expect([...taken]).toEqual(['10.81.0.128', '10.81.0.129']);
  expect(() => nextAddress({ subnet, range }, taken, 'web')).toThrow('no available IPv4 addresses');
});

test('nextAddress() gives IPv6 addresses, the last one of a subnet too', () => {
  const subnet = parseSubnet('fd00::/126');
  expect(nextAddress({ subnet }, new Set(['fd00::1', 'fd00::2']), 'web')).toBe('fd00::3');
  expect(() => nextAddress({ subnet }, new Set(['fd00::1', 'fd00::2', 'fd00::3']), 'web')).toThrow(
    'no available IPv6 addresses',
  );
});

test('a gateway is the first address of the range, when there is one', () => {
  expect(gatewayOf(parseSubnet('10.0.0.0/16'), parseSubnet('10.0.5.0/24'))).toBe('10.0.5.0');
  expect(gatewayOf(parseSubnet('fd00::/64'))).toBe('fd00::1');
});

test('chooseLocalPool() takes the first /64 that is free', () => {
  const local = parseSubnet('fd41:bdcc:d763::/48');
  expect(formatSubnet(chooseLocalPool(local, [parseSubnet('fd41:bdcc:d763::/64')]))).toBe('fd41:bdcc:d763:1::/64');
});

test('linkLocalOf() follows from the hardware address', () => {
  expect(linkLocalOf('02:42:ac:11:00:02')).toBe('fe80::42:acff:fe11:2');
});

test('parseRoutes6() leaves out the loopback, and routes that refuse', () => {
  const zero = '00000000000000000000000000000000';
  const table = `fd000000000000000000000000000000 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001     eth0
${zero} 00 ${zero} 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0
${zero} 00 ${zero} 00 ${zero} ffffffff 00000001 00000000 00200200       lo
fd010000000000000000000000000000 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000201     eth1
`;
  expect(parseRoutes6(table).map((route) => `${route.interface} ${formatSubnet(route.subnet)}`)).toEqual([
    'eth0 fd00::/64',
    'eth0 ::/0',
  ]);
});
