import { describe, expect, test } from 'vitest';
import { MAX_DOCUMENT, MEDIA, parseConfig, parseDocument } from '#oci/manifest.ts';
import { choose } from '#oci/platform.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const config = { mediaType: MEDIA.config, digest: DIGEST, size: 10 };
const layer = { mediaType: `${MEDIA.layer}+gzip`, digest: DIGEST, size: 10 };
const manifest = { schemaVersion: 2, mediaType: MEDIA.manifest, config, layers: [layer] };
const read = (value: unknown, mediaType: string = MEDIA.manifest) =>
  parseDocument(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), mediaType, 'x');

test('manifests and indexes of OCI and Docker are told apart', () => {
  expect(read(manifest).kind).toBe('manifest');
  expect(read({ ...manifest, mediaType: undefined }, MEDIA.dockerManifest).kind).toBe('manifest');
  const docker = { ...layer, mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' };
  expect(read({ ...manifest, mediaType: MEDIA.dockerManifest, layers: [docker] }).kind).toBe('manifest');
  expect(read({ schemaVersion: 2, manifests: [] }, MEDIA.dockerList).kind).toBe('index');
  expect(read({ schemaVersion: 2, manifests: [{ ...config }] }, MEDIA.index).kind).toBe('index');
});

describe('a document that must not be believed is refused', () => {
  test.each([
    ['no JSON', '{', 'corrupt', /not valid JSON/],
    ['no object', '[]', 'corrupt', /not a JSON object/],
    ['both a manifest and an index', { ...manifest, manifests: [] }, 'corrupt', /at once/],
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, 'unsupported', /schema 1/],
    ['another schema', { ...manifest, schemaVersion: 3 }, 'corrupt', /schemaVersion is 3/],
    ['no layers', { ...manifest, layers: 'x' }, 'corrupt', /no list of layers/],
    ['no config', { ...manifest, config: null }, 'corrupt', /config is not a descriptor/],
    [
      'a bad digest',
      { ...manifest, layers: [{ ...layer, digest: 'sha256:../../x' }] },
      'corrupt',
      /layer 0 has no valid digest/,
    ],
    ['a negative size', { ...manifest, layers: [{ ...layer, size: -1 }] }, 'corrupt', /layer 0 has no valid size/],
    ['a fractional size', { ...manifest, layers: [{ ...layer, size: 1.5 }] }, 'corrupt', /no valid size/],
    [
      'a huge config',
      { ...manifest, config: { ...config, size: MAX_DOCUMENT + 1 } },
      'corrupt',
      /config has 4194305 bytes/,
    ],
    ['too many layers', { ...manifest, layers: Array.from({ length: 128 }, () => layer) }, 'corrupt', /128 layers/],
    [
      'an unknown layer',
      { ...manifest, layers: [{ ...layer, mediaType: 'text/plain' }] },
      'unsupported',
      /media type text\/plain/,
    ],
    [
      'a chart',
      { ...manifest, config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } },
      'unsupported',
      /^unsupported media type application\/vnd.cncf.helm.config.v1\+json$/,
    ],
    [
      'an artifact without a configuration',
      { ...manifest, artifactType: 'x/y', config: { ...config, mediaType: 'application/vnd.oci.empty.v1+json' } },
      'unsupported',
      /^unsupported media type application\/vnd.oci.empty.v1\+json$/,
    ],
    [
      "a plugin of Docker's",
      {
        ...manifest,
        mediaType: MEDIA.dockerManifest,
        config: { ...config, mediaType: 'application/vnd.docker.plugin.v1+json' },
      },
      'unsupported',
      /^Encountered remote "application\/vnd.docker.plugin.v1\+json"\(plugin\) when fetching$/,
    ],
    ['an index without a list', { schemaVersion: 2, mediaType: MEDIA.index }, 'corrupt', /no list of manifests/],
  ])('%s', (_, value, kind, message) => {
    expect(() => read(value)).toThrow(expect.objectContaining({ kind, message: expect.stringMatching(message) }));
  });
});

describe('what a document says beside its digests has the type that it must have', () => {
  const index = (more: object) => ({ schemaVersion: 2, manifests: [{ ...config, ...more }] });
  test.each([
    ['a platform that is none', index({ platform: 7 }), /its entry 0 has malformed platform$/],
    ['an architecture that is none', index({ platform: { os: 'linux', architecture: {} } }), /malformed platform$/],
    ['an annotation that is no text', index({ annotations: { a: 1 } }), /malformed annotations$/],
    ['an annotation of null', index({ annotations: { a: null } }), /malformed annotations$/],
    ['a schema of a megabyte', { ...manifest, schemaVersion: 'x'.repeat(1e6) }, /^.{60,200}$/],
    [
      'a schema of a thousand floors',
      `{"schemaVersion":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
      /is no text and no number$/,
    ],
    [
      'a media type for the terminal',
      { ...manifest, config: { ...config, mediaType: 'a\n\x1b[2J' } },
      /^unsupported media type a\?\?\[2J$/,
    ],
  ])('%s', (_, value, message) => {
    expect(() => read(value, MEDIA.index)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message) }),
    );
  });

  test('null and what is left out are nothing, as for Docker', () => {
    const entries = [
      { platform: null, annotations: null },
      { platform: {} },
      { platform: { os: 'linux', variant: null } },
    ];
    const document = read(
      { schemaVersion: 2, manifests: entries.map((entry) => ({ ...config, ...entry })) },
      MEDIA.index,
    );
    const manifests = document.kind === 'index' ? document.index.manifests : [];
    expect(manifests).toEqual([
      config,
      { ...config, platform: { os: '', architecture: '' } },
      { ...config, platform: { os: 'linux', architecture: '' } },
    ]);
    expect(choose(manifests, { os: 'linux', architecture: 'amd64' })).toEqual([config]);
  });
});

test.each([
  'application/vnd.oci.image.layer.v1.tar+zstd',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  'application/octet-stream',
  '',
])('a layer of the type "%s" is one: its first bytes say how it is compressed', (mediaType) => {
  expect(read({ ...manifest, layers: [{ ...layer, mediaType }] }).kind).toBe('manifest');
});

test('a manifest with a subject and an artifact type is an image all the same', () => {
  expect(read({ ...manifest, artifactType: 'x/y', subject: layer }).kind).toBe('manifest');
});

test('schema 1 is known by its media type, too', () => {
  const signed = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
  expect(() => read({ schemaVersion: 1 }, signed)).toThrow(/schema 1/);
});

test('a configuration needs a diff ID for each layer', () => {
  const bytes = (value: object) => Buffer.from(JSON.stringify(value));
  expect(parseConfig(bytes({ rootfs: { type: 'layers', diff_ids: [DIGEST] } }), 1, 'x')).toMatchObject({ os: 'linux' });
  expect(parseConfig(bytes({ architecture: 'arm64', rootfs: {} }), 0, 'x')).toMatchObject({ architecture: 'arm64' });
  expect(() => parseConfig(bytes({ rootfs: { diff_ids: [] } }), 1, 'x')).toThrow(
    "layers from manifest don't match image configuration",
  );
  expect(() => parseConfig(bytes({ rootfs: null }), 0, 'x')).toThrow('invalid rootfs in image configuration');
  const history = [{ created_by: 'a' }, { created_by: 'b' }];
  expect(() => parseConfig(bytes({ rootfs: { diff_ids: [DIGEST] }, history }), 1, 'x')).toThrow(
    'too many non-empty layers in History section',
  );
  expect(() => parseConfig(bytes({ rootfs: { diff_ids: ['../x'] } }), 1, 'x')).toThrow('diff IDs is malformed');
  expect(parseConfig(bytes({ rootfs: { type: 'layers' }, variant: null }), 0, 'x')).toEqual({
    os: 'linux',
    architecture: 'amd64',
    rootfs: { type: 'layers', diff_ids: [] },
  });
  expect(() => parseConfig(bytes({ os: 1, rootfs: { diff_ids: [] } }), 0, 'x')).toThrow('os is malformed');
});

test.each([
  ['created', { created: 7 }],
  ['history', { history: [null] }],
  ['history', { history: [{ comment: {} }] }],
  ['config', { config: [] }],
  ['config.Env', { config: { Env: 'A=b' } }],
  ['config.Env', { config: { Env: [1] } }],
  ['config.Cmd', { config: { Cmd: { 0: 'sh' } } }],
  ['config.Labels', { config: { Labels: { a: 1 } } }],
  ['config.ExposedPorts', { config: { ExposedPorts: ['80'] } }],
  ['config.Volumes', { config: { Volumes: '/v' } }],
  ['config.User', { config: { User: 0 } }],
  ['config.Healthcheck', { config: { Healthcheck: { Test: 'true' } } }],
])('a configuration whose %s is of another type is refused: it would be used years later', (field, value) => {
  expect(() => parseConfig(Buffer.from(JSON.stringify({ rootfs: {}, ...value })), 0, 'x')).toThrow(
    expect.objectContaining({
      kind: 'corrupt',
      message: `Cannot use the configuration of "x": its ${field} is malformed`,
    }),
  );
});
