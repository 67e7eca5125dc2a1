import { expect, onTestFinished, test, vi } from 'vitest';
import type { BuildResult } from '#build/request.ts';
import { metadata } from '#cli/build/files.ts';

const AMD = { os: 'linux', architecture: 'amd64' };
const built = (more: Partial<BuildResult>) => ({
  result: {
    targets: [{ platform: AMD, imageId: 'sha256:c', digest: 'sha256:m' }],
    digest: 'sha256:m',
    descriptor: { mediaType: 'manifest', digest: 'sha256:m', size: 7, platform: AMD },
    names: ['docker.io/b/one', 'docker.io/b/two:3'],
    provenance: async () => [],
    ...more,
  },
  ref: 'r',
  builder: { name: 'mine', node: 'mine0' },
  warnings: [],
});

test('the metadata of an image names its builder, its manifest and its names as they were given', async () => {
  expect(await metadata(built({}))).toEqual({
    'buildx.build.ref': 'mine/mine0/r',
    'containerimage.config.digest': 'sha256:c',
    'containerimage.descriptor': { mediaType: 'manifest', digest: 'sha256:m', size: 7, platform: AMD },
    'containerimage.digest': 'sha256:m',
    'image.name': 'docker.io/b/one,docker.io/b/two:3',
  });
});

test('the metadata of an index has no one configuration', async () => {
  const descriptor = { mediaType: 'index', digest: 'sha256:i', size: 7 };
  const said = await metadata(built({ digest: 'sha256:i', descriptor, names: [] }));
  expect(Object.keys(said)).toEqual(['buildx.build.ref', 'containerimage.descriptor', 'containerimage.digest']);
});

test('the metadata of files has no image', async () => {
  const { descriptor: _none, ...result } = built({ targets: [], digest: '', names: [] }).result;
  expect(Object.keys(await metadata({ ...built({}), result }))).toEqual(['buildx.build.ref']);
});

test('the metadata tells the steps where BUILDX_METADATA_PROVENANCE asks for all', async () => {
  const said = { platform: AMD, materials: [], predicate: { builder: { id: '' } }, whole: { all: true } };
  const provenance = (async () => [said]) as unknown as BuildResult['provenance'];
  const told = async () => Reflect.get(await metadata(built({ provenance })), 'buildx.build.provenance');
  expect(await told()).toEqual({ builder: { id: '' } });
  vi.stubEnv('BUILDX_METADATA_PROVENANCE', 'max');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(await told()).toEqual({ all: true });
});
