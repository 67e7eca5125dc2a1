import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commitLayer, hasLayer, layerPath, removeLayer } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { temporaryStore } from '#test/support/store.ts';

const DIFF_ID = `sha256:${'b'.repeat(64)}`;

function staged(store: Store, content: string): string {
  const path = store.path('tmp', `layer-${content}`);
  mkdirSync(join(path, 'locked'), { recursive: true });
  writeFileSync(join(path, 'file'), content);
  return path;
}

describe('commitLayer()', () => {
  test('makes the staged tree the layer', async () => {
    const store = temporaryStore();
    expect(hasLayer(store, DIFF_ID)).toBe(false);
    await commitLayer(store, staged(store, 'one'), DIFF_ID);
    expect(hasLayer(store, DIFF_ID)).toBe(true);
    expect(readFileSync(join(layerPath(store, DIFF_ID), 'file'), 'utf8')).toBe('one');
    expect(readdirSync(store.path('tmp'))).toEqual([]);
  });

  test('leaves a layer that another process has made meanwhile, which containers may use', async () => {
    const store = temporaryStore();
    await commitLayer(store, staged(store, 'one'), DIFF_ID);
    const before = statSync(layerPath(store, DIFF_ID)).ino;
    await commitLayer(store, staged(store, 'two'), DIFF_ID);
    expect(statSync(layerPath(store, DIFF_ID)).ino).toBe(before);
    expect(readFileSync(join(layerPath(store, DIFF_ID), 'file'), 'utf8')).toBe('one');
    expect(readdirSync(store.path('tmp'))).toEqual([]);
  });
});

test('removeLayer() removes, and has nothing against an absent one', async () => {
  const store = temporaryStore();
  await commitLayer(store, staged(store, 'one'), DIFF_ID);
  await removeLayer(store, DIFF_ID);
  await removeLayer(store, DIFF_ID);
  expect(existsSync(layerPath(store, DIFF_ID))).toBe(false);
  expect(readdirSync(store.path('tmp'))).toEqual([]);
});

test('layerPath() never leaves the store', () => {
  expect(() => layerPath(temporaryStore(), 'sha256:../../etc')).toThrow('it is not a sha256 digest');
});
