import { mkdirSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { dropLeftLayers, dropNoted, openLayerNotes } from '#engine/build-leftovers.ts';
import type { Store } from '#store/store.ts';
import { temporaryStore } from '#test/support/store.ts';

const LAYER = `sha256:${'a'.repeat(64)}`;
const kept = (store: Store) => {
  mkdirSync(store.path('build', 'work'), { recursive: true });
  return readdirSync(store.path('build', 'work'));
};
const fails = () => Promise.reject(new Error('the disk is full'));

/** As after a kill: the note is there, and nobody holds it. */
function leaveNote(store: Store): void {
  using notes = openLayerNotes(store);
  notes.note([LAYER]);
  notes.leave();
}

test('what a killed build has noted is dropped by the next one, once', async () => {
  const store = temporaryStore();
  leaveNote(store);
  const dropped: string[] = [];
  const drop = async (diffIds: readonly string[]) => void dropped.push(...diffIds);
  await dropLeftLayers(store, drop);
  await dropLeftLayers(store, drop);
  expect(dropped).toEqual([LAYER]);
  expect(kept(store)).toEqual([]);
});

test('what cannot be dropped ends no other build, and stays noted', async () => {
  const store = temporaryStore();
  leaveNote(store);
  await dropLeftLayers(store, fails);
  expect(kept(store)).toHaveLength(1);
});

test('what a build at work has noted is not touched', async () => {
  const store = temporaryStore();
  using notes = openLayerNotes(store);
  notes.note([LAYER]);
  await dropLeftLayers(store, () => Promise.reject(new Error('this is held')));
  expect(kept(store)).toHaveLength(1);
});

test('a build that has failed says of what, also when it cannot tidy up; then its layers stay noted', async () => {
  const store = temporaryStore();
  const build = async () => {
    using notes = openLayerNotes(store);
    notes.note([LAYER]);
    try {
      throw new Error('a step has failed');
    } catch (error) {
      await dropNoted(notes, fails);
      throw error;
    }
  };
  await expect(build()).rejects.toThrow('a step has failed');
  expect(kept(store)).toHaveLength(1);
});
