/** Manifests and indexes at a registry, of whatever is there: attestations and charts have them as well. */
import { restated, WherryError } from '#base/error.ts';
import { checkConfig, type Descriptor, type Index, type Manifest, parseAny } from '#oci/manifest.ts';
import type { Document } from '#oci/push.ts';
import { canonical, type Reference, repositoryOf } from '#oci/reference.ts';
import type { FetchedManifest, Registry } from '#oci/registry.ts';
import { type Json, parsedObject } from '#oci/shape.ts';
import { openTarget } from '#oci/sources.ts';
import { fetchSmall } from '#oci/transfer.ts';

/** Gives the registry of a name; the same for each name of a repository. */
export type AtRegistry = (reference: Reference) => Promise<Registry>;

/** Each repository's registry is opened once, when it is asked for, and closed when the work is over. */
export async function withRegistries<T>(
  abort: AbortSignal | undefined,
  work: (at: AtRegistry) => Promise<T>,
): Promise<T> {
  const opened = new Map<string, Registry>();
  try {
    return await work(async (reference) => {
      const name = repositoryOf(reference);
      const registry = opened.get(name) ?? (await openTarget(reference, { abort }));
      opened.set(name, registry);
      return registry;
    });
  } finally {
    for (const registry of opened.values()) await registry.close();
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

/** Less is asked of it than of an image that will run here. Throws kind `corrupt` and `unsupported`. */
export function readDocument({ bytes, mediaType }: FetchedManifest, reference: Reference): Index | Manifest {
  const document = parseAny(bytes, mediaType, canonical(reference));
  return document.kind === 'index' ? document.index : document.manifest;
}

/** A configuration, whose fields have their types; an empty one says nothing. Throws kind `corrupt`. */
export async function readConfig(registry: Registry, reference: Reference, descriptor: Descriptor): Promise<Json> {
  const bytes = await fetchSmall(registry, reference, descriptor);
  if (bytes.length === 0) return {};
  const name = canonical(reference);
  const json = parsedObject(bytes, `the configuration of "${name}"`);
  checkConfig(json, name);
  return json;
}
