/** Manifests and indexes at a registry, of whatever is there: attestations and charts have them as well. */
import { restated, WherryError } from '#base/error.ts';
import { type Descriptor, type Index, MAX_DOCUMENT, type Manifest } from '#oci/manifest.ts';
import type { Document } from '#oci/push.ts';
import { canonical, type Reference } from '#oci/reference.ts';
import type { FetchedManifest, Registry } from '#oci/registry.ts';
import { openTarget } from '#oci/sources.ts';

/** With the registry open. */
export async function atRegistry<T>(
  reference: Reference,
  abort: AbortSignal | undefined,
  work: (registry: Registry) => Promise<T>,
): Promise<T> {
  const registry = await openTarget(reference, { abort });
  try {
    return await work(registry);
  } finally {
    await registry.close();
  }
}

/** What a name stands for. Throws kind `not-found` in buildx's words. */
export async function topOf(
  registry: Registry,
  reference: Reference,
): Promise<{ document: Document; content: Index | Manifest }> {
  const fetched = await registry.manifest(reference, reference.digest).catch((error: unknown) => {
    if (!(error instanceof WherryError) || error.kind !== 'not-found') throw error;
    throw restated(error, { message: `${canonical(reference)}: not found` });
  });
  const content = readDocument(fetched, reference);
  const { bytes, digest } = fetched;
  return { document: { bytes, digest, mediaType: content.mediaType || fetched.mediaType }, content };
}

/** Less is asked of it than of an image that will run here: attestations and charts have manifests as well. */
export function readDocument(fetched: FetchedManifest, reference: Reference): Index | Manifest {
  const json: Partial<Index & Manifest> = JSON.parse(fetched.bytes.toString());
  if (json?.schemaVersion === 2 && Array.isArray(json.manifests) && json.manifests.every(isDocument)) {
    return json as Index;
  }
  if (json?.schemaVersion === 2 && Array.isArray(json.layers) && isDocument(json.config)) return json as Manifest;
  throw new WherryError('unsupported', `${canonical(reference)} is not a manifest`);
}

function isDocument(descriptor: Descriptor | undefined): boolean {
  const { digest, size } = descriptor ?? {};
  return (
    /^sha(?:256|384|512):[0-9a-f]+$/.test(String(digest)) && Number.isSafeInteger(size) && Number(size) <= MAX_DOCUMENT
  );
}
