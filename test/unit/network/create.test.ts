import { describe, expect, test } from 'vitest';
import { createNetwork, type NetworkRequest } from '#network/create.ts';
import { listNetworks, needNetwork } from '#network/records.ts';
import { temporaryStore } from '#test/support/store.ts';

const make = (request: Partial<NetworkRequest>, store = temporaryStore()) =>
  createNetwork(store, { name: 'web', ...request });
const subnet = (text: string, more: object = {}) => ({ pools: [{ subnet: text, ...more }] });

test('a network has a free IPv4 subnet, the first address as gateway, and a bridge after its id', async () => {
  const store = temporaryStore();
  const { id, pools, ...record } = await make({}, store);
  expect(record).toMatchObject({ driver: 'bridge', ipv4: true, ipv6: false, interface: `br-${id.slice(0, 12)}` });
  expect(pools).toEqual([
    { subnet: expect.stringMatching(/^(172\.\d+|192\.168)\./), gateway: expect.stringMatching(/\.1$/) },
  ]);
  expect(await needNetwork(store, 'web')).toEqual({ id, pools, ...record });
});

test('networks never overlap, also with the default one, and IPv6 ones are neighbours', async () => {
  const store = temporaryStore();
  await needNetwork(store, 'bridge');
  await Promise.all(['a', 'b', 'c'].map((name) => make({ name, ipv6: true }, store)));
  const subnets = listNetworks(store).flatMap(({ pools }) => pools.map((pool) => pool.subnet));
  expect(new Set(subnets).size).toBe(7);
  const local = subnets.filter((text) => text.startsWith('fd'));
  expect(new Set(local.map((text) => text.split(':').slice(0, 3).join(':').replace('::/64', ''))).size).toBe(1);
});

test('what the user gives is kept, with a gateway from the range', async () => {
  const { pools } = await make(subnet('10.1.0.0/16', { range: '10.1.5.0/24', aux: { printer: '10.1.0.9' } }));
  expect(pools).toEqual([
    { subnet: '10.1.0.0/16', range: '10.1.5.0/24', gateway: '10.1.5.0', aux: { printer: '10.1.0.9' }, asked: 'subnet' },
  ]);
});

test('an IPv6 subnet goes beside a chosen IPv4 one, after it as Docker keeps them', async () => {
  const { pools } = await make({ ipv6: true, ...subnet('fd00:1::/64') });
  expect(pools.map((pool) => pool.asked)).toEqual(['subnet', undefined]);
  expect(pools[0]).toMatchObject({ subnet: 'fd00:1::/64', gateway: 'fd00:1::1' });
});

// What Docker 28.5 says.
describe('createNetwork() refuses in words of Docker', () => {
  const config = (why: string) => `invalid network config:\n${why}`;
  const option = (name: string, value: string) => ({ options: { [`com.docker.network.${name}`]: value } });
  const small = '10.84.0.0/16';

  test.each<[Partial<NetworkRequest>, string]>([
    [{ name: '' }, 'invalid name: name is empty'],
    [{ name: 'host' }, 'operation is not permitted on predefined host network'],
    [{ name: 'pasta' }, 'operation is not permitted on predefined pasta network'],
    [{ name: 'default' }, 'operation is not permitted on predefined default network'],
    [{ driver: 'null' }, 'only one instance of "null" network is allowed'],
    [{ driver: 'nonsense' }, 'plugin "nonsense" not found'],
    [{ ipamDriver: 'nonsense' }, 'plugin "nonsense" not found'],
    [{ ipamDriver: 'null' }, 'ipv4 pool is empty'],
    [{ ipv4: false }, 'IPv4 or IPv6 must be enabled'],
    [subnet('nonsense'), config('invalid subnet nonsense: invalid CIDR block notation')],
    [subnet('10.84.0.1/16'), config('invalid subnet 10.84.0.1/16: it should be 10.84.0.0/16')],
    [
      subnet(small, { range: '10.84.0.0/8' }),
      config(
        `* invalid ip-range 10.84.0.0/8: CIDR block is bigger than its parent subnet ${small}\n* invalid ip-range 10.84.0.0/8: it should be 10.0.0.0/8`,
      ),
    ],
    [subnet(small, { gateway: '10.84.0.0' }), 'failed to allocate gateway (10.84.0.0): Address already in use'],
    [
      subnet(small, { aux: { a: '10.84.0.1' } }),
      'failed to allocate secondary ip address (a:10.84.0.1): Address already in use',
    ],
    [{ pools: [{ subnet: small }, { subnet: '10.85.0.0/16' }] }, "bridge driver doesn't support multiple subnets"],
    [option('bridge.name', 'averyveryverylongname'), 'numerical result out of range'],
    [option('bridge.name', 'a/b'), 'invalid argument'],
    [option('bridge.name', 'lo'), 'existing interface lo is not a bridge'],
    [
      option('driver.mtu', 'x'),
      'failed to parse com.docker.network.driver.mtu value: x (strconv.Atoi: parsing "x": invalid syntax)',
    ],
    [option('driver.mtu', '-1'), 'invalid MTU number: -1'],
    [option('driver.mtu', '10'), 'invalid argument'],
    [
      option('bridge.enable_icc', 'x'),
      'failed to parse com.docker.network.bridge.enable_icc value: x (strconv.ParseBool: parsing "x": invalid syntax)',
    ],
    [
      option('bridge.host_binding_ipv4', 'x'),
      'failed to parse com.docker.network.bridge.host_binding_ipv4 value: x (nil ip)',
    ],
    [
      option('bridge.gateway_mode_ipv4', 'isolated'),
      "gateway mode 'isolated' can only be used for an internal network",
    ],
  ])('%j', async (request, message) => {
    await expect(make(request)).rejects.toThrow(expect.objectContaining({ message }));
  });

  test('what overlaps with another network, or has its name or its bridge', async () => {
    const store = temporaryStore();
    const bridge = { options: { 'com.docker.network.bridge.name': 'br9' } };
    await make({ ...subnet(small), ...bridge }, store);
    await expect(make({}, store)).rejects.toThrow('network with name web already exists');
    await expect(make({ name: 'other', ...subnet('10.84.3.0/24') }, store)).rejects.toThrow(
      'invalid pool request: Pool overlaps with other one on this address space',
    );
    await expect(make({ name: 'other', ...bridge }, store)).rejects.toThrow(/networks have same bridge name$/);
  });
});

test.each(['macvlan', 'ipvlan', 'overlay'])(
  'a network with the driver %s is refused with the reason',
  async (driver) => {
    await expect(make({ driver })).rejects.toThrow(
      expect.objectContaining({ kind: 'unsupported', message: expect.stringMatching(/root may touch|of a swarm/) }),
    );
  },
);

test.each(['a b', '-x', 'container:x', 'a/b', '..', 'x'.repeat(201)])('a network is never called %j', async (name) => {
  await expect(make({ name })).rejects.toThrow('names must match [a-zA-Z0-9_][a-zA-Z0-9_.-]*');
});
