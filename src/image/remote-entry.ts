/** Manifests at a registry, described as a manifest list describes them. */
import { WherryError } from '#base/error.ts';
import { readConfig, readDocument } from '#image/remote-document.ts';
import type { ListEntry } from '#oci/local-lists.ts';
import { type Descriptor, type Manifest, MEDIA, type Platform } from '#oci/manifest.ts';
import { inOrder } from '#oci/platform.ts';
import { canonical, type Reference } from '#oci/reference.ts';
import type { FetchedManifest, Registry } from '#oci/registry.ts';
import { openTarget } from '#oci/sources.ts';

export interface FetchOptions {
  /** The registry may speak plain HTTP, or show any certificate. */
  insecure?: boolean;
  abort?: AbortSignal | undefined;
}

/** One manifest. Throws kind `invalid` where the name is a list's, `not-found` in Docker's words. */
export async function fetchEntry(reference: Reference, options: FetchOptions): Promise<ListEntry> {
  const found = await fetchList(reference, options);
  if (!Array.isArray(found)) return found;
  throw new WherryError('invalid', `${canonical(reference)} is a manifest list`);
}

/** One manifest, or all of a list, each with its platform as the list has it. */
export async function fetchList(
  reference: Reference,
  { insecure = false, abort }: FetchOptions,
): Promise<ListEntry | ListEntry[]> {
  const registry = await openTarget(reference, { insecure, abort });
  try {
    const top = await registry.manifest(reference);
    const document = readDocument(top, reference);
    if (!('manifests' in document)) return await describe(registry, { reference, fetched: top, document });
    return await Promise.all(document.manifests.map((entry) => inList(registry, reference, entry)));
  } catch (error) {
    if (!(error instanceof WherryError) || error.kind !== 'not-found') throw error;
    throw new WherryError('not-found', `no such manifest: ${canonical(reference)}`, { cause: error });
  } finally {
    await registry.close();
  }
}

async function inList(registry: Registry, reference: Reference, entry: Descriptor): Promise<ListEntry> {
  const { domain, path, tag } = reference;
  const child = { domain, path, ...(tag === undefined ? {} : { tag }), digest: entry.digest };
  const fetched = await registry.manifest(child, entry.digest);
  const document = readDocument(fetched, child);
  if ('manifests' in document) {
    throw new WherryError('unsupported', `unsupported manifest type: ${canonical(child)} is a list in a list`);
  }
  const described = await describe(registry, { reference: child, fetched, document });
  return { ...described, descriptor: { ...described.descriptor, platform: inOrder(entry.platform ?? {}) } };
}

type Fetched = { reference: Reference; fetched: FetchedManifest; document: Manifest };

async function describe(registry: Registry, { reference, fetched, document }: Fetched): Promise<ListEntry> {
  const config: Partial<Platform> = await readConfig(registry, reference, document.config);
  const { bytes, digest } = fetched;
  const mediaType = document.mediaType || fetched.mediaType || MEDIA.manifest;
  return {
    ref: canonical(reference),
    descriptor: { mediaType, digest, size: bytes.length, platform: inOrder(config) },
    raw: bytes,
  };
}
