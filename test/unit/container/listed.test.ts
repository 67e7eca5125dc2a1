import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { containerIds, releaseName } from '#container/names.ts';
import { writeState } from '#container/state.ts';
import { listSeen } from '#container/view.ts';
import type { Store } from '#store/store.ts';
import { removeTree } from '#sys/file.ts';
import { addContainer, recordOf, stateOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const COUNT = 60;
const idOf = (index: number) => index.toString(16).padStart(64, 'a');

/** Containers that were made a while ago: what is younger than a clock's grain is not kept. */
async function storeWithMany(): Promise<Store> {
  const store = temporaryStore();
  for (let index = 0; index < COUNT; index += 1) {
    const id = idOf(index);
    const image = { ...recordOf().image, reference: `image${index % 7}` };
    addContainer(store, recordOf({ id, name: `web${index}`, image, config: { Labels: { index: `${index}` } } }));
  }
  await new Promise((resolve) => setTimeout(resolve, 1100));
  return store;
}

const rows = (store: Store, brief: boolean) =>
  listSeen(store, { all: true, brief })
    .map(
      ({ record, state }) =>
        `${record.name} ${record.config.Labels.index} ${record.image.reference} ${state?.status ?? ''} ${record.driver}`,
    )
    .sort();

const kept = (store: Store) => {
  const folder = join(store.runtime, 'listed');
  return existsSync(folder) ? readdirSync(folder) : [];
};

test('what is kept of a long list shows the same as reading everything, whatever changes', async () => {
  const store = await storeWithMany();
  const expectSame = () => expect(rows(store, true)).toEqual(rows(store, false));
  expectSame();
  expect(kept(store)).toHaveLength(1);
  expectSame();
  writeState(store, idOf(1), stateOf());
  expectSame();
  writeState(store, idOf(1), stateOf({ status: 'exited', exitCode: 3 }));
  expectSame();
  addContainer(store, recordOf({ id: 'b'.repeat(64), name: 'other', config: { Labels: { index: 'x' } } }));
  expectSame();
  removeTree(store.path('containers', idOf(2)));
  releaseName(store, 'web2', idOf(2));
  expectSame();
  expect(containerIds(store)).toHaveLength(COUNT);
});

test('an image that no container has any more is not kept', async () => {
  const store = await storeWithMany();
  rows(store, true);
  const [file = ''] = kept(store);
  const images = () => JSON.parse(readFileSync(join(store.runtime, 'listed', file), 'utf8')).images.length;
  expect(images()).toBe(7);
  for (let index = 0; index < COUNT; index += 1) {
    const image = { ...recordOf().image, reference: 'other' };
    removeTree(store.path('containers', idOf(index)));
    addContainer(store, recordOf({ id: idOf(index), name: `next${index}`, image, config: { Labels: {} } }));
  }
  await new Promise((resolve) => setTimeout(resolve, 1100));
  rows(store, true);
  expect(images()).toBe(1);
});

test('what is kept is only a help: one that is damaged is made anew', async () => {
  const store = await storeWithMany();
  const wanted = rows(store, true);
  const [file = ''] = kept(store);
  writeFileSync(join(store.runtime, 'listed', file), '{"');
  expect(rows(store, true)).toEqual(wanted);
});

test('nothing is kept of a short list', () => {
  const store = temporaryStore();
  addContainer(store, recordOf({ config: { Labels: { index: '0' } } }));
  expect(rows(store, true)).toEqual(rows(store, false));
  expect(kept(store)).toEqual([]);
});
