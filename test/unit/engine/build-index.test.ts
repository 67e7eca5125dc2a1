import { expect, test } from 'vitest';
import type { Plan } from '#build/vertex.ts';
import { indexOf, materialsOf, needsIndex, requestFor } from '#engine/build-index.ts';
import { digestOf } from '#oci/digest.ts';
import { buildRequest } from '#test/support/build-request.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const target = (architecture: string, digest: string) => ({
  platform: { os: 'linux', architecture },
  imageId: '',
  digest,
  manifest: { mediaType: MANIFEST, digest, size: 7 },
});
const about = {
  plan: { vertices: [], targets: [], warnings: [], contexts: {} },
  targets: [target('amd64', 'sha256:1'), target('arm64', 'sha256:2')],
  names: [],
  materials: [[], []],
  times: { id: '', started: 0, finished: 0 },
};

test('an index names an image for each platform, with the annotations that are its', () => {
  const annotations = [
    { scope: 'index' as const, key: 'a', value: 'b' },
    { scope: 'manifest-descriptor' as const, key: 'c', value: 'd' },
  ];
  const { index, manifests } = indexOf(buildRequest({ annotations }), about);
  expect(index.digest).toBe(digestOf(index.bytes));
  expect(manifests).toEqual([]);
  expect(JSON.parse(index.bytes.toString())).toMatchObject({
    annotations: { a: 'b' },
    manifests: [
      { digest: 'sha256:1', platform: { architecture: 'amd64' }, annotations: { c: 'd' } },
      { digest: 'sha256:2', platform: { architecture: 'arm64' }, annotations: { c: 'd' } },
    ],
  });
});

test('provenance is a manifest of no platform, that names the image it is about', () => {
  const { index, manifests, blobs } = indexOf(
    buildRequest({
      provenance: { mode: 'min', version: 'v0.2', builderId: '', inlineOnly: false, reproducible: false },
    }),
    about,
  );
  const { manifests: entries } = JSON.parse(index.bytes.toString());
  expect(entries[2]).toMatchObject({
    digest: manifests[0]?.digest,
    annotations: {
      'vnd.docker.reference.digest': 'sha256:1',
      'vnd.docker.reference.type': 'attestation-manifest',
    },
    platform: { architecture: 'unknown', os: 'unknown' },
  });
  const { config, layers } = JSON.parse(manifests[0]?.bytes.toString() ?? '');
  expect(blobs.map(({ digest }) => digest)).toEqual(expect.arrayContaining([config.digest, layers[0].digest]));
  expect(layers[0]).toMatchObject({ mediaType: 'application/vnd.in-toto+json' });
});

test('a file from the web is told without the credentials that it was fetched with', async () => {
  const files = ['https://u:pw@host/f', 'https://ghp_tok@host/f', 'https://u:p@q@host/f'].map((url) => ({
    op: 'http',
    url,
    checksum: `sha256:${'a'.repeat(64)}`,
    inputs: [],
  }));
  const last = { op: 'file', inputs: [0, 1, 2] };
  const plan = { vertices: [...files, last], targets: [{ result: 3 }] } as unknown as Plan;
  const materials = await materialsOf(plan, 0, {} as never);
  expect(materials.map(({ uri }) => uri)).toEqual(['https://xxxxx:xxxxx@host/f', 'https://xxxxx@host/f']);
});

test.each([
  ['image', 1, true],
  ['oci', 1, false],
  ['docker', 1, false],
  // An index is there anyway.
  ['oci', 2, true],
] as const)('provenance that is only for registries: an output of type %s for %i platforms', (type, count, has) => {
  const platforms = ['amd64', 'arm64'].slice(0, count).map((architecture) => ({ os: 'linux', architecture }));
  const provenance = { mode: 'max', version: 'v0.2', builderId: '', inlineOnly: true, reproducible: false } as const;
  const output = type === 'image' ? { type, names: [], push: true } : { type, dest: '-', names: [], tar: true };
  const asked = requestFor({ platforms, provenance }, output);
  expect(asked.provenance !== undefined).toBe(has);
  expect(needsIndex(asked)).toBe(has || count > 1);
  const other = requestFor({ platforms, provenance }, { ...output, inline: !has });
  expect(other.provenance !== undefined).toBe(!has || count > 1);
});
