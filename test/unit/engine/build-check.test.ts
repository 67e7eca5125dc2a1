import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findRecord, keepRecord, keyOf } from '#build/solve/cache.ts';
import { measureLayer } from '#build/solve/layer.ts';
import { type Checked, checkStore } from '#engine/check.ts';
import { imageUsers } from '#engine/images.ts';
import { readCatalog } from '#image/catalog.ts';
import { assembleImage } from '#image/make.ts';
import { layerPath } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { temporaryStore } from '#test/support/store.ts';

const KEY = keyOf('step');

/** A layer as a build makes it, and its record. */
async function built(store: Store) {
  const staged = store.path('tmp', 'staged');
  mkdirSync(staged);
  writeFileSync(`${staged}/made`, 'by a step');
  const facts = await measureLayer(staged);
  renameSync(staged, layerPath(store, facts.diffId));
  const now = new Date().toISOString();
  keepRecord(store, { id: KEY, ...facts, created: now, used: now, uses: 1, description: 'RUN x', below: [] }, [KEY]);
  return facts;
}

async function check(store: Store, options: { repair?: boolean; quick?: boolean } = {}): Promise<Checked[]> {
  const found: Checked[] = [];
  for await (const one of checkStore(store, { ...options, abort: new AbortController().signal })) found.push(one);
  return found;
}

const damage = (found: Checked[]) => found.map(({ what, mended }) => [what, mended]);

test('a layer that was built, and has no blob, is compared with its name', async () => {
  const store = temporaryStore();
  const { diffId } = await built(store);
  expect(await check(store)).toEqual([]);
  writeFileSync(`${layerPath(store, diffId)}/made`, 'by a disk');
  expect(await check(store, { quick: true })).toEqual([]);
  expect(damage(await check(store))).toEqual([['altered layer of the step RUN x', false]]);
  await check(store, { repair: true });
  expect(findRecord(store, KEY)).toBeUndefined();
  expect(existsSync(layerPath(store, diffId))).toBe(false);
  expect(await check(store)).toEqual([]);
});

test('an image with such a layer is named, and goes with its repair', async () => {
  const store = temporaryStore();
  const { diffId, archive } = await built(store);
  const blob = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: diffId, size: archive };
  const stack = { layers: [blob], diffIds: [diffId], sizes: new Map([[diffId, 9]]) };
  const config = { os: 'linux', architecture: 'amd64' };
  await assembleImage(store, stack, { config, names: ['localhost/x:1'] });
  expect(await check(store)).toEqual([]);
  writeFileSync(`${layerPath(store, diffId)}/made`, 'by a disk');
  expect(damage(await check(store))).toEqual([
    ['altered layer of the step RUN x', false],
    ['altered layer (content) of the image localhost/x:1', false],
  ]);
  await check(store, { repair: true });
  expect(readCatalog(store)).toEqual([]);
  expect(await check(store)).toEqual([]);
});

test.each(['', '{', '[]', '{"diffId":"../../x"}'])(
  'a record that a power cut has left as %j is none, and is told',
  async (text) => {
    const store = temporaryStore();
    await built(store);
    writeFileSync(store.path('build', 'records', `${KEY}.json`), text);
    expect(findRecord(store, KEY)).toBeUndefined();
    expect(imageUsers(store)).toEqual([]);
    expect(damage(await check(store, { quick: true }))[0]).toEqual(['malformed record of the build cache', false]);
    await check(store, { repair: true });
    expect(readdirSync(store.path('build', 'records'))).toEqual([]);
    expect(await check(store)).toEqual([]);
  },
);
