import { describe, expect, test } from 'vitest';
import { network } from '#cli/network-value.ts';
import { type NetworkValues, readNetworks } from '#cli/run-network.ts';

const NOTHING: NetworkValues = {
  ip: undefined,
  ip6: undefined,
  link: [],
  linkLocalIp: [],
  macAddress: undefined,
  net: [],
  netAlias: [],
  network: [],
  networkAlias: [],
};
const flags = (...texts: string[]) => texts.flatMap((text) => network.read(text, []));
const read = (texts: string[], more: Partial<NetworkValues> = {}) =>
  readNetworks({ ...NOTHING, network: flags(...texts), ...more });

describe('--network', () => {
  test.each([
    ['web', { target: 'web', aliases: [] }],
    ['container:db', { target: 'container:db', aliases: [] }],
    ['pasta:-t,8080', { target: 'pasta:-t,8080', aliases: [] }],
    ['slirp4netns:mtu=1500,cidr=10.0.0.0/8', { target: 'slirp4netns:mtu=1500,cidr=10.0.0.0/8', aliases: [] }],
    ['ns:/run/netns/x=y', { target: 'ns:/run/netns/x=y', aliases: [] }],
    [
      'name=web,alias=a,alias=b,ip=10.0.0.9,ip6=fd00::9,mac-address=02:00:00:00:00:01,gw-priority=-3',
      { target: 'web', aliases: ['a', 'b'], ipv4: '10.0.0.9', ipv6: 'fd00::9', mac: '02:00:00:00:00:01', priority: -3 },
    ],
    [
      'name=web,link-local-ip=169.254.1.9,driver-opt=com.docker.x=IFNAME=1',
      { target: 'web', aliases: [], linkLocal: ['169.254.1.9'], options: { 'com.docker.x': 'IFNAME=1' } },
    ],
    [
      'web:ip=10.0.0.9,alias=a,mac=02:00:00:00:00:01,interface_name=lan0',
      {
        target: 'web',
        aliases: ['a'],
        ipv4: '10.0.0.9',
        mac: '02:00:00:00:00:01',
        options: { 'com.docker.network.endpoint.ifname': 'lan0' },
      },
    ],
  ])('%s', (text, expected) => {
    expect(flags(text)).toEqual([expected]);
  });

  test.each([
    ['name=web,nonsense=a', 'invalid field key nonsense'],
    ['name=web,link=a', 'invalid field key link'],
    ['alias=x', 'network name/id is not specified'],
    ['name=web,gw-priority=1.5', 'invalid gw-priority (1.5): invalid syntax'],
    ['name=web,driver-opt=x', 'invalid key value pair format in driver options'],
    ['web:nonsense=a', 'invalid field key nonsense'],
  ])('%s is refused', (text, message) => {
    expect(() => flags(text)).toThrow(message);
  });
});

test('without any flag it is the default network', () => {
  expect(read([])).toEqual({ mode: 'default', networks: { default: {} }, links: null });
});

test('flags about one network are for the first of them', () => {
  const { networks } = read(['a', 'b'], { networkAlias: ['x'], ip: '10.0.0.9', macAddress: '02:00:00:00:00:01' });
  expect(networks).toEqual({
    a: { Aliases: ['x'], IPAMConfig: { IPv4Address: '10.0.0.9' }, MacAddress: '02:00:00:00:00:01' },
    b: {},
  });
});

test("links are the network's own, or of old on the default one", () => {
  expect(read(['web'], { link: ['db:store'] })).toMatchObject({
    networks: { web: { Links: ['db:store'] } },
    links: null,
  });
  expect(read([], { link: ['db:store'] })).toEqual({
    mode: 'default',
    networks: { default: {} },
    links: ['db:store'],
  });
});

// What the client of Docker 28.5 says.
test.each<[string[], Partial<NetworkValues>, string]>([
  [[''], {}, 'no name set for network'],
  [['a', 'a'], {}, 'network "a" is specified multiple times'],
  [['a', 'bridge'], {}, 'conflicting options: cannot attach both user-defined and non-user-defined network-modes'],
  [['host', 'a'], {}, 'conflicting options: cannot attach both user-defined and non-user-defined network-modes'],
  [['bridge'], { networkAlias: ['x'] }, 'network-scoped aliases are only supported for user-defined networks'],
  [[], { networkAlias: ['x'] }, 'network-scoped aliases are only supported for user-defined networks'],
  [['a'], { macAddress: 'x' }, 'x is not a valid mac address'],
  [
    ['name=a,ip=1.2.3.4'],
    { ip: '1.2.3.4' },
    'conflicting options: cannot specify both --ip and per-network IPv4 address',
  ],
  [['name=a,ip6=::1'], { ip6: '::1' }, 'conflicting options: cannot specify both --ip6 and per-network IPv6 address'],
  [
    ['name=a,alias=x'],
    { networkAlias: ['y'] },
    'conflicting options: cannot specify both --network-alias and per-network alias',
  ],
  [
    ['name=a,mac-address=02:00:00:00:00:01'],
    { macAddress: '02:00:00:00:00:02' },
    'conflicting options: cannot specify both --mac-address and per-network MAC address',
  ],
])('%j with %j is refused', (texts, more, message) => {
  expect(() => read(texts, more)).toThrow(message);
});
