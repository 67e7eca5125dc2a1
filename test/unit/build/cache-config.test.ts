import { describe, expect, test } from 'vitest';
import {
  type CacheStep,
  cacheConfigOf,
  compressionOf,
  inlineCacheOf,
  readCacheConfig,
  readInlineCache,
} from '#build/cache-config.ts';

const hex = (digit: string) => digit.repeat(64);
const layer = (digit: string) => ({
  diffId: `sha256:${hex(digit)}`,
  blob: { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: `sha256:${hex(digit)}`, size: 7 },
  created: '2026-01-01T00:00:00.000Z',
});
const step = (keys: string[], ...layers: string[]): CacheStep => ({ keys: keys.map(hex), layers: layers.map(layer) });

const one = step(['b', 'd'], '1');
const two = step(['a', 'c'], '1', '2');
const blobs = new Map(['1', '2'].map((digit) => [`sha256:${hex(digit)}`, layer(digit).blob]));

test('a cache has a layer once, upon the one below it, and records sorted by their keys', () => {
  const { layers, records } = cacheConfigOf([one, two]);
  expect(layers.map(({ blob, parent }) => [blob.slice(-1), parent])).toEqual([
    ['1', -1],
    ['2', 0],
  ]);
  expect(records.map(({ digest, layers: made, inputs }) => [digest.slice(-1), made?.[0]?.layer, inputs])).toEqual([
    ['a', 1, undefined],
    ['b', 0, undefined],
    ['c', 1, [[{ link: 0 }]]],
    ['d', 0, [[{ link: 1 }]]],
  ]);
});

test('the same steps give the same bytes in whatever order they were made', () => {
  expect(JSON.stringify(cacheConfigOf([two, one]))).toBe(JSON.stringify(cacheConfigOf([one, two])));
});

test('what was written is found again by each of its keys, with the key of its content', () => {
  const found = readCacheConfig(JSON.parse(JSON.stringify(cacheConfigOf([one, two]))), blobs);
  expect([...found.keys()].sort()).toEqual(['a', 'b', 'c', 'd'].map(hex));
  expect(found.get(hex('c'))).toEqual({ ...layer('2'), id: hex('a') });
  expect(found.get(hex('b'))).toEqual({ ...layer('1'), id: hex('b') });
});

test('a layer whose blob is not in the manifest is not offered', () => {
  expect(readCacheConfig(cacheConfigOf([two]), new Map())).toEqual(new Map());
});

test.each([
  ['nothing', undefined],
  ['a number', 7],
  ['no lists', { layers: {}, records: 'x' }],
  ['senseless records', { layers: [null, 3], records: [null, 1, {}, { digest: 'x' }, { digest: 3, layers: [{}] }] }],
  [
    'indexes that lead nowhere',
    { layers: [], records: [{ digest: `sha256:${hex('a')}`, layers: [{ layer: -1 }], inputs: [[{ link: 99 }]] }] },
  ],
  [
    'a layer without a diff ID',
    { layers: [{ blob: `sha256:${hex('1')}` }], records: [{ digest: `sha256:${hex('a')}`, layers: [{ layer: 0 }] }] },
  ],
])('%s is a cache in which nothing is found', (_, config) => {
  expect(readCacheConfig(config, blobs)).toEqual(new Map());
});

describe('an image with its cache', () => {
  const image = [layer('9'), layer('1'), layer('2')];
  const diffIds = image.map(({ diffId }) => diffId);

  test('has the steps whose layers are its own, by their places', () => {
    const below = { keys: [hex('b')], layers: [layer('9'), layer('1')] };
    const linked = { keys: [hex('a')], layers: [layer('2')] };
    const elsewhere = { keys: [hex('e')], layers: [layer('9'), layer('5')] };
    const text = inlineCacheOf([below, linked, elsewhere], diffIds);
    expect(JSON.parse(Buffer.from(text ?? '', 'base64').toString())).toMatchObject([
      { digest: `sha256:${hex('a')}`, chains: [{ layers: [2] }] },
      { digest: `sha256:${hex('b')}`, layers: [{ layer: 1 }] },
    ]);
    const found = readInlineCache(text, image);
    expect(found.get(hex('a'))?.diffId).toBe(layer('2').diffId);
    expect(found.get(hex('b'))).toEqual({ ...layer('1'), id: hex('b') });
  });

  test('has no such field where none of the steps is in it', () => {
    expect(inlineCacheOf([step(['a'], '5')], diffIds)).toBeUndefined();
  });

  test.each([undefined, 7, '', '!!', Buffer.from('{').toString('base64')])(
    'without a readable one (%s) gives nothing',
    (text) => {
      expect(readInlineCache(text, image)).toEqual(new Map());
    },
  );
});

test.each([
  ['application/vnd.oci.image.layer.v1.tar+gzip', 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
  ['application/vnd.docker.image.rootfs.diff.tar.zstd', 'zstd'],
  ['application/vnd.oci.image.layer.v1.tar', 'uncompressed'],
])('%s is compressed as %s', (mediaType, kind) => {
  expect(compressionOf({ mediaType, digest: '', size: 0 })).toBe(kind);
});
