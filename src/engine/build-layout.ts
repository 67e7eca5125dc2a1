/** The image of an `oci-layout://` context: its layers come into the store as those of an archive do. */
import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import type { SolvedLayer } from '#build/solve/means.ts';
import { holdImage } from '#image/catalog.ts';
import { bringLayer, layersOf } from '#image/layers.ts';
import { layerSizes } from '#image/sizes.ts';
import { digestOf } from '#oci/digest.ts';
import type { ImageConfig, Index, Manifest, Platform } from '#oci/manifest.ts';
import { choose } from '#oci/platform.ts';
import { hexOf } from '#store/digest.ts';
import type { Store } from '#store/store.ts';
import { openUnpacker } from '#store/unpack.ts';

export interface LayoutPlace {
  path: string;
  digest: string;
  platform: Platform;
}

interface Documents {
  manifest: Manifest;
  config: ImageConfig;
}

/** Its configuration. Throws kind `corrupt` for what is not there or not what it says, `not-found` for the platform. */
export function readLayout({ path, digest, platform }: LayoutPlace): Documents {
  const document = readDocument<Index | Manifest>(path, digest);
  if ('manifests' in document) {
    const [found] = choose(document.manifests, platform);
    if (found === undefined) {
      throw new WherryError('not-found', `no match for platform ${formatPlatform(platform)} in "${path}": not found`);
    }
    return readLayout({ path, digest: found.digest, platform });
  }
  return { manifest: document, config: readDocument<ImageConfig>(path, document.config.digest) };
}

/** Brings its layers. */
export async function bringLayout(store: Store, place: LayoutPlace, abort: AbortSignal): Promise<SolvedLayer[]> {
  const documents = readLayout(place);
  const layers = layersOf(documents);
  const diffIds = layers.map(({ diffId }) => diffId);
  using _held = await holdImage(store, { blobs: layers.map(({ blob }) => blob.digest), diffIds });
  const unpacker = openUnpacker(store);
  try {
    const source = ({ digest }: { digest: string }) => createReadStream(blobAt(place.path, digest));
    for (const layer of layers) await bringLayer(store, layer, { unpacker: () => unpacker, source, abort });
  } finally {
    unpacker.close();
  }
  const sizes = layerSizes(store, diffIds, new Map());
  return layers.map(({ blob, diffId }, at) => ({ diffId, blob, size: sizes[at] ?? 0 }));
}

const blobAt = (path: string, digest: string) => join(path, 'blobs', 'sha256', hexOf(digest));

function readDocument<T>(path: string, digest: string): T {
  const corrupt = (why: string, cause?: unknown) =>
    new WherryError('corrupt', `Cannot read the image in "${path}": the blob ${digest} ${why}`, { cause });
  try {
    const bytes = readFileSync(blobAt(path, digest));
    if (digestOf(bytes) !== digest) throw corrupt('has another content');
    return JSON.parse(bytes.toString()) as T;
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) throw corrupt('is not there', cause);
    if (cause instanceof SyntaxError) throw corrupt('is not valid JSON', cause);
    throw cause;
  }
}
