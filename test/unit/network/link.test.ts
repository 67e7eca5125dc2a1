import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { containerScript, type Link, makeLinks, userScript } from '#network/link.ts';
import { bridgeState } from '#test/support/network.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const link = (number: number, change: Partial<Link> = {}): Link => ({
  interface: `eth${number}`,
  peer: `veth${number}`,
  bridge: `br${number}`,
  mtu: 1500,
  addresses: [`10.${number}.0.2/16`],
  mac: `02:42:0a:0${number}:00:02`,
  isAlone: false,
  sysctls: [],
  ...change,
});

const bridge = { interface: 'br0', addresses: ['10.0.0.1/16', 'fd00::1/64'], mac: '02:42:0a:00:00:01', mtu: 1500 };
const all = [bridgeState({ interface: 'br0', hasV6: true }), bridgeState({ interface: 'br1' })];

test.each([
  ['for the namespace of the user', userScript([bridge, { ...bridge, interface: 'br1' }], all)],
  ['for a container', containerScript({ links: [link(0), link(1)], gateways: ['10.0.0.1'] })],
  ['for a container that changes', containerScript({ links: [], gateways: [], gone: ['eth0', 'eth1'] })],
])('the script %s is one that a shell can read', (_, script) => {
  expect(spawnSync('sh', ['-n', '-c', script], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});

describe('containerScript()', () => {
  const linesOf = (links: Link[], gateways: string[] = []) => containerScript({ links, gateways }).split('\n');

  test('has a default route for each gateway', () => {
    const lines = linesOf([link(0), link(1)], ['10.0.0.1', 'fd00::1']);
    expect(lines.filter((line) => line.startsWith('route'))).toEqual([
      'route replace default via 10.0.0.1',
      'route replace default via fd00::1',
    ]);
  });

  test("gives each peer to its bridge in the user's namespace, after all else", () => {
    const lines = linesOf([link(0), link(1)]);
    const entered = lines.findIndex((line) => line.includes('nsenter --net=./user'));
    const given = lines.filter((line) => line.includes(' master '));
    expect(given).toEqual(['link set veth0 master br0 up', 'link set veth1 master br1 up']);
    expect(lines.indexOf(given[0] ?? '')).toBeGreaterThan(entered);
  });

  test('keeps containers apart whose network says so', () => {
    expect(linesOf([link(0, { isAlone: true })])).toContain('link set veth0 type bridge_slave isolated on');
    expect(linesOf([link(0)]).join()).not.toContain('isolated');
  });

  test('switches IPv6 off where there is no address of it, and waits for nobody where there is', () => {
    const lines = linesOf([link(0), link(1, { addresses: ['fd00::2/64'] })]).join('\n');
    expect(lines).toContain('/ipv6/conf/eth0/disable_ipv6');
    expect(lines).not.toContain('/ipv6/conf/eth1/disable_ipv6');
    expect(lines).toContain('addr add fd00::2/64 nodad dev eth1');
  });

  test('hands values of sysctls over as they are', () => {
    const lines = linesOf([link(0, { sysctls: [['net/ipv4/conf/eth0/x', `1'; rm -rf /`]] })]);
    expect(lines).toContain(`printf %s '1'\\''; rm -rf /' > /proc/sys/net/ipv4/conf/eth0/x`);
  });

  test('gives no broadcast address where there is no place for one', () => {
    expect(linesOf([link(0, { addresses: ['10.0.0.0/31'] })])).toContain('addr add 10.0.0.0/31  dev eth0');
  });
});

test('makeLinks() says which container, and why not', async () => {
  const making = makeLinks(temporaryDirectory(), 'no/such/file', { links: [link(0)], gateways: [] }, 'web');
  await expect(making).rejects.toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/^Cannot connect container "web" to its network: unshare: /),
      exitCode: 125,
    }),
  );
});
