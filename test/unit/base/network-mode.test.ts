import { expect, test } from 'vitest';
import { dnsNames, isUserDefined, parseNetworkMode } from '#base/network-mode.ts';

test.each([
  ['', { kind: 'own', name: 'bridge' }],
  ['default', { kind: 'own', name: 'bridge' }],
  ['bridge', { kind: 'own', name: 'bridge' }],
  ['web', { kind: 'own', name: 'web' }],
  ['none', { kind: 'none' }],
  ['host', { kind: 'host' }],
  ['container:a:b', { kind: 'container', name: 'a:b' }],
  ['ns:/proc/1/ns/net', { kind: 'path', path: '/proc/1/ns/net' }],
  ['pasta', { kind: 'pasta', options: [] }],
  ['pasta:-t,80,--map-gw', { kind: 'pasta', options: ['-t', '80', '--map-gw'] }],
  ['slirp4netns:mtu=1500', { kind: 'slirp4netns', options: ['mtu=1500'] }],
])('parseNetworkMode(%j)', (text, expected) => {
  expect(parseNetworkMode(text)).toEqual(expected);
});

test('only networks that users make are user-defined', () => {
  expect(['web', 'a.b'].map(isUserDefined)).toEqual([true, true]);
  for (const mode of ['default', 'bridge', 'none', 'host', 'container:x', 'ns:/x', 'pasta', 'slirp4netns:mtu=1']) {
    expect(isUserDefined(mode)).toBe(false);
  }
});

test('a container is called by its name, its aliases, its short id and its host name, each once', () => {
  const id = 'abcdef0123456789'.repeat(4);
  expect(dnsNames({ name: 'web', id, hostname: 'abcdef012345' }, ['www', 'web', ''])).toEqual([
    'web',
    'www',
    'abcdef012345',
  ]);
  expect(dnsNames({ name: 'web', id, hostname: 'box' }, [])).toEqual(['web', 'abcdef012345', 'box']);
});
