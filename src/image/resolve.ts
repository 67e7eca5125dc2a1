/** From a name at a registry to one platform's manifest and configuration, each verified by its digest. */
import { WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  type Manifest,
  MEDIA,
  type Platform,
  parseConfig,
  parseDocument,
} from '#oci/manifest.ts';
import { choose } from '#oci/platform.ts';
import { familiar, type Reference } from '#oci/reference.ts';
import type { FetchedManifest, Registry } from '#oci/registry.ts';
import { fetchSmall } from '#oci/transfer.ts';

/** One platform's image, as the registry has it. */
export interface RemoteImage {
  /** Of what the name stands for: an index, or the manifest itself. */
  digest: string;
  descriptor: Descriptor;
  manifest: Manifest;
  manifestBytes: Buffer;
  config: ImageConfig;
  configBytes: Buffer;
}

/** An index in an index in an index is allowed by the specification; nobody needs more. */
const MAX_DEPTH = 4;
/** Of indexes in indexes, each with thousands of entries, nobody sees the end. */
const MAX_SEARCHED = 100;

/**
 * Chooses the platform's manifest and gets its configuration.
 * Throws kind `unsupported` in Docker's words when the index has nothing for the platform.
 */
export async function resolveRemote(
  registry: Registry,
  reference: Reference,
  { top, platform, known }: { top: FetchedManifest; platform: Platform; known: (digest: string) => Buffer | undefined },
): Promise<RemoteImage> {
  const found = await descend({ registry, reference, platform, depth: 0, count: { searched: 0 } }, top);
  if (found === undefined) {
    const wanted = formatPlatform(platform);
    throw new WherryError('unsupported', `no matching manifest for ${wanted} in the manifest list entries`);
  }
  const { manifest } = found;
  const configBytes = known(manifest.config.digest) ?? (await fetchSmall(registry, reference, manifest.config));
  const config = parseConfig(configBytes, manifest.layers.length, familiar(reference));
  return { ...found, digest: top.digest, config, configBytes };
}

interface Search {
  registry: Registry;
  reference: Reference;
  platform: Platform;
  depth: number;
  /** Shared by all of one search. */
  count: { searched: number };
}

type Found = Pick<RemoteImage, 'descriptor' | 'manifest' | 'manifestBytes'>;

async function descend(search: Search, fetched: FetchedManifest): Promise<Found | undefined> {
  const name = familiar(search.reference);
  const document = parseDocument(fetched.bytes, fetched.mediaType, name);
  if (document.kind === 'index') return searchIndex(search, document.index);
  const { manifest } = document;
  const mediaType = manifest.mediaType || fetched.mediaType || MEDIA.manifest;
  const descriptor = { mediaType, digest: fetched.digest, size: fetched.bytes.length };
  return { descriptor, manifest, manifestBytes: fetched.bytes };
}

async function searchIndex(search: Search, index: Index): Promise<Found | undefined> {
  const { registry, reference, platform, depth, count } = search;
  if (depth >= MAX_DEPTH) return undefined;
  for (const entry of choose(index.manifests, platform)) {
    count.searched += 1;
    if (count.searched > MAX_SEARCHED) {
      const name = familiar(reference);
      throw new WherryError(
        'corrupt',
        `Cannot use the manifest of "${name}": it leads to more than ${MAX_SEARCHED} others`,
      );
    }
    const child = await registry.manifest(reference, entry.digest);
    if (child.bytes.length !== entry.size) {
      throw new WherryError(
        'corrupt',
        `Cannot use the manifest ${entry.digest}: it has ${child.bytes.length} bytes, not ${entry.size}`,
      );
    }
    const found = await descend(
      { ...search, depth: depth + 1 },
      { ...child, mediaType: entry.mediaType || child.mediaType },
    );
    if (found !== undefined) return found;
  }
  return undefined;
}
