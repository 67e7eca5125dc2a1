import { expect, test } from 'vitest';
import { displayPorts, listPorts } from '#container/portview.ts';

const at = (ip: string, ...ports: number[]) =>
  Object.fromEntries(ports.map((port) => [`${port}/tcp`, [{ HostIp: ip, HostPort: String(port) }]]));

test.each([
  ['nothing', {}, ''],
  ['exposed ports without an address', { '99/tcp': null, '53/udp': null }, '53/udp, 99/tcp'],
  ['neighbours as a range', { '80/tcp': null, '81/tcp': null, '83/tcp': null }, '80-81/tcp, 83/tcp'],
  [
    'a published port with another number',
    { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] },
    '0.0.0.0:8080->80/tcp',
  ],
  ['the same number as a range', at('0.0.0.0', 80, 81, 82), '0.0.0.0:80-82->80-82/tcp'],
  ['IPv6 in brackets', { '80/tcp': [{ HostIp: '::', HostPort: '8080' }] }, '[::]:8080->80/tcp'],
  [
    'mapped ports last',
    {
      '80/tcp': [
        { HostIp: '0.0.0.0', HostPort: '18090' },
        { HostIp: '::', HostPort: '18090' },
      ],
      '81/udp': [{ HostIp: '127.0.0.1', HostPort: '18091' }],
      '99/tcp': null,
    },
    '99/tcp, 0.0.0.0:18090->80/tcp, [::]:18090->80/tcp, 127.0.0.1:18091->81/udp',
  ],
])('shows %s', (_what, map, text) => {
  expect(displayPorts(listPorts(map))).toBe(text);
});
