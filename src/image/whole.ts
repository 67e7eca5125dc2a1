/**
 * An image that was built here has layers that nobody has compressed: their archives can be packed again from the unpacked
 * layers, byte for byte, and until somebody wants to push or save the image they are nowhere. Then they are made, and the
 * image gets a manifest with them; its ID, which its configuration gives, stays.
 */
import { createReadStream } from 'node:fs';
import { changeCatalog, holdImage } from '#image/catalog.ts';
import { readDocuments } from '#image/documents.ts';
import { findWaste, partsReader } from '#image/waste.ts';
import { layerType, type Packing } from '#oci/compression.ts';
import { describe } from '#oci/digest.ts';
import { type Descriptor, type Manifest, MEDIA } from '#oci/manifest.ts';
import { blobPath, hasBlob, putBlob, removeBlob, stage } from '#store/blobs.ts';
import { compressed } from '#store/compress.ts';
import { decompressed } from '#store/decompress-stream.ts';
import { heldParts } from '#store/holds.ts';
import { layerFiles } from '#store/layer-files.ts';
import { layerPath } from '#store/layers.ts';
import { packTree } from '#store/pack.ts';
import type { Store } from '#store/store.ts';

/**
 * Makes what is missing of an image, by its manifest's digest, and with a forced packing what is there in another
 * compression. @returns its manifest then: the same where all was there.
 * Throws kind `unavailable` on a full disk.
 */
export async function makeWhole(
  store: Store,
  digest: string,
  abort?: AbortSignal,
  packing: Packing = { kind: 'gzip', forced: false },
): Promise<string> {
  const { manifest, config } = readDocuments(store, digest);
  const diffIds = config.rootfs.diff_ids;
  const isToMake = (layer: Descriptor, diffId: string | undefined) =>
    isUnmade(store, layer, diffId) || (packing.forced && !layer.mediaType.endsWith(SUFFIX[packing.kind]));
  if (!manifest.layers.some((layer, at) => isToMake(layer, diffIds[at]))) return digest;
  using held = new DisposableStack();
  held.use(await holdImage(store, { blobs: [digest, manifest.config.digest], diffIds }));
  const layers: Descriptor[] = [];
  for (const [at, layer] of manifest.layers.entries()) {
    const diffId = diffIds[at] ?? '';
    const made = isToMake(layer, diffId)
      ? await compressLayer(store, plainBytes(store, layer, diffId), packing, abort)
      : layer;
    held.use(await holdImage(store, { blobs: [made.digest], diffIds: [] }));
    layers.push(made);
  }
  return replaceManifest(store, digest, { ...manifest, layers });
}

/** Its blob would be the archive as it is, and is not there. */
function isUnmade(store: Store, { digest }: Descriptor, diffId: string | undefined): boolean {
  return digest === diffId && !hasBlob(store, digest);
}

const SUFFIX = { gzip: 'gzip', zstd: 'zstd', uncompressed: 'tar' } as const;

type Bytes = Parameters<typeof compressed>[0];

/** The archive by whose digest the configuration knows the layer: of a pulled one only the blob has it byte for byte. */
function plainBytes(store: Store, layer: Descriptor, diffId: string): Bytes {
  if (isUnmade(store, layer, diffId)) return packTree(layerFiles(layerPath(store, diffId)));
  return decompressed(createReadStream(blobPath(store, layer.digest), { highWaterMark: 256 * 1024 }));
}

async function compressLayer(
  store: Store,
  bytes: Bytes,
  { kind, level }: Packing,
  abort: AbortSignal | undefined,
): Promise<Descriptor> {
  const staged = await stage(store, { forget: true });
  try {
    for await (const piece of compressed(bytes, kind, level === undefined ? {} : { level })) {
      abort?.throwIfAborted();
      staged.write(piece);
    }
    const { digest, size } = await staged.commit();
    return { mediaType: layerType(kind), digest, size };
  } finally {
    staged.discard();
  }
}

/** All names of the image get the new one, and what only the former had goes. Whoever has the image held keeps its blobs. */
async function replaceManifest(store: Store, former: string, manifest: Manifest): Promise<string> {
  const document = Buffer.from(JSON.stringify(manifest));
  const made = describe(manifest.mediaType ?? MEDIA.manifest, document);
  using _held = await holdImage(store, { blobs: [made.digest], diffIds: [] });
  await putBlob(store, document, made.mediaType);
  let waste: string[] = [];
  await changeCatalog(
    store,
    async (entries) => {
      const after = entries.map((entry) =>
        entry.manifest.digest === former ? { ...entry, manifest: { ...entry.manifest, ...made } } : entry,
      );
      const lost = entries.filter(({ manifest: { digest } }) => digest === former);
      waste = findWaste(partsReader(store), lost, { kept: after, users: [], held: await heldParts(store) }).blobs;
      return after;
    },
    async () => {
      // The manifest itself is held by makeWhole() alone.
      const gone = former === made.digest ? waste : [former, ...waste];
      for (const digest of gone) removeBlob(store, digest);
    },
  );
  return made.digest;
}
