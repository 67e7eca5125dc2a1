/**
 * Who refers to a manifest, kept under a tag for registries that don't keep it themselves (distribution-spec, "Pushing
 * Manifests with Subject" and "Referrers Tag Schema").
 */
import { WherryError } from '#base/error.ts';
import { digestOf } from '#oci/digest.ts';
import { type Descriptor, type Index, type Manifest, MEDIA } from '#oci/manifest.ts';
import { type Document, putManifest } from '#oci/push.ts';
import type { Reference } from '#oci/reference.ts';
import type { FetchedManifest, Registry } from '#oci/registry.ts';

/** The tag for a subject: sha256-<hex>. */
function referrersTag(subject: string): string {
  const [algorithm = '', encoded = ''] = subject.split(':');
  return `${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`.replace(/[^A-Za-z0-9._-]/g, '-');
}

type Referring = Manifest & { subject?: Descriptor; artifactType?: string };

/** Puts a manifest with a subject into the list of what refers to it. Throws kind `conflict` where the tag is no list. */
export async function listReferrer(registry: Registry, repository: Reference, document: Document): Promise<void> {
  const manifest: Referring = JSON.parse(document.bytes.toString());
  if (manifest.subject === undefined) return;
  const { domain, path } = repository;
  const reference = { domain, path, tag: referrersTag(manifest.subject.digest) };
  const index = await readList(registry, reference);
  if (index.manifests.some((entry) => entry.digest === document.digest)) return;
  const artifactType = manifest.artifactType || manifest.config.mediaType;
  const entry = {
    mediaType: document.mediaType,
    digest: document.digest,
    size: document.bytes.length,
    artifactType,
    ...(manifest.annotations === undefined ? {} : { annotations: manifest.annotations }),
  };
  await putManifest(registry, reference, asDocument({ ...index, manifests: [...index.manifests, entry] }));
}

async function readList(registry: Registry, reference: Reference): Promise<Index> {
  let found: FetchedManifest;
  try {
    found = await registry.manifest(reference);
  } catch (error) {
    if (!(error instanceof WherryError) || error.kind !== 'not-found') throw error;
    return { schemaVersion: 2, mediaType: MEDIA.index, manifests: [] };
  }
  const list = JSON.parse(found.bytes.toString()) as Partial<Index>;
  if (list.mediaType === MEDIA.index && Array.isArray(list.manifests)) return list as Index;
  throw new WherryError(
    'conflict',
    `Cannot list the image as a referrer: the tag ${reference.tag} is there and is no index of referrers`,
  );
}

function asDocument(index: Index): Document {
  const bytes = Buffer.from(JSON.stringify(index));
  return { bytes, mediaType: MEDIA.index, digest: digestOf(bytes) };
}
