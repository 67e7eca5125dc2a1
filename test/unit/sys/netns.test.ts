import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isNamespace, releaseNamespace } from '#sys/netns.ts';
import { run } from '#sys/process.ts';
import { temporaryDirectory, unprivileged } from '#test/support/store.ts';

test('isNamespace() tells a namespace from a file and from nothing', () => {
  const file = join(temporaryDirectory(), 'file');
  expect(isNamespace(file)).toBe(false);
  writeFileSync(file, '');
  expect(isNamespace(file)).toBe(false);
  expect(isNamespace('/proc/self/ns/net')).toBe(true);
});

test('releaseNamespace() of a file that none is mounted on removes it, and of nothing does nothing', async () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  await releaseNamespace(file);
  await releaseNamespace(file);
  expect(existsSync(file)).toBe(false);
});

test.skipIf(unprivileged)('releaseNamespace() takes a mounted one down (needs root)', async () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  expect(await run('unshare', [`--net=${file}`, 'true'])).toMatchObject({ status: 0 });
  expect(isNamespace(file)).toBe(true);
  await releaseNamespace(file);
  expect(existsSync(file)).toBe(false);
});
