/**
 * An image that was built here has layers that nobody has compressed: their archives can be packed again from the unpacked
 * layers, byte for byte, and until somebody wants to push or save the image they are nowhere. Then they are made, and the
 * image gets a manifest with them; its ID, which its configuration gives, stays.
 */
import { changeCatalog, holdImage } from '#image/catalog.ts';
import { readDocuments } from '#image/documents.ts';
import { describe } from '#oci/digest.ts';
import { type Descriptor, type Manifest, MEDIA } from '#oci/manifest.ts';
import { hasBlob, putBlob, removeBlob, stage } from '#store/blobs.ts';
import { gzipped } from '#store/compress.ts';
import { layerFiles } from '#store/layer-files.ts';
import { layerPath } from '#store/layers.ts';
import { packTree } from '#store/pack.ts';
import type { Store } from '#store/store.ts';

/**
 * Makes what is missing of an image, by its manifest's digest. @returns its manifest then: the same where all was there.
 * Throws kind `unavailable` on a full disk.
 */
export async function makeWhole(store: Store, digest: string, abort?: AbortSignal): Promise<string> {
  const { manifest, config } = readDocuments(store, digest);
  const diffIds = config.rootfs.diff_ids;
  if (!manifest.layers.some((layer, at) => isUnmade(store, layer, diffIds[at]))) return digest;
  using held = new DisposableStack();
  held.use(await holdImage(store, { blobs: [digest, manifest.config.digest], diffIds }));
  const layers: Descriptor[] = [];
  for (const [at, layer] of manifest.layers.entries()) {
    const diffId = diffIds[at] ?? '';
    const made = isUnmade(store, layer, diffId) ? await compressLayer(store, diffId, abort) : layer;
    held.use(await holdImage(store, { blobs: [made.digest], diffIds: [] }));
    layers.push(made);
  }
  return replaceManifest(store, digest, { ...manifest, layers });
}

/** Its blob would be the archive as it is, and is not there. */
function isUnmade(store: Store, { digest }: Descriptor, diffId: string | undefined): boolean {
  return digest === diffId && !hasBlob(store, digest);
}

async function compressLayer(store: Store, diffId: string, abort: AbortSignal | undefined): Promise<Descriptor> {
  const staged = await stage(store, { forget: true });
  try {
    for await (const piece of gzipped(packTree(layerFiles(layerPath(store, diffId))))) {
      abort?.throwIfAborted();
      staged.write(piece);
    }
    const { digest, size } = await staged.commit();
    return { mediaType: `${MEDIA.layer}+gzip`, digest, size };
  } finally {
    staged.discard();
  }
}

/** All names of the image get the new one. */
async function replaceManifest(store: Store, former: string, manifest: Manifest): Promise<string> {
  const document = Buffer.from(JSON.stringify(manifest));
  const made = describe(manifest.mediaType ?? MEDIA.manifest, document);
  using _held = await holdImage(store, { blobs: [made.digest], diffIds: [] });
  await putBlob(store, document, made.mediaType);
  await changeCatalog(
    store,
    (entries) =>
      entries.map((entry) =>
        entry.manifest.digest === former ? { ...entry, manifest: { ...entry.manifest, ...made } } : entry,
      ),
    async () => {
      if (former !== made.digest) removeBlob(store, former);
    },
  );
  return made.digest;
}
