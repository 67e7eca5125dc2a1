import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { changeCatalog, type Entry, readCatalog, withNames } from '#image/catalog.ts';
import { temporaryStore } from '#test/support/store.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const image = (letter: string, id = letter) => ({
  manifest: { mediaType: 'm', digest: digest(letter), size: 1 },
  id: digest(id),
  sizes: [1, 2],
});
const named = (letter: string, name: string | undefined, id = letter): Entry => ({ ...image(letter, id), name });
const brief = (entries: Entry[]) => entries.map((entry) => `${entry.manifest.digest.slice(7, 8)} ${entry.name}`);

test('a new store has no images, and a written catalogue is read back', async () => {
  const store = temporaryStore();
  expect(readCatalog(store)).toEqual([]);
  const entries = [named('a', 'x:1'), { ...named('b', undefined), sizes: [] }];
  await changeCatalog(store, () => entries);
  expect(readCatalog(store)).toEqual(entries);
  expect(JSON.parse(readFileSync(store.path('index.json'), 'utf8'))).toMatchObject({
    schemaVersion: 2,
    manifests: [{ digest: digest('a'), annotations: { 'org.opencontainers.image.ref.name': 'x:1' } }, {}],
  });
});

test('nothing is written where nothing changes', async () => {
  const store = temporaryStore();
  await changeCatalog(store, () => undefined);
  expect(() => readFileSync(store.path('index.json'))).toThrow();
});

test('changes at the same time all count', async () => {
  const store = temporaryStore();
  const letters = [...'abcdef0123456789'];
  await Promise.all(letters.map((letter) => changeCatalog(store, (entries) => [...entries, named(letter, letter)])));
  expect(readCatalog(store)).toHaveLength(letters.length);
});

test('a damaged index is said to be damaged', () => {
  const store = temporaryStore();
  writeFileSync(store.path('index.json'), '{');
  expect(() => readCatalog(store)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
});

describe('names are given', () => {
  test.each<[string, Entry[], string[], string[]]>([
    ['to a new image', [], ['x:1', 'x@d'], ['a x:1', 'a x@d']],
    ['to none', [], [], ['a undefined']],
    ['once', [named('a', 'x:1')], ['x:1'], ['a x:1']],
    ['beside others', [named('a', 'x:1')], ['y:1'], ['a x:1', 'a y:1']],
    ['by moving; who loses the last one stays without', [named('b', 'x:1')], ['x:1'], ['b undefined', 'a x:1']],
    [
      'by moving; who keeps another is not listed twice',
      [named('b', 'x:1'), named('b', 'y:1')],
      ['x:1'],
      ['b y:1', 'a x:1'],
    ],
    [
      'by moving two of one image',
      [named('b', 'x:1'), named('b', 'y:1')],
      ['x:1', 'y:1'],
      ['b undefined', 'a x:1', 'a y:1'],
    ],
    ['to what had none', [named('a', undefined)], ['x:1'], ['a x:1']],
    ['and no nameless entry is added beside names', [named('a', 'x:1')], [], ['a x:1']],
    ['to another compression of the same image', [named('b', 'x:1', 'a')], ['x:1'], ['a x:1']],
  ])('%s', (_, before, names, after) => {
    expect(brief(withNames(before, image('a'), names))).toEqual(after);
  });
});
