import { expect, test } from 'vitest';
import {
  addAddress,
  addBridge,
  addPair,
  enslave,
  leadOut,
  localRoute,
  markRule,
  replaceDefault,
  setApart,
  switchOn,
} from '#network/requests.ts';

const device = { name: 'eth0', mac: '02:42:ac:11:00:02', mtu: 1500 };

/** As ip(8) asks for the same (strace -e trace=sendmsg -e write=3), but for its sequence numbers. */
test.each([
  ['switchOn()', switchOn('lo'), '20:lo', '20000000100005000100000000000000000000000000000001000000' + '01000000'],
  [
    'addAddress()',
    addAddress('eth0', '172.17.0.2/16'),
    '20:eth0',
    '3000000014000506010000000000000002100000000000000800' + '0200ac1100020800' + '0100ac1100020800' + '0400ac11ffff',
  ],
  [
    'replaceDefault()',
    replaceDefault('172.17.0.1'),
    '-',
    '24000000180005050100000000000000020000' + '00fe03000100000000' + '08000500ac110001',
  ],
  [
    'leadOut()',
    leadOut('127.0.0.11', 'eth0', '172.17.0.2'),
    '48:eth0',
    '34000000180005050100000000000000022000' +
      '00ff03fd0100000000' +
      '080001007f00000b' +
      '08000700ac110002' +
      '0800040000000000',
  ],
  [
    'localRoute()',
    localRoute(4, 119),
    '32:lo',
    '24000000180005060100000000000000020000' + '007703fe0200000000' + '0800040000000000',
  ],
  [
    'markRule()',
    markRule(4, 0x7768, 119),
    '-',
    '24000000200005060100000000000000020000' + '007700000100000000' + '08000a0068770000',
  ],
])('%s is what ip(8) asks for', (_, line, places, hex) => {
  expect(line.split(' ').slice(0, 3)).toEqual(['send', places, hex]);
});

test.each([
  ['a bridge', addBridge({ ...device, name: 'br0' })],
  ['a pair', addPair(device, 'veth0', 9)],
  ['a place in a bridge', enslave('veth0', 'br0')],
  ['being apart', setApart('veth0')],
  ['an address of IPv6', addAddress('eth0', 'fd00::2/64')],
])('the request for %s is as long as its header says', (_, line) => {
  const bytes = Buffer.from(line.split(' ')[2] ?? '', 'hex');
  expect(bytes.readUInt32LE()).toBe(bytes.length);
  expect(bytes.length % 4).toBe(0);
});

test('a network of two has no broadcast address', () => {
  expect(addAddress('eth0', '10.0.0.0/31')).not.toContain('08000400');
  expect(addAddress('eth0', '10.0.0.1/30')).toContain('080004000a000003');
});
