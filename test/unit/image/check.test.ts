import { describe, expect, test } from 'vitest';
import type { Entry } from '#image/catalog.ts';
import { judgeImages, judgeOrphans } from '#image/check.ts';
import type { ImageFacts, LayerUser } from '#image/look.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const [MANIFEST, CONFIG, BLOB, LAYER] = ['a', 'b', 'c', 'd'].map(digest) as [string, string, string, string];
const size = 10;
const described = (of: string) => ({ mediaType: 'm', digest: of, size });
const named = (name: string | undefined, change: Partial<Entry> = {}): Entry => ({
  manifest: described(MANIFEST),
  id: CONFIG,
  sizes: [1],
  name,
  ...change,
});
const user = (running: boolean): LayerUser => ({
  id: 'e'.repeat(64),
  name: 'web',
  reference: 'x',
  image: CONFIG,
  diffIds: [LAYER],
  running,
});

/** A whole image of one layer. */
const whole: ImageFacts = {
  entries: [named('docker.io/library/x:1'), named(`docker.io/library/x@${digest('f')}`)],
  blobs: new Map([MANIFEST, CONFIG, BLOB].map((one) => [one, size])),
  altered: new Set(),
  manifests: new Map([[MANIFEST, { schemaVersion: 2, config: described(CONFIG), layers: [described(BLOB)] }]]),
  configs: new Map([[MANIFEST, { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [LAYER] } }]]),
  layers: new Set([LAYER]),
  changed: new Map(),
  users: [],
};
const places = {
  blob: (of: string) => `blob ${of.at(-1)}`,
  layer: (of: string) => `layer ${of.at(-1)}`,
  index: 'index',
};
const blobs = (change: Record<string, number | undefined>) => {
  const sizes = new Map(whole.blobs);
  for (const [of, bytes] of Object.entries(change)) {
    if (bytes === undefined) sizes.delete(of);
    else sizes.set(of, bytes);
  }
  return sizes;
};

test('a whole image has no damage', () => expect(judgeImages(whole, places)).toEqual([]));

describe('damage is named, with what mends it', () => {
  const forget = 'forget';
  test.each<[string, Partial<ImageFacts>, [path: string, what: RegExp, remedy: string | undefined][]]>([
    [
      'a manifest that is gone',
      { blobs: blobs({ [MANIFEST]: undefined }) },
      [['blob a', /^missing manifest of .* x:1$/, forget]],
    ],
    ['a manifest that is altered', { altered: new Set([MANIFEST]) }, [['blob a', /^altered manifest/, forget]]],
    ['a manifest that is none', { manifests: new Map() }, [['blob a', /^unreadable manifest/, forget]]],
    [
      'a configuration that is cut off',
      { blobs: blobs({ [CONFIG]: 3 }) },
      [['blob b', /^truncated configuration/, forget]],
    ],
    ['a configuration that is none', { configs: new Map() }, [['blob b', /^unreadable configuration/, forget]]],
    ['a layer that is gone', { layers: new Set() }, [['layer d', /^missing layer of the image x:1$/, 'unpack']]],
    [
      'a layer that is altered',
      { changed: new Map([[LAYER, ['"a" is missing']]]) },
      [['layer d', /^altered layer \("a" is missing\)/, 'unpack']],
    ],
    [
      'a layer on which a container runs',
      { layers: new Set(), users: [user(true)] },
      [['layer d', /^missing layer/, undefined]],
    ],
    [
      'a blob whose tree is whole',
      { blobs: blobs({ [BLOB]: undefined }) },
      [['blob c', /^missing blob of a layer/, 'mark']],
    ],
    ['a blob that is cut off', { blobs: blobs({ [BLOB]: 9 }) }, [['blob c', /^truncated blob/, 'mark']]],
    ['a blob that is altered', { altered: new Set([BLOB]) }, [['blob c', /^altered blob/, 'mark']]],
    [
      'a blob and its tree',
      { blobs: blobs({ [BLOB]: undefined }), layers: new Set() },
      [
        ['blob c', /^missing blob/, forget],
        ['layer d', /^missing layer/, forget],
      ],
    ],
    [
      'a wrong note',
      { entries: [named('docker.io/library/x:1', { id: digest('9') })] },
      [['index', /another ID/, 'note']],
    ],
    [
      "a container's layer whose image is gone",
      { entries: [], manifests: new Map(), configs: new Map(), layers: new Set(), users: [user(false)] },
      [['layer d', /^missing layer of the container web$/, undefined]],
    ],
  ])('%s', (_, change, expected) => {
    const found = judgeImages({ ...whole, ...change }, places);
    expect(found.map(({ path, remedy }) => [path, remedy?.kind])).toEqual(
      expected.map(([path, , kind]) => [path, kind]),
    );
    for (const [at, [, what]] of expected.entries()) expect(found[at]?.what).toMatch(what);
  });
});

test('a blob that an earlier repair gave up is told, and not counted', () => {
  const entries = [named('docker.io/library/x:1', { lost: [BLOB] })];
  const [found, ...others] = judgeImages({ ...whole, entries, blobs: blobs({ [BLOB]: undefined }) }, places);
  expect(found).toMatchObject({ path: 'blob c', known: true });
  expect(found?.remedy).toBeUndefined();
  expect(others).toEqual([]);
});

test('a layer is unpacked from the blob of another image where its own is lost', () => {
  const other = digest('1');
  const facts: ImageFacts = {
    ...whole,
    entries: [...whole.entries, named('docker.io/library/y:1', { manifest: described(other) })],
    blobs: new Map([...blobs({ [BLOB]: undefined }), [other, size], [digest('2'), size]]),
    manifests: new Map([
      ...whole.manifests,
      [other, { schemaVersion: 2, config: described(CONFIG), layers: [described(digest('2'))] }],
    ]),
    configs: new Map([...whole.configs, [other, whole.configs.get(MANIFEST) as never]]),
    layers: new Set(),
  };
  const found = judgeImages(facts, places);
  expect(found.map(({ path, remedy }) => [path, remedy?.kind])).toEqual([
    ['blob c', 'mark'],
    ['layer d', 'unpack'],
  ]);
  expect(found[1]?.remedy).toMatchObject({ layer: { blob: { digest: digest('2') } } });
});

test('how to get an image back is said: by its tag where it was pulled', () => {
  const missing = { ...whole, blobs: blobs({ [MANIFEST]: undefined }) };
  expect(judgeImages(missing, places)[0]?.advice).toBe('remove the image; get it back by: wherry pull x:1');
  const loaded = { ...missing, entries: [named('localhost/x:1')] };
  expect(judgeImages(loaded, places)[0]?.advice).toBe('remove the image; load, build or pull it again');
});

test('what nothing needs is named', () => {
  const found = judgeOrphans({ blobs: [BLOB], layers: [LAYER] }, places);
  expect(found.map(({ path, remedy }) => [path, remedy])).toEqual([
    ['blob c', { kind: 'drop', blobs: [BLOB], layers: [] }],
    ['layer d', { kind: 'drop', blobs: [], layers: [LAYER] }],
  ]);
});
