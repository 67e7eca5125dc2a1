import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveInRoot } from '#sys/rooted.ts';
import { temporaryDirectory } from '#test/support/store.ts';

function rootWithLinks(): string {
  const root = temporaryDirectory();
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  symlinkSync('usr/bin', join(root, 'bin'));
  symlinkSync('/usr', join(root, 'absolute'));
  symlinkSync('../../../../../../etc', join(root, 'out'));
  symlinkSync('loop', join(root, 'loop'));
  return root;
}

test.each([
  ['/usr/bin/sh', 'usr/bin/sh'],
  ['/bin/sh', 'usr/bin/sh'],
  ['/absolute/bin', 'usr/bin'],
  ['/out/passwd', 'etc/passwd'],
  ['/../../etc/passwd', 'etc/passwd'],
  ['/not/there/yet', 'not/there/yet'],
  ['/', ''],
])('%s is found inside the root, whatever links say', (path, inside) => {
  const root = rootWithLinks();
  expect(resolveInRoot(root, path)).toBe(inside === '' ? root : join(root, inside));
});

test('a loop of links is refused', () => {
  const root = rootWithLinks();
  expect(() => resolveInRoot(root, '/loop/x')).toThrow();
});
