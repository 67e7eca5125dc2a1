import { expect, test } from 'vitest';
import type { ProvenanceWish } from '#build/provenance.ts';
import type { Plan } from '#build/vertex.ts';
import type { Bases } from '#engine/build-images.ts';
import { makeIndex, provenanceOf } from '#engine/build-indexed.ts';
import { buildRequest } from '#test/support/build-request.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const wish: ProvenanceWish = {
  mode: 'max',
  version: 'v0.2',
  builderId: '',
  inlineOnly: false,
  reproducible: false,
};
const request = buildRequest();
const image = { op: 'image', name: '', inputs: [], platform, reference: 'docker.io/library/x:1' };
const plan = { vertices: [image], targets: [{ platform, result: 0 }], contexts: {} } as unknown as Plan;
const times = { id: 'abc', started: 1000, finished: 2000 };
const target = {
  platform,
  imageId: '',
  digest: 'sha256:1',
  manifest: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: 'sha256:1', size: 7 },
};

/** Bases that tell how often they were asked. */
function counting(): { bases: Bases; asked: () => number } {
  let count = 0;
  const bring = async () => {
    count += 1;
    return { references: [], manifest: { digest: `sha256:${'b'.repeat(64)}` } };
  };
  return { bases: { bring } as unknown as Bases, asked: () => count };
}

test('what is attested and what the file of metadata says is one build: its id and its times', async () => {
  const { bases } = counting();
  const origins = { plan, bases, times };
  const attested = { ...request, provenance: wish };
  const { blobs } = await makeIndex(attested, { ...origins, targets: [target] });
  const statements = blobs.map(({ bytes }) => JSON.parse(bytes.toString())).filter(({ predicate }) => predicate);
  const [told] = await provenanceOf(attested, origins);
  const metadata = {
    buildInvocationID: 'abc',
    buildStartedOn: '1970-01-01T00:00:01.000Z',
    buildFinishedOn: '1970-01-01T00:00:02.000Z',
  };
  expect(statements[0]).toMatchObject({ predicate: { metadata } });
  expect(told?.whole).toMatchObject({ metadata });
});

test('an index without provenance asks for nothing that the image was made from', async () => {
  const { bases, asked } = counting();
  await makeIndex(request, { plan, bases, times, targets: [target] });
  expect(asked()).toBe(0);
});
