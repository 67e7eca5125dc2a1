import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { parseSubnet } from '#network/ipam.ts';
import { pastaArgs } from '#network/outside.ts';

const route = (name: string, subnet: string) => ({ interface: name, subnet: parseSubnet(subnet) });
const argsWith = (routes: ReturnType<typeof route>[], root = false, hasV6 = false) =>
  pastaArgs('/run/user', { routes, hasV6, root }).join(' ');

test('pasta finds the interface of the default route itself', () => {
  expect(argsWith([route('lan0', '10.0.0.0/8'), route('eth0', '0.0.0.0/0')])).not.toContain(' -i ');
});

test('pasta is told an interface where there is no default route', () => {
  expect(argsWith([route('lan0', '10.0.0.0/8')])).toContain(' -i lan0 ');
});

test('pasta stays root only when it really is: it could not open the namespace as nobody', () => {
  expect(argsWith([], true)).toContain(' --runas 0:0 ');
  expect(argsWith([], false)).not.toContain('--runas');
});

test("pasta never maps an address to the host's loopback, nor ports in either direction", () => {
  expect(argsWith([])).toContain('-t none -u none -T none -U none --no-map-gw');
});

test('pasta of this machine knows all of the options', ({ skip }) => {
  const { error, stderr } = spawnSync('pasta', ['--help'], { encoding: 'utf8' });
  if (error !== undefined) skip('pasta is not installed');
  const options = pastaArgs('x', { routes: [], hasV6: true, root: true }).filter((word) => word.startsWith('-'));
  expect(options.filter((option) => !stderr.includes(option))).toEqual([]);
});

test('pasta gives addresses of both versions where the host leads out by both', () => {
  expect(argsWith([], false, true)).toMatch(/ -a \S+ .* -a fd\S+ -g fe80::2 /);
  expect(argsWith([], false, true)).not.toContain('--ipv4-only');
  expect(argsWith([])).toContain(' --ipv4-only ');
});
