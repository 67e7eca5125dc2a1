import { mkdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mountRootfs } from '#container/rootfs.ts';
import { temporaryStore } from '#test/support/store.ts';

const ID = 'a'.repeat(64);

/** A root that is a copy, which needs no right to mount. */
async function copied(fill: (layer: string) => void): Promise<string> {
  const store = temporaryStore();
  const layer = store.path('layers', 'b'.repeat(64));
  mkdirSync(layer, { recursive: true });
  mkdirSync(store.path('containers', ID), { recursive: true });
  fill(layer);
  const image = { diffIds: [`sha256:${'b'.repeat(64)}`], reference: 'x' };
  return mountRootfs(store, { id: ID, name: 'x', driver: 'copy', image } as Parameters<typeof mountRootfs>[1]);
}

test('a root has the marks of Docker', async () => {
  const root = await copied((layer) => mkdirSync(join(layer, 'etc')));
  expect(statSync(join(root, '.dockerenv'))).toMatchObject({ size: 0 });
  expect(readlinkSync(join(root, 'etc/mtab'))).toBe('/proc/mounts');
});

test("the image's own files stay at their places, links are not followed, and no /etc is no error", async () => {
  const root = await copied((layer) => {
    symlinkSync('/nosuch/elsewhere', join(layer, '.dockerenv'));
    mkdirSync(join(layer, 'etc'));
    writeFileSync(join(layer, 'etc/mtab'), 'mine');
  });
  expect(readlinkSync(join(root, '.dockerenv'))).toBe('/nosuch/elsewhere');
  expect(statSync(join(root, 'etc/mtab')).size).toBe(4);
  await expect(copied(() => undefined)).resolves.toMatch(/merged$/);
});
