import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { forgetDeadLinked, openLinking } from '#engine/build-linked.ts';
import { readCatalog } from '#image/catalog.ts';
import { parseReference } from '#oci/reference.ts';
import { putImage } from '#test/support/image-store.ts';
import { temporaryStore } from '#test/support/store.ts';

test('the names of a bake at work stay, and those that a killed one has left go with the next', async () => {
  const store = temporaryStore();
  using linking = openLinking(store);
  const dead = openLinking(store);
  await putImage(store, `${linking.prefix}:a`);
  await putImage(store, `${dead.prefix}:a`);
  await putImage(store, 'localhost/other:a');
  dead[Symbol.dispose]();
  await forgetDeadLinked(store);
  expect(readCatalog(store).map(({ name }) => name)).toEqual([`${linking.prefix}:a`, 'localhost/other:a']);
});

test('a prefix is a name that images can have, and leaves nothing behind', () => {
  const store = temporaryStore();
  {
    using linking = openLinking(store);
    expect(parseReference(`${linking.prefix}:a`)).toMatchObject({ domain: 'localhost', tag: 'a' });
  }
  expect(readdirSync(store.path('build', 'work'))).toEqual([]);
});
