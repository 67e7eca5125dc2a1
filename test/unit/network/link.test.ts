import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { containerScript, makeLinks, userScript } from '#network/link.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const link = (number: number) => ({
  interface: `eth${number}`,
  peer: `veth${number}`,
  bridge: `br${number}`,
  address: `10.${number}.0.2/16`,
  mac: `02:42:0a:0${number}:00:02`,
});

const bridge = { interface: 'br0', subnet: '10.0.0.0/16', gateway: '10.0.0.1', mac: '02:42:0a:00:00:01' };

test.each([
  ['for the namespace of the user', userScript([bridge, { ...bridge, interface: 'br1' }])],
  ['for a container', containerScript([link(0), link(1)])],
])('the script %s is one that a shell can read', (_, script) => {
  expect(spawnSync('sh', ['-n', '-c', script], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});

describe('containerScript()', () => {
  const script = containerScript([{ ...link(0), gateway: '10.0.0.1' }, link(1)]);
  const lines = script.split('\n');

  test('gives only the link with a gateway the default route', () => {
    expect(lines.filter((line) => line.startsWith('route'))).toEqual(['route add default via 10.0.0.1']);
  });

  test("gives each peer to its bridge in the user's namespace, after all else", () => {
    const entered = lines.findIndex((line) => line.includes('nsenter --net=./user'));
    const given = lines.filter((line) => line.includes(' master '));
    expect(given).toEqual(['link set veth0 master br0 up', 'link set veth1 master br1 up']);
    expect(lines.indexOf(given[0] ?? '')).toBeGreaterThan(entered);
  });
});

test('makeLinks() says which container, and why not', async () => {
  const making = makeLinks(temporaryDirectory(), 'no/such/file', [link(0)], 'web');
  await expect(making).rejects.toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/^Cannot connect container "web" to its network: unshare: /),
      exitCode: 125,
    }),
  );
});
