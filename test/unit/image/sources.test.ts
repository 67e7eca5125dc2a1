import { expect, test } from 'vitest';
import { changeCatalog, readCatalog, withNames } from '#image/catalog.ts';
import { mountSources } from '#image/sources.ts';
import { parseReference } from '#oci/reference.ts';
import { putImage } from '#test/support/image-store.ts';
import { sha256 } from '#test/support/registry.ts';
import { temporaryStore } from '#test/support/store.ts';

const shared = sha256(Buffer.from('shared'));
const own = sha256(Buffer.from('own'));

test('other repositories of the same registry are known by the images in the store, those that were pulled first', async () => {
  const store = temporaryStore();
  await putImage(store, 'r.example/built:1', { diffIds: [shared, own] });
  await putImage(store, 'r.example/base:1', { diffIds: [shared] });
  await putImage(store, 'other.example/base:1', { diffIds: [shared], comment: 'elsewhere' });
  await changeCatalog(store, (entries) => {
    const base = readCatalog(store).find((entry) => entry.name === 'r.example/base:1');
    return base && withNames(entries, base, [`r.example/mirror@${base.manifest.digest}`]);
  });
  const sources = mountSources(store, parseReference('r.example/target:1'));
  const names = (digest: string) => sources(sha256(Buffer.from(digest))).map((one) => one.path);
  expect(names(shared)).toEqual(['mirror', 'built', 'base']);
  expect(names(own)).toEqual(['built']);
  expect(names(sha256(Buffer.from('nothing')))).toEqual([]);
  expect(mountSources(store, parseReference('r.example/built:2'))(sha256(Buffer.from(own)))).toEqual([]);
});
