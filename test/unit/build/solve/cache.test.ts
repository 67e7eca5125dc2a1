import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  type CacheRecord,
  dropRecords,
  findRecord,
  isDoubtful,
  keepRecord,
  keyOf,
  listRecords,
} from '#build/solve/cache.ts';
import { layerPath } from '#store/layers.ts';
import { temporaryStore } from '#test/support/store.ts';

const id = (letter: string) => letter.repeat(64);

function record(letter: string, more: Partial<CacheRecord> = {}): CacheRecord {
  const now = new Date().toISOString();
  const facts = { diffId: `sha256:${id(letter)}`, size: 1, archive: 2, created: now, used: now, uses: 1 };
  return { id: id(letter), ...facts, description: 'RUN x', below: [], boot: 'this-boot', ...more };
}

test('a record is found by each of its keys, as long as its layer is there', () => {
  const store = temporaryStore();
  const kept = record('a');
  keepRecord(store, kept, [keyOf('one'), keyOf('two')]);
  expect(findRecord(store, keyOf('one'))).toBeUndefined();
  mkdirSync(layerPath(store, kept.diffId));
  expect(findRecord(store, keyOf('one'))).toEqual(kept);
  expect(findRecord(store, keyOf('two'))).toEqual(kept);
  expect(findRecord(store, keyOf('three'))).toBeUndefined();
});

test('what was dropped is found no more, and its keys are gone', () => {
  const store = temporaryStore();
  for (const letter of ['a', 'b']) {
    mkdirSync(layerPath(store, `sha256:${id(letter)}`));
    keepRecord(store, record(letter), [keyOf(letter)]);
  }
  dropRecords(store, [id('a')]);
  expect(findRecord(store, keyOf('a'))).toBeUndefined();
  expect(listRecords(store).map((one) => one.id)).toEqual([id('b')]);
});

test('a layer of an earlier boot is to be looked at before it is believed', () => {
  const store = temporaryStore();
  expect(isDoubtful(store, record('a'))).toBe(false);
  expect(isDoubtful(store, record('a', { boot: 'another' }))).toBe(true);
});
