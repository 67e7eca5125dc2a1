/** native/links: what is wrong with a plan is told in one line, and nothing is waited for. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const native = fileURLToPath(new URL('../../native', import.meta.url));
const PROGRAMS = [`${native}/../bin/wherry-links`, `${native}/build/check/wherry-links`].filter(existsSync);

const NAMESPACES = ['--user', '--map-root-user', '--net', '--mount'];
const canUnshare = spawnSync('unshare', [...NAMESPACES, 'true']).status === 0;

/** Switches the loopback on. */
const LOOPBACK = '2000000010000500010000000000000000000000000000000100000001000000';

describe.skipIf(!canUnshare).each(PROGRAMS)('%s', (program) => {
  const follow = (plan: string, ...words: string[]) =>
    spawnSync('unshare', [...NAMESPACES, program, plan, ...words], { encoding: 'utf8' });

  test('does what a plan says, and becomes the program behind it', () => {
    const { status, stdout } = follow(`send 20:lo ${LOOPBACK} lo`, 'cat', '/sys/class/net/lo/flags');
    // Without a /sys of its own the flags are the host's: the program ran, that is all.
    expect({ status, isNumber: /^0x/.test(stdout) }).toEqual({ status: 0, isNumber: true });
  });

  test.each([
    ['nonsense', 'links: : Invalid argument'],
    ['send', 'links: : Invalid argument'],
    ['send - zz what', 'links: what: Invalid argument'],
    ['send - 00112233 short', 'links: short: Invalid argument'],
    [`send 20:lo ${LOOPBACK.slice(0, -8)} cut`, 'links: cut: Invalid argument'],
    [`send 999:lo ${LOOPBACK} far`, 'links: far: Invalid argument'],
    [`send 20:nobody ${LOOPBACK} nobody`, 'links: nobody: No such device'],
    ['enter /no/such', 'links: /no/such: No such file or directory'],
    ['hold 9 /no/such', 'links: /no/such: No such file or directory'],
    ['new /no/such', 'links: /no/such: No such file or directory'],
    ['write /proc/sys/no/such 1', 'links: /proc/sys/no/such: No such file or directory'],
  ])('refuses %j in one line', (plan, line) => {
    const { status, stderr } = follow(`${plan}\nwrite /never/reached 1`);
    expect({ status, stderr }).toEqual({ status: 125, stderr: `${line}\n` });
  });

  test('goes on after a line that may fail', () => {
    expect(follow('try enter /no/such', 'true').status).toBe(0);
    expect(follow(`once send 20:nobody ${LOOPBACK} nobody`, 'true').status).toBe(125);
  });
});
