import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ownSize } from '#container/size.ts';
import { recordOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

test('a container takes what its files take, each of them once', () => {
  const store = temporaryStore();
  const record = recordOf();
  expect(ownSize(store, record)).toBe(0);
  const upper = (...parts: string[]) => store.path('containers', record.id, 'upper', ...parts);
  mkdirSync(upper('folder'), { recursive: true });
  writeFileSync(upper('a'), '12345');
  writeFileSync(upper('folder', 'b'), '123');
  linkSync(upper('a'), upper('folder', 'c'));
  symlinkSync('to', upper('link'));
  expect(ownSize(store, record)).toBe(10);
  // What every root gets is not the container's.
  mkdirSync(upper('etc'));
  symlinkSync('/proc/mounts', upper('etc/mtab'));
  expect(ownSize(store, record)).toBe(10);
});
