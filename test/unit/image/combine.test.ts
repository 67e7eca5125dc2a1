import { describe, expect, test } from 'vitest';
import { combine, type SourceDocument } from '#image/combine.ts';
import { digestOf } from '#oci/digest.ts';
import { type Descriptor, MEDIA } from '#oci/manifest.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const of = (letter: string, architecture: string, mediaType: string = MEDIA.manifest): Descriptor => ({
  mediaType,
  digest: digest(letter),
  size: 1,
  platform: { architecture, os: 'linux' },
});
const document = (letter: string, mediaType: string) => ({
  bytes: Buffer.from('{}'),
  mediaType,
  digest: digest(letter),
});
const image = (...words: Parameters<typeof of>): SourceDocument => {
  const descriptor = of(...words);
  return { document: document(words[0], descriptor.mediaType), descriptor };
};
const list = (letter: string, ...manifests: Descriptor[]): SourceDocument => ({
  document: document(letter, MEDIA.index),
  index: { schemaVersion: 2, manifests },
});
const attestation: Descriptor = {
  ...of('f', 'unknown'),
  annotations: { 'vnd.docker.reference.digest': digest('b'), 'vnd.docker.reference.type': 'attestation-manifest' },
};
const PLAIN = { prefersIndex: true, platforms: [], annotations: [] };
const read = (made: { bytes: Buffer }): { manifests: Descriptor[] } => JSON.parse(made.bytes.toString());

test('images of two platforms become an index of both', () => {
  const made = combine([image('a', 'amd64'), image('b', 'arm64')], PLAIN);
  expect(read(made)).toEqual({
    schemaVersion: 2,
    mediaType: MEDIA.index,
    manifests: [of('a', 'amd64'), of('b', 'arm64')],
  });
  expect(made.digest).toBe(digestOf(made.bytes));
});

test("images of Docker's schema become a list of Docker's, which takes no annotations", () => {
  const sources = [image('a', 'amd64', MEDIA.dockerManifest)];
  const plain = combine(sources, PLAIN);
  expect(plain.mediaType).toBe(MEDIA.dockerList);
  for (const scope of ['index', 'manifest-descriptor']) {
    expect(combine(sources, { ...PLAIN, annotations: [{ scope, key: 'a', value: 'b' }] })).toEqual(plain);
  }
  const mixed = combine([...sources, image('b', 'arm64')], {
    ...PLAIN,
    annotations: [{ scope: 'index', key: 'a', value: 'b' }],
  });
  expect(read(mixed)).toMatchObject({ mediaType: MEDIA.index, annotations: { a: 'b' } });
});

describe('one source alone', () => {
  test('is copied as it is where it is an index', () => {
    expect(combine([list('c', of('a', 'amd64'))], PLAIN).digest).toBe(digest('c'));
  });

  test('is copied as it is where all of it is for the platforms that are wanted', () => {
    const platforms = [{ os: 'linux', architecture: 'amd64' }];
    expect(combine([list('c', of('a', 'amd64'))], { ...PLAIN, platforms }).digest).toBe(digest('c'));
    expect(combine([list('c')], PLAIN).digest).toBe(digest('c'));
  });

  test('gives its entries to a new index with annotations, and not its own annotations', () => {
    const source = list('c', of('a', 'amd64'));
    const said = {
      ...source,
      index: { schemaVersion: 2 as const, manifests: [of('a', 'amd64')], annotations: { a: 'b' } },
    };
    const annotations = [{ scope: 'index', key: 'k', value: 'v' }];
    expect(read(combine([said], { ...PLAIN, annotations }))).toMatchObject({ annotations: { k: 'v' } });
    expect(combine([said], { ...PLAIN, annotations }).bytes.toString()).not.toContain('"a": "b"');
  });

  test('gets an index where it is an image, but with --prefer-index=false', () => {
    expect(read(combine([image('a', 'amd64')], PLAIN)).manifests).toHaveLength(1);
    expect(combine([image('a', 'amd64')], { ...PLAIN, prefersIndex: false }).digest).toBe(digest('a'));
  });
});

test('what is for no platform in particular is for each', () => {
  const { platform: _, ...any } = of('b', 'arm64');
  const made = combine([list('c', of('a', 'amd64'), any)], {
    ...PLAIN,
    platforms: [{ os: 'linux', architecture: 's390x' }],
  });
  expect(read(made).manifests.map((one) => one.digest)).toEqual([digest('b')]);
});

test('a platform is chosen with what is attested of it', () => {
  const source = list('c', of('a', 'amd64'), of('b', 'arm64'), attestation);
  const made = combine([source], { ...PLAIN, platforms: [{ os: 'linux', architecture: 'arm64' }] });
  expect(read(made).manifests.map((one) => one.digest)).toEqual([digest('b'), digest('f')]);
  expect(() => combine([source], { ...PLAIN, platforms: [{ os: 'linux', architecture: 's390x' }] })).toThrow(
    'none of the manifests match the provided platforms',
  );
});

test('an annotation goes to the platform that is named, else to all, attestations too', () => {
  const source = list('c', of('a', 'amd64'), of('b', 'arm64'), attestation);
  const to = (platform?: string) => {
    const annotations = [{ scope: 'manifest-descriptor', key: 'k', value: 'v', platform }];
    return read(combine([source], { ...PLAIN, annotations })).manifests;
  };
  expect(to('linux/arm64').map(({ annotations }) => annotations?.k)).toEqual([undefined, 'v', undefined]);
  expect(to().map(({ annotations }) => annotations?.k)).toEqual(['v', 'v', 'v']);
});

test("an index is written as Go writes it, and has buildx's digest", () => {
  const odd = {
    platform: { os: 'linux', architecture: 'amd64' },
    size: 1,
    digest: digest('a'),
    mediaType: MEDIA.manifest,
  };
  const annotations = ['z', 'a'].map((key) => ({ scope: 'manifest-descriptor', key, value: '<' }));
  expect(combine([list('c', odd)], { ...PLAIN, annotations }).bytes.toString()).toBe(`{
  "schemaVersion": 2,
  "mediaType": "${MEDIA.index}",
  "manifests": [
    {
      "mediaType": "${MEDIA.manifest}",
      "digest": "${digest('a')}",
      "size": 1,
      "annotations": {
        "a": "\\u003c",
        "z": "\\u003c"
      },
      "platform": {
        "architecture": "amd64",
        "os": "linux"
      }
    }
  ]
}`);
});

test.each(['manifest', 'index-descriptor'])('annotations of a %s are refused', (scope) => {
  const annotations = [{ scope, key: 'k', value: 'v' }];
  expect(() => combine([image('a', 'amd64')], { ...PLAIN, annotations })).toThrow(`"${scope}" annotations`);
});

test('what several sources have is there once', () => {
  const made = combine([list('c', of('a', 'amd64')), image('a', 'amd64')], PLAIN);
  expect(read(made).manifests).toHaveLength(1);
});
