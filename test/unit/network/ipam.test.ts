import { describe, expect, test } from 'vitest';
import {
  choosePool,
  formatSubnet,
  gatewayOf,
  macOf,
  nextAddress,
  overlaps,
  parseRoutes,
  parseSubnet,
} from '#network/ipam.ts';

test.each([
  ['172.17.0.0/16', '172.17.0.0/16'],
  ['172.17.5.9/16', '172.17.0.0/16'],
  ['10.0.0.7/32', '10.0.0.7/32'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['255.255.255.255/1', '128.0.0.0/1'],
])('parseSubnet(%s) is %s', (text, expected) => {
  expect(formatSubnet(parseSubnet(text))).toBe(expected);
});

test.each(['172.17.0.0', '172.17.0.0/33', '256.0.0.0/8', 'x/8', '1.2.3/8', ''])(
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
    expect(nextAddress(subnet, taken(...last), 'web')).toBe(expected);
  });

  test('never gives the broadcast address', () => {
    expect(() => nextAddress(subnet, taken(1, 2, 3, 4, 5, 6), 'web')).toThrow(
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
