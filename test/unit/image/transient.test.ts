import { expect, onTestFinished, test } from 'vitest';
import { changeCatalog, readCatalog, withNames } from '#image/catalog.ts';
import { assembleImage } from '#image/make.ts';
import { type ImageUser, idOf } from '#image/remove.ts';
import { dropTransient } from '#image/transient.ts';
import { hasBlob } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';
import { temporaryStore } from '#test/support/store.ts';

const config = { architecture: 'amd64', os: 'linux', created: '2024-01-02T03:04:05Z' };
const NAME = 'docker.io/library/x:1';
const make = (store: Store, making: { names?: string[]; transient?: DisposableStack }) =>
  assembleImage(store, { layers: [], diffIds: [], sizes: new Map() }, { config, names: [], ...making });
const drop = (store: Store, users: ImageUser[] = []) => dropTransient(store, () => users);
const holding = () => {
  const held = new DisposableStack();
  onTestFinished(() => held.dispose());
  return held;
};

test('an image that only passes through is there until its build ends, and then none of it', async () => {
  const store = temporaryStore();
  const transient = holding();
  const { id, manifest } = await make(store, { transient });
  await drop(store);
  expect(readCatalog(store).map(idOf)).toEqual([id]);
  transient.dispose();
  await drop(store);
  expect(readCatalog(store)).toEqual([]);
  expect([id, manifest.digest].map((digest) => hasBlob(store, digest))).toEqual([false, false]);
});

test('of two builds of the same image the last one takes it away', async () => {
  const store = temporaryStore();
  const [one, other] = [holding(), holding()];
  await make(store, { transient: one });
  await make(store, { transient: other });
  one.dispose();
  await drop(store);
  expect(readCatalog(store)).toHaveLength(1);
  other.dispose();
  await drop(store);
  expect(readCatalog(store)).toEqual([]);
});

test.each<[string, (store: Store) => Promise<unknown>, (string | undefined)[]]>([
  ['that was there without a name', (store) => make(store, {}), [undefined]],
  ['that has a name', (store) => make(store, { names: [NAME] }), [NAME]],
])('an image %s stays when a build has passed the same on', async (_, before, names) => {
  const store = temporaryStore();
  await before(store);
  const transient = holding();
  await make(store, { transient });
  transient.dispose();
  await drop(store);
  expect(readCatalog(store).map(({ name }) => name)).toEqual(names);
});

test.each<[string, (store: Store) => Promise<unknown>, (string | undefined)[]]>([
  ['a build that keeps it', (store) => make(store, {}), [undefined]],
  ['a build that names it', (store) => make(store, { names: [NAME] }), [NAME]],
  [
    'names in two repositories',
    (store) =>
      changeCatalog(store, (entries) => {
        const [image] = entries;
        return image && withNames(entries, image, [NAME, 'docker.io/library/y:1']);
      }),
    [NAME, 'docker.io/library/y:1'],
  ],
])('it stays for %s meanwhile', async (_, meanwhile, names) => {
  const store = temporaryStore();
  const transient = holding();
  await make(store, { transient });
  await meanwhile(store);
  transient.dispose();
  await drop(store);
  expect(readCatalog(store).map(({ name }) => name)).toEqual(names);
});

test('it stays for a container that was made from it, until that is gone', async () => {
  const store = temporaryStore();
  const transient = holding();
  const { id } = await make(store, { transient });
  transient.dispose();
  await drop(store, [{ id: 'c'.repeat(64), image: id, diffIds: [], running: false }]);
  expect(readCatalog(store)).toHaveLength(1);
  await drop(store);
  expect(readCatalog(store)).toEqual([]);
});
