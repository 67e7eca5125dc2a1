import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
import { storageDriver } from '#store/driver.ts';
import { temporaryStore, unprivileged } from '#test/support/store.ts';

afterEach(() => vi.unstubAllEnvs());

test.skipIf(unprivileged)('the best driver that works here is chosen and remembered', async () => {
  const store = temporaryStore();
  const choice = await storageDriver(store);
  expect(['overlay', 'fuse-overlayfs', 'copy']).toContain(choice.driver);
  expect(JSON.parse(readFileSync(store.path('driver.json'), 'utf8'))).toEqual(choice);
});

test('what was remembered for this kernel is believed', async () => {
  const store = temporaryStore();
  const known = { driver: 'copy', kernel: release(), refusals: { overlay: 'tried' } };
  writeFileSync(store.path('driver.json'), JSON.stringify(known));
  expect(await storageDriver(store)).toEqual(known);
});

test('WHERRY_STORAGE_DRIVER decides', async () => {
  vi.stubEnv('WHERRY_STORAGE_DRIVER', 'fuse-overlayfs');
  expect((await storageDriver(temporaryStore())).driver).toBe('fuse-overlayfs');
});

test('a name that no driver has is refused', async () => {
  vi.stubEnv('WHERRY_STORAGE_DRIVER', 'btrfs');
  await expect(storageDriver(temporaryStore())).rejects.toThrow(
    'Cannot use the storage driver "btrfs": there is none of this name',
  );
});
