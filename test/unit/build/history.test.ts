import { expect, test } from 'vitest';
import { findBuild, fullRef, listBuilds, recordBuild } from '#build/history.ts';
import { temporaryStore } from '#test/support/store.ts';

const ABOUT = { name: 'app', context: '/app', dockerfile: 'Dockerfile' };

test('a build is recorded with its builder, by which its whole name finds it', () => {
  const store = temporaryStore();
  const recorder = recordBuild(store, { ...ABOUT, builder: { name: 'ci', node: 'ci0' } });
  recorder.end();
  const [record] = listBuilds(store);
  if (record === undefined) throw new Error('nothing was recorded');
  expect(record).toMatchObject({ ...ABOUT, ref: recorder.ref, steps: { total: 0 } });
  expect(fullRef(record)).toBe(`ci/ci0/${recorder.ref}`);
  expect(findBuild(store, fullRef(record))).toEqual(record);
});

test('a record of old, which names no builder, was the default one’s', () => {
  expect(fullRef({ ref: 'a' })).toBe('default/default/a');
});
