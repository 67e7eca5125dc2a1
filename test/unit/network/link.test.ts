import { describe, expect, test } from 'vitest';
import { containerPlan, type Link, makeLinks, queryRules, userPlan } from '#network/link.ts';
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

/** A plan without the bytes of its requests. */
const plain = (plan: string[]) => plan.map((line) => line.replace(/send (\S+) [0-9a-f]+/, 'send $1'));

test('userPlan() makes bridges whether they are there or not, and lets the namespace forward', () => {
  expect(plain(userPlan([bridge], [bridgeState({ interface: 'br0', hasV6: true })]))).toEqual([
    'enter ./user',
    'send 20:lo interface lo',
    'once send - bridge br0',
    'send 20:br0 interface br0',
    'once send 20:br0 address 10.0.0.1/16 of br0',
    'once send 20:br0 address fd00::1/64 of br0',
    'once send 20:br0 address fe80::42:aff:fe00:1/64 of br0',
    'send 20:br0 interface br0',
    'write /proc/sys/net/ipv4/ip_forward 1',
    'write /proc/sys/net/ipv6/conf/all/forwarding 1',
  ]);
  expect(userPlan([], [bridgeState({ hasV6: false })]).join()).not.toContain('ipv6');
  expect(plain(userPlan([], [], { 4: true }))).toContain('once send - rule of IPv4 for answers');
});

describe('containerPlan()', () => {
  const linesOf = (links: Link[], gateways: string[] = [], gone: string[] = []) =>
    plain(containerPlan({ links, gateways, gone }));

  test('has a default route for each gateway', () => {
    const lines = linesOf([link(0), link(1)], ['10.0.0.1', 'fd00::1']);
    expect(lines.filter((line) => line.includes('route'))).toEqual([
      'send - default route via 10.0.0.1',
      'send - default route via fd00::1',
    ]);
  });

  test("gives each peer to its bridge in the user's namespace, after all else", () => {
    const lines = linesOf([link(0), link(1)]);
    expect(lines.slice(lines.indexOf('enter ./user') + 1)).toEqual([
      'send 20:veth0 interface veth0',
      'send 20:veth0/36:br0 interface veth0 of bridge br0',
      'send 20:veth1 interface veth1',
      'send 20:veth1/36:br1 interface veth1 of bridge br1',
    ]);
  });

  test('keeps containers apart whose network says so', () => {
    expect(linesOf([link(0, { isAlone: true })]).at(-1)).toBe('send 20:veth0 interface veth0');
    expect(linesOf([link(0)]).at(-1)).toContain('of bridge');
  });

  test('switches IPv6 off where there is no address of it, and waits for nobody where there is', () => {
    const lines = linesOf([link(0), link(1, { addresses: ['fd00::2/64'] })]).join('\n');
    expect(lines).toContain('try write /proc/sys/net/ipv6/conf/eth0/disable_ipv6 1');
    expect(lines).not.toContain('/ipv6/conf/eth1/disable_ipv6');
    expect(lines).toContain('address fe80::42:aff:fe01:2/64 of eth1');
  });

  test('hands values of sysctls over as they are', () => {
    const lines = linesOf([link(0, { sysctls: [['net/ipv4/conf/eth0/x', `1'; rm -rf /`]] })]);
    expect(lines).toContain(`write /proc/sys/net/ipv4/conf/eth0/x 1'; rm -rf /`);
  });

  test("leads queries for Docker's name server out before anything is done elsewhere", () => {
    const names = { server: '10.0.0.1', interface: 'eth0', address: '10.0.0.2' };
    const lines = plain(containerPlan({ links: [link(0)], gateways: ['10.0.0.1'], names }));
    const at = lines.indexOf('try send 48:eth0 route to 127.0.0.11 by eth0');
    expect(lines.slice(at - 1, at)).toEqual(['send - default route via 10.0.0.1']);
    expect(at).toBeLessThan(lines.indexOf('enter ./user'));
  });

  test('takes away what goes, and needs nothing of the namespace of the user for that', () => {
    expect(linesOf([], ['10.0.0.1'], ['eth0'])).toEqual([
      'try send 20:eth0 interface eth0',
      'send 20:lo interface lo',
      'send - default route via 10.0.0.1',
    ]);
  });
});

test('queries for names are led to nobody any more when the network whose server answered them goes', () => {
  const names = { server: '10.0.0.1', interface: 'eth0', address: '10.0.0.2' };
  expect(queryRules({ names, gone: ['eth1'] })).toContain('dnat to 10.0.0.1:53');
  expect(queryRules({ names: undefined, gone: ['eth0'] })).toBe(
    'table ip wherry_names\ndelete table ip wherry_names\n',
  );
  expect(queryRules({})).toBeUndefined();
});

test('makeLinks() says which container, and why not', async () => {
  const making = makeLinks(temporaryDirectory(), 'no/such/file', { links: [link(0)], gateways: [] }, 'web');
  await expect(making).rejects.toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/^Cannot connect container "web" to its network: \.\/no\/such\/file: /),
      exitCode: 125,
    }),
  );
});
