import { expect, test } from 'vitest';
import { MEDIA } from '#oci/manifest.ts';
import { parseReference } from '#oci/reference.ts';
import { listReferrer } from '#oci/referrers.ts';
import { openRegistry } from '#oci/registry.ts';
import { sha256, startRegistry } from '#test/support/registry.ts';

const json = (value: object) => Buffer.from(JSON.stringify(value));
const subject = { mediaType: MEDIA.manifest, digest: sha256(Buffer.from('subject')), size: 7 };
const tag = subject.digest.replace(':', '-');

function document(extra: object) {
  const config = { mediaType: 'application/vnd.example.sbom', digest: sha256(Buffer.from('{}')), size: 2 };
  const bytes = json({ schemaVersion: 2, mediaType: MEDIA.manifest, config, layers: [], subject, ...extra });
  return { bytes, mediaType: MEDIA.manifest, digest: sha256(bytes) };
}

async function list(before: object | undefined, ...documents: ReturnType<typeof document>[]) {
  const server = await startRegistry();
  if (before !== undefined) server.put(`a:${tag}`, MEDIA.index, json(before));
  const registry = await openRegistry(server.host, { retryDelay: 1 });
  try {
    for (const one of documents) await listReferrer(registry, parseReference(`${server.host}/a:1`), one);
  } finally {
    await registry.close();
  }
  return JSON.parse(server.manifests.get(`a:${tag}`)?.bytes.toString() ?? '{}');
}

test('what refers to a subject is listed under its tag, once, with its type and annotations', async () => {
  const one = document({ annotations: { by: 'us' } });
  const other = document({ artifactType: 'application/vnd.example.signature' });
  expect(await list(undefined, one, other, one)).toEqual({
    schemaVersion: 2,
    mediaType: MEDIA.index,
    manifests: [
      {
        mediaType: MEDIA.manifest,
        digest: one.digest,
        size: one.bytes.length,
        artifactType: 'application/vnd.example.sbom',
        annotations: { by: 'us' },
      },
      {
        mediaType: MEDIA.manifest,
        digest: other.digest,
        size: other.bytes.length,
        artifactType: 'application/vnd.example.signature',
      },
    ],
  });
});

test('a tag that is something else is left as it is', async () => {
  const before = { schemaVersion: 2, mediaType: MEDIA.manifest };
  await expect(list(before, document({}))).rejects.toMatchObject({ kind: 'conflict' });
});

test('a manifest without a subject is not listed', async () => {
  expect(await list(undefined, document({ subject: undefined }))).toEqual({});
});
