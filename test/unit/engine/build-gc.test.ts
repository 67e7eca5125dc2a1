import { existsSync, mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type CacheRecord, findRecord, keepRecord } from '#build/solve/cache.ts';
import { collectGarbage, gcPolicies } from '#engine/build-gc.ts';
import { choosePruned } from '#engine/build-prune.ts';
import type { CacheUsage } from '#engine/build-usage.ts';
import { layerPath } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { temporaryStore } from '#test/support/store.ts';

test("the limits are Docker's for a disk of this size", () => {
  // What `docker buildx inspect` of Docker 28.5 shows where df says so many bytes.
  const limits = { reserved: 26e9, most: 202e9, free: 51e9 };
  expect(gcPolicies(270_553_174_016)).toEqual([
    { all: false, filters: ['type=exec.cachemount'], keep: 48, limits: { most: expect.closeTo(3.5926e9, -5) } },
    { all: false, filters: [], keep: 1440, limits },
    { all: false, filters: [], limits },
    { all: true, filters: [], limits },
  ]);
});

test('a small cache on a full disk stays', () => {
  const used = new Date(0).toISOString();
  const plain = { inUse: false, shared: false, mutable: false, description: '', parents: [], uses: 1 };
  const one: CacheUsage = { id: 'a', type: 'regular', size: 1e9, created: used, used, ...plain };
  for (const policy of gcPolicies(270_553_174_016)) expect(choosePruned([one], policy, 0)).toEqual([]);
});

/** Keeps a record that says to have so many bytes. @returns its key */
function keep(store: Store, letter: string, { size, days }: { size: number; days: number }): string {
  const id = letter.repeat(64);
  const used = new Date(Date.now() - days * 86_400_000).toISOString();
  const facts = { diffId: `sha256:${id}`, size, archive: 1, created: used, used, uses: 1 };
  const record: CacheRecord = { id, ...facts, description: 'RUN x', below: [] };
  mkdirSync(layerPath(store, record.diffId), { recursive: true });
  keepRecord(store, record, [id]);
  return id;
}

test('a cache that has grown too large loses what was used least recently, layer and all', async () => {
  const store = temporaryStore();
  const old = keep(store, 'a', { size: 1e15, days: 3 });
  const young = keep(store, 'b', { size: 1e6, days: 1 });
  await collectGarbage(store);
  expect(findRecord(store, old)).toBeUndefined();
  expect(existsSync(layerPath(store, `sha256:${old}`))).toBe(false);
  expect(findRecord(store, young)).toBeDefined();
});

test('of many builds in a row the first one tidies up', async () => {
  const store = temporaryStore();
  keep(store, 'b', { size: 1, days: 0 });
  await collectGarbage(store);
  const large = keep(store, 'a', { size: 1e15, days: 3 });
  await collectGarbage(store);
  expect(findRecord(store, large)).toBeDefined();
});
