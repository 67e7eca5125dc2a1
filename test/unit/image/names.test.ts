import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { changeCatalog, readCatalog } from '#image/catalog.ts';
import { findImage, listImages, needImage, tagImage } from '#image/names.ts';
import { blobPath } from '#store/blobs.ts';
import { putImage } from '#test/support/image-store.ts';
import { temporaryStore } from '#test/support/store.ts';

test('an image is found by all its names, by its ID and by the beginning of its ID', async () => {
  const store = temporaryStore();
  const { id } = await putImage(store, 'app:1', { sizes: [1, 2] });
  const hex = id.slice('sha256:'.length);
  for (const text of [
    'app:1',
    'docker.io/library/app:1',
    id,
    hex,
    hex.slice(0, 12),
    hex.slice(0, 2),
    id.slice(0, 12),
  ]) {
    expect(findImage(store, text)).toMatchObject({ id, size: 3, references: ['docker.io/library/app:1'] });
  }
  expect(findImage(store, 'app')).toBeUndefined();
  expect(findImage(store, 'app:2')).toBeUndefined();
});

test('a name goes before an ID that looks like it', async () => {
  const store = temporaryStore();
  const { id } = await putImage(store, 'one:1');
  const beginning = id.slice(7, 10);
  const other = await putImage(store, beginning, { comment: 'another' });
  expect(findImage(store, beginning)?.id).toBe(other.id);
});

test('a beginning that two images have finds neither', async () => {
  const store = temporaryStore();
  for (let number = 0; number < 17; number += 1) await putImage(store, `x:${number}`, { comment: `${number}` });
  const letters = listImages(store).map((image) => image.id[7] ?? '');
  const twice = letters.find((letter, at) => letters.indexOf(letter) !== at) ?? '';
  expect(findImage(store, twice)).toBeUndefined();
});

test('an image for another platform is not found where one is asked for', async () => {
  const store = temporaryStore();
  await putImage(store, 'app', { architecture: 'arm64' });
  expect(findImage(store, 'app', { platform: 'linux/arm64/v8' })).toBeDefined();
  expect(findImage(store, 'app', { platform: 'linux/amd64' })).toBeUndefined();
});

describe('what is not there is said in the words of Docker', () => {
  test.each([
    ['nope', 'not-found', 'No such image: nope:latest'],
    ['quay.io/a:1', 'not-found', 'No such image: quay.io/a:1'],
    [`sha256:${'0'.repeat(64)}`, 'not-found', `No such image: sha256:${'0'.repeat(64)}`],
    ['Nope', 'invalid', 'invalid reference format: repository name (library/Nope) must be lowercase'],
  ])('%s', (text, kind, message) => {
    expect(() => needImage(temporaryStore(), text)).toThrow(expect.objectContaining({ kind, message }));
  });
});

test('a damaged image fails where it is used, and does not keep the others from being listed', async () => {
  const store = temporaryStore();
  await putImage(store, 'good');
  const { id } = await putImage(store, 'bad', { comment: 'bad' });
  rmSync(blobPath(store, id));
  expect(() => findImage(store, 'bad')).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  expect(listImages(store).map((image) => image.references)).toEqual([['docker.io/library/good:latest']]);
});

test('an entry that another tool wrote is listed', async () => {
  const store = temporaryStore();
  await putImage(store, 'app');
  await changeCatalog(store, (entries) => entries.map((entry) => ({ ...entry, id: undefined, sizes: [] })));
  expect(listImages(store)).toHaveLength(1);
  expect(findImage(store, 'app')).toMatchObject({ size: 0 });
});

test('a tag is a further name, and moves where it was given before', async () => {
  const store = temporaryStore();
  const one = await putImage(store, 'one');
  const two = await putImage(store, 'two', { comment: '2' });
  await tagImage(store, 'one', 'both');
  expect(needImage(store, 'one').references).toEqual(['docker.io/library/both:latest', 'docker.io/library/one:latest']);
  await tagImage(store, two.id.slice(7, 19), 'both:latest');
  expect(needImage(store, 'both').id).toBe(two.id);
  await tagImage(store, 'two', 'one');
  expect(readCatalog(store).find((entry) => entry.id === one.id)).toMatchObject({ name: undefined });
});

test.each([
  ['one', 'a b', 'Error parsing reference: "a b" is not a valid repository/tag: invalid reference format'],
  ['one', `a@sha256:${'0'.repeat(64)}`, 'refusing to create a tag with a digest reference'],
  ['none', 'a', 'No such image: none:latest'],
])('tagging %s as %s is refused', async (source, target, message) => {
  const store = temporaryStore();
  await putImage(store, 'one');
  await expect(tagImage(store, source, target)).rejects.toThrow(message);
});
