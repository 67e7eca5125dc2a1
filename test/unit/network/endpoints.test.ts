import { describe, expect, test } from 'vitest';
import {
  type Candidate,
  checkEndpoint,
  deviceOf,
  gatewaysOf,
  localAddressesOf,
  readLink,
  sysctlsOf,
} from '#network/endpoints.ts';
import { blankRecord } from '#network/records.ts';
import { networkRecord } from '#test/support/network.ts';

const asked = networkRecord({ pools: [{ subnet: '10.1.2.0/24', gateway: '10.1.2.1', asked: 'subnet' }] });
const chosen = networkRecord({ pools: [{ subnet: '172.18.0.0/16', gateway: '172.18.0.1' }] });
const NOT_IN = 'no configured subnet or ip-range contain the IP address';
const NOT_ASKED =
  'user specified IP address is supported only when connecting to networks with user configured subnets';
const ONLY_OWN = 'user specified IP address is supported on user defined networks only';

// What Docker 28.5 says.
describe('checkEndpoint()', () => {
  const address = (v4?: string, v6?: string) => ({
    IPAMConfig: { ...(v4 ? { IPv4Address: v4 } : {}), ...(v6 ? { IPv6Address: v6 } : {}) },
  });

  test.each([
    ['web', asked, address('10.1.2.9')],
    ['web', asked, {}],
    ['web', undefined, address('10.1.2.9')],
    ['web', asked, { Aliases: ['a'], MacAddress: '02:42:ac:11:00:99' }],
    ['bridge', chosen, { IPAMConfig: { LinkLocalIPs: ['169.254.3.4'] } }],
  ])('lets pass on %s: %#', (name, network, request) => {
    expect(() => checkEndpoint(name, network, request)).not.toThrow();
  });

  test.each([
    ['web', asked, address('1.2.3.4'), `${NOT_IN} 1.2.3.4`],
    ['web', chosen, address('172.18.0.9'), NOT_ASKED],
    ['web', asked, address('nonsense'), `* invalid IPv4 address: nonsense\n* ${NOT_IN} nonsense`],
    ['web', asked, address('', 'fd00::1'), NOT_ASKED],
    ['bridge', asked, address('10.1.2.9'), ONLY_OWN],
    ['host', blankRecord('host', 'host'), address('1.2.3.4'), `* ${ONLY_OWN}\n* ${NOT_ASKED}`],
    ['container:x', undefined, address('1.2.3.4'), ONLY_OWN],
    ['web', asked, { IPAMConfig: { LinkLocalIPs: ['x'] } }, 'invalid link-local IP address: x'],
    [
      'web',
      asked,
      { DriverOpts: { 'com.docker.network.endpoint.sysctls': 'nonsense' } },
      "unrecognised network interface sysctl 'nonsense'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'",
    ],
  ])('refuses on %s: %#', (name, network, request, why) => {
    expect(() => checkEndpoint(name, network, request)).toThrow(`invalid endpoint settings:\n${why}`);
  });
});

describe('localAddressesOf()', () => {
  test('gives them with prefix lengths', () => {
    const LinkLocalIPs = ['169.254.3.4', 'FE80::9', 'febf::1'];
    expect(localAddressesOf({ IPAMConfig: { LinkLocalIPs } })).toEqual(['169.254.3.4/16', 'FE80::9/64', 'febf::1/64']);
    expect(localAddressesOf({})).toEqual([]);
  });

  test.each(['10.1.1.1', '169.255.0.1', 'fec0::1', '::1'])('refuses %s', (address) => {
    const request = { IPAMConfig: { LinkLocalIPs: [address] } };
    expect(() => localAddressesOf(request, 'no way: ')).toThrow(`no way: invalid link local IP address: ${address}`);
  });
});

describe('gatewaysOf()', () => {
  const place = (network: string, change: Partial<Candidate> = {}, both = false): Candidate => ({
    endpoint: { network, aliases: [], gateway: `${network}.v4`, ...(both ? { gateway6: `${network}.v6` } : {}) },
    priority: 0,
    isInternal: false,
    ...change,
  });

  test.each([
    ['the first by name', [place('b'), place('a')], ['a.v4']],
    ['the one with both versions', [place('a'), place('b', {}, true)], ['b.v4', 'b.v6']],
    ['the highest priority', [place('a', {}, true), place('b', { priority: 1 })], ['b.v4', 'a.v6']],
    ['not the lowest', [place('a', { priority: -1 }), place('b')], ['b.v4']],
    ['never an internal one', [place('a', { isInternal: true, priority: 9 }), place('b')], ['b.v4']],
    ['none where all are internal', [place('a', { isInternal: true })], []],
  ])('takes %s', (_, places, expected) => {
    const { v4, v6 } = gatewaysOf(places);
    expect([v4?.gateway, v6?.gateway6].filter((gateway) => gateway !== undefined)).toEqual(expected);
  });
});

test.each([
  ['db', { target: 'db', alias: 'db' }],
  ['db:store', { target: 'db', alias: 'store' }],
  ['/db:store', { target: 'db', alias: 'store' }],
  ['db:', { target: 'db', alias: 'db' }],
])('readLink(%s)', (text, expected) => {
  expect(readLink(text)).toEqual(expected);
});

test('an interface is called as was asked, where a device can be called so', () => {
  const named = (name: string) => deviceOf({ DriverOpts: { 'com.docker.network.endpoint.ifname': name } });
  expect(named('lan0')).toBe('lan0');
  expect(deviceOf({})).toBeUndefined();
  for (const wrong of ['lo', 'a/b', 'sixteenlettersss', '..', 'a b']) expect(() => named(wrong)).toThrow();
});

test('sysctls of an interface become paths with its name', () => {
  const options = {
    'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.forwarding=1,net.ipv6.neigh.IFNAME.x=a=b',
  };
  expect(sysctlsOf({ DriverOpts: options }, 'eth1')).toEqual([
    ['net/ipv4/conf/eth1/forwarding', '1'],
    ['net/ipv6/neigh/eth1/x', 'a=b'],
  ]);
});
