import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { rules, turnRules } from '#network/rules.ts';
import { bridgeState } from '#test/support/network.ts';

const a = bridgeState({ interface: 'br-a', gateways: ['10.1.0.1'] });
const b = bridgeState({ interface: 'br-b', gateways: ['10.2.0.1', 'fd00::1'], hasV6: true });
const inner = bridgeState({ interface: 'br-in', gateways: ['10.3.0.1'], isInternal: true });
const lines = (bridges: (typeof a)[]) =>
  rules(bridges, true)
    .split('\n')
    .map((line) => line.trim());

test('each network reaches itself, those that are not internal the way out, and all else is dropped', () => {
  const all = lines([a, b, inner]);
  expect(all).toContain('type filter hook forward priority filter; policy drop');
  for (const name of ['br-a', 'br-b', 'br-in']) expect(all).toContain(`iifname "${name}" oifname "${name}" accept`);
  expect(all).toContain('iifname { "br-a", "br-b" } oifname "tap0" accept');
});

test('of the gateways a network has its own alone', () => {
  const all = lines([a, b]);
  expect(all).toContain('iifname "br-a" ip daddr 10.1.0.1 accept');
  expect(all).toContain('iifname "br-b" ip6 daddr { fd00::1, fe80::/10, ff00::/8 } accept');
  expect(all.indexOf('iifname "br-a" drop')).toBeGreaterThan(all.indexOf('iifname "br-a" ip daddr 10.1.0.1 accept'));
});

test('two networks reach each other only where both say so', () => {
  const isOpen = { isOpen: true };
  expect(lines([{ ...a, ...isOpen }, b]).join('\n')).not.toContain('oifname { "br-a"');
  expect(
    lines([
      { ...a, ...isOpen },
      { ...b, ...isOpen },
    ]),
  ).toContain('iifname { "br-a", "br-b" } oifname { "br-a", "br-b" } accept');
});

test('IPv6 is hidden behind the tap only where a network has it: not every kernel can', () => {
  expect(rules([a], true)).not.toContain('table ip6');
  expect(rules([a, b], true)).toContain('table ip6 wherry');
});

test.each([
  ['no network', rules([], false)],
  ['an internal one alone', rules([inner], false)],
  ['several', rules([a, { ...b, isOpen: true }, { ...inner, isOpen: true }], false)],
  ['several that show clients', rules([a, b], true)],
  ['names that are answered in turns', turnRules([53, 5301, 5302], true)],
])('nft reads the rules of %s', (_, input) => {
  const program = 'unshare --user --map-root-user --net nft --check --file -';
  const probe = spawnSync('sh', ['-c', program], {
    input: '',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
  if (probe.status !== 0) return;
  const checked = spawnSync('sh', ['-c', program], {
    input,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
  expect(checked.stderr).toBe('');
});
