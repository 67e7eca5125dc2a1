import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { changeCatalog, type Entry, readCatalog } from '#image/catalog.ts';
import { type ImageUser, planRemoval, removeImage } from '#image/remove.ts';
import { layerPath } from '#store/layers.ts';
import { putImage } from '#test/support/image-store.ts';
import { temporaryStore } from '#test/support/store.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const named = (letter: string, name?: string): Entry => ({
  manifest: { mediaType: 'm', digest: digest(letter), size: 1 },
  id: digest(letter),
  sizes: [],
  name,
});
const user = (running: boolean): ImageUser => ({ id: 'c'.repeat(64), image: digest('a'), diffIds: [], running });

const TAG = 'docker.io/library/x:1';
const DIGEST = `docker.io/library/x@${digest('d')}`;
const OTHER = 'docker.io/library/y:1';
const tagged = [named('a', TAG), named('a', DIGEST)];
const both = [...tagged, named('a', OTHER)];

const plan = (entries: Entry[], text: string, users: ImageUser[] = [], force = false) =>
  planRemoval(entries, entries[0] ?? named('a'), { text, force, users });

describe('what a removal takes, as with Docker', () => {
  test.each<[string, Entry[], string, ImageUser[], boolean, string[], boolean]>([
    ['the last tag takes the digest and the image', tagged, 'x:1', [], false, ['x:1', `x@${digest('d')}`], true],
    ['one of two tags takes its digest, the image stays', both, 'x:1', [], false, ['x:1', `x@${digest('d')}`], false],
    ['a digest goes alone while there is a tag', tagged, `x@${digest('d')}`, [], false, [`x@${digest('d')}`], false],
    ['an ID takes all names of one repository', tagged, 'aaaa', [], false, ['x:1', `x@${digest('d')}`], true],
    ['an ID takes all names by force', both, 'aaaa', [], true, ['x:1', `x@${digest('d')}`, 'y:1'], true],
    ['a nameless image goes by its ID', [named('a')], 'aaaa', [], false, [], true],
    ['one of two tags goes although a container uses the image', both, 'y:1', [user(true)], false, ['y:1'], false],
    [
      'the last tag goes by force although a stopped container uses the image',
      tagged,
      'x:1',
      [user(false)],
      true,
      ['x:1', `x@${digest('d')}`],
      true,
    ],
    [
      'the last tag goes by force although a container runs, the image stays',
      tagged,
      'x:1',
      [user(true)],
      true,
      ['x:1', `x@${digest('d')}`],
      false,
    ],
  ])('%s', (_, entries, text, users, force, untagged, gone) => {
    const made = plan(entries, text, users, force);
    expect({ untagged: made.untagged, gone: made.gone }).toEqual({ untagged, gone });
    expect(made.kept.some((entry) => entry.id === digest('a'))).toBe(!gone);
  });
});

describe('what is in the way is said in the words of Docker', () => {
  const id = 'aaaaaaaaaaaa';
  const container = 'cccccccccccc';
  test.each<[Entry[], string, ImageUser[], boolean, string]>([
    [
      tagged,
      'x:1',
      [user(false)],
      false,
      `conflict: unable to remove repository reference "x:1" (must force) - container ${container} is using its referenced image ${id}`,
    ],
    [
      tagged,
      'aaaa',
      [user(false)],
      false,
      `conflict: unable to delete ${id} (must be forced) - image is being used by stopped container ${container}`,
    ],
    [
      tagged,
      'aaaa',
      [user(true)],
      true,
      `conflict: unable to delete ${id} (cannot be forced) - image is being used by running container ${container}`,
    ],
    [
      both,
      'aaaa',
      [],
      false,
      `conflict: unable to delete ${id} (must be forced) - image is referenced in multiple repositories`,
    ],
  ])('%#', (entries, text, users, force, message) => {
    expect(() => plan(entries, text, users, force)).toThrow(expect.objectContaining({ kind: 'conflict', message }));
  });
});

test('layers and blobs go with the last image that has them, and stay for containers', async () => {
  const store = temporaryStore();
  const shared = digest('1');
  const one = await putImage(store, 'one', { diffIds: [shared, digest('2'), digest('3')] });
  const two = await putImage(store, 'two', { diffIds: [shared, digest('4')] });
  for (const diffId of [...one.diffIds, ...two.diffIds]) mkdirSync(layerPath(store, diffId), { recursive: true });
  const keeper = { id: 'c'.repeat(64), image: 'another', diffIds: [digest('2')], running: true };
  const removed = await removeImage(store, 'one', { usedBy: () => [keeper] });
  expect(removed.untagged).toEqual(['one:latest']);
  expect(removed.deleted[0]).toBe(one.id);
  expect([shared, digest('2'), digest('3'), digest('4')].map((diffId) => existsSync(layerPath(store, diffId)))).toEqual(
    [true, true, false, true],
  );
  expect(readCatalog(store)).toHaveLength(1);
  await removeImage(store, two.id, { usedBy: () => [] });
  expect(readdirSync(store.path('blobs', 'sha256'))).toEqual([]);
  expect(readdirSync(store.path('tmp'))).toEqual([]);
});

test('an image whose blobs are damaged can still be removed', async () => {
  const store = temporaryStore();
  await changeCatalog(store, () => [named('a', TAG)]);
  expect(await removeImage(store, 'x:1', { usedBy: () => [] })).toEqual({ untagged: ['x:1'], deleted: [digest('a')] });
  expect(readCatalog(store)).toEqual([]);
});

test('what is not there is said in the words of Docker', async () => {
  await expect(removeImage(temporaryStore(), 'nope', { usedBy: () => [] })).rejects.toThrow(
    'No such image: nope:latest',
  );
});
