import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCatalog } from '#image/catalog.ts';
import { tagImage } from '#image/names.ts';
import { pruneImages } from '#image/prune.ts';
import type { ImageUser } from '#image/remove.ts';
import { blobPath, putBlob } from '#store/blobs.ts';
import { holdParts } from '#store/holds.ts';
import { layerPath } from '#store/layers.ts';
import { putImage } from '#test/support/image-store.ts';
import { temporaryStore } from '#test/support/store.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const user = (image: string): ImageUser => ({ id: 'c'.repeat(64), image, diffIds: [], running: false });
const nobody = () => [];

async function threeImages() {
  const store = temporaryStore();
  const nameless = await putImage(store, undefined, {
    diffIds: [digest('1')],
    sizes: [7],
    created: '2024-01-03T00:00:00Z',
  });
  const old = await putImage(store, 'old', { created: '2020-01-01T00:00:00Z', settings: { Labels: { keep: 'no' } } });
  const used = await putImage(store, 'used', {
    created: '2024-01-01T00:00:00Z',
    settings: { Labels: { keep: 'yes' } },
  });
  return { store, nameless, old, used };
}

const names = (store: ReturnType<typeof temporaryStore>) =>
  readCatalog(store).map(({ name }) => name?.split('/').at(-1));

describe('which images go', () => {
  test.each<[string, boolean, string[], (string | undefined)[]]>([
    ['those without a name', false, [], ['old:latest', 'used:latest']],
    ['all that nobody uses', true, [], ['used:latest']],
    ['those of before a time', true, ['until=2022-01-01'], [undefined, 'used:latest']],
    ['those with a label', true, ['label=keep'], [undefined, 'used:latest']],
    ['those with another value of a label', true, ['label=keep=yes'], [undefined, 'old:latest', 'used:latest']],
    ['those without a label', true, ['label!=keep'], ['old:latest', 'used:latest']],
  ])('%s', async (_, all, filters, left) => {
    const { store, used } = await threeImages();
    await pruneImages(store, { all, filters, usedBy: () => [user(used.id)] });
    expect(names(store)).toEqual(left);
  });
});

test('what went is told image by image, newest first, with the bytes of its layers', async () => {
  const { store, nameless, old, used } = await threeImages();
  const { removed, reclaimed } = await pruneImages(store, { all: true, usedBy: nobody });
  expect(removed).toEqual([
    { untagged: [], deleted: [nameless.id, digest('1')] },
    { untagged: ['used:latest'], deleted: [used.id] },
    { untagged: ['old:latest'], deleted: [old.id] },
  ]);
  expect(reclaimed).toBe(7);
  expect(readdirSync(store.path('blobs/sha256'))).toEqual([]);
});

test('one of two names of an image in use goes, as with Docker', async () => {
  const { store, used } = await threeImages();
  await tagImage(store, 'used', 'used:other');
  const { removed } = await pruneImages(store, {
    all: true,
    filters: ['label=keep=yes'],
    usedBy: () => [user(used.id)],
  });
  expect(removed).toEqual([{ untagged: ['used:latest'], deleted: [] }]);
});

test('what a dead pull left goes; what a living one counts on stays', async () => {
  const store = temporaryStore();
  const [left, counted] = await Promise.all(['left', 'counted'].map((text) => putBlob(store, Buffer.from(text), 'm')));
  for (const letter of ['1', '2']) mkdirSync(layerPath(store, digest(letter)));
  writeFileSync(`${layerPath(store, digest('1'))}/file`, 'content');
  const held = holdParts(store, { blobs: [counted?.digest ?? ''], diffIds: [digest('2')] });
  expect((await pruneImages(store, { usedBy: nobody })).reclaimed).toBe('left'.length + 'content'.length);
  const isThere = () => [left, counted].map((blob) => existsSync(blobPath(store, blob?.digest ?? '')));
  expect(isThere()).toEqual([false, true]);
  expect(readdirSync(store.path('layers'))).toEqual(['2'.repeat(64)]);
  held[Symbol.dispose]();
  await pruneImages(store, { usedBy: nobody });
  expect(isThere()).toEqual([false, false]);
  expect(readdirSync(store.path('tmp'))).toEqual([]);
});

test('nothing is taken for waste while an image is damaged', async () => {
  const { store, nameless } = await threeImages();
  await putBlob(store, Buffer.from('of the damaged one, perhaps'), 'm');
  writeFileSync(blobPath(store, nameless.id), '{}');
  const before = readdirSync(store.path('blobs/sha256')).length;
  await pruneImages(store, { filters: ['label=nothing'], usedBy: nobody });
  expect(readdirSync(store.path('blobs/sha256'))).toHaveLength(before);
});

test.each([
  [['colour=red'], "invalid filter 'colour'"],
  [['dangling=false'], "invalid filter 'dangling=[false true]'"],
  [['until=1h', 'until=2h'], 'more than one until filter specified'],
  [['until=x'], 'failed to parse value as time or duration: "x"'],
])('the filters %j are refused in the words of Docker', async (filters, message) => {
  await expect(pruneImages(temporaryStore(), { filters, usedBy: nobody })).rejects.toThrow(
    expect.objectContaining({ kind: 'unavailable', message }),
  );
});
