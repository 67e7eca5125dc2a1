/** load: images out of archives into the store. */
import type { Readable } from 'node:stream';
import { WherryError } from '#base/error.ts';
import type { Progress } from '#base/progress.ts';
import { openArchive } from '#image/archive-file.ts';
import { damaged, type Found } from '#image/archive-image.ts';
import { readImages } from '#image/archive-read.ts';
import { changeCatalog, type Entry, holdImage, withNames } from '#image/catalog.ts';
import { recordImageEvent } from '#image/event.ts';
import { bringLayer, isPresent, type Layer, layersOf } from '#image/layers.ts';
import type { Archive, Part } from '#image/parts.ts';
import { layerSizes } from '#image/sizes.ts';
import { partsReader } from '#image/waste.ts';
import { hostPlatform, parsePlatformFlag } from '#oci/platform.ts';
import { familiar, parseReference } from '#oci/reference.ts';
import { brief } from '#oci/shape.ts';
import { hasBlob, putBlob, removeBlob } from '#store/blobs.ts';
import { heldParts } from '#store/holds.ts';
import type { Store } from '#store/store.ts';
import { sweep } from '#store/sweep.ts';
import { openUnpacker } from '#store/unpack.ts';

export interface LoadOptions {
  /** os[/architecture[/variant]]; this machine's when absent. */
  platform?: string;
  progress?: (event: Progress) => void;
  abort?: AbortSignal;
}

/**
 * Loads all images of an archive: a path, or a stream as `docker save` writes it; compression is seen by itself.
 * @returns familiar names, or the ID of an image without a name
 * Throws kind `invalid` when it is no image archive, kind `corrupt` when its content is not what it says; then nothing
 * of it stays.
 */
export async function loadArchive(
  store: Store,
  source: string | Readable,
  options: LoadOptions = {},
): Promise<string[]> {
  const { platform, abort } = options;
  const wanted = platform ? parsePlatformFlag(platform) : hostPlatform();
  await sweep(store);
  const archive = await openArchive(store, source, abort);
  try {
    const found = readImages(archive, wanted, { exact: Boolean(platform) });
    const loaded: string[] = [];
    for (const image of found) loaded.push(...(await loadImage(store, archive, image, options)));
    return loaded;
  } finally {
    archive.close();
  }
}

/** Blobs, then trees, then the names. When something fails, the blobs that this has brought go again. */
async function loadImage(store: Store, archive: Archive, image: Found, options: LoadOptions): Promise<string[]> {
  const { manifest, descriptor, config, names } = image;
  const brought: string[] = [];
  const blobs = [descriptor.digest, manifest.config.digest, ...manifest.layers.map((layer) => layer.digest)];
  try {
    using _held = await holdImage(store, { blobs, diffIds: config.rootfs.diff_ids });
    await keepLayers(store, archive, image, brought);
    const unpacked = await unpackAll(store, archive, { ...options, image });
    await putBlob(store, image.configBytes, manifest.config.mediaType);
    await putBlob(store, image.manifestBytes, descriptor.mediaType);
    const sizes = layerSizes(store, config.rootfs.diff_ids, unpacked);
    await changeCatalog(store, (entries) => {
      if (!layersOf(image).every((layer) => isPresent(store, layer))) throw vanished(archive);
      for (const name of names) sayMoved(name, entries, manifest.config.digest, options);
      const made = { manifest: descriptor, id: manifest.config.digest, sizes, created: config.created };
      return withNames(entries, made, names);
    });
  } catch (error) {
    await dropUnused(store, brought);
    throw error;
  }
  recordImageEvent(store, 'load', { id: manifest.config.digest, labels: config.config?.Labels });
  return names.length > 0 ? names.map((name) => familiar(parseReference(name))) : [manifest.config.digest];
}

function sayMoved(name: string, entries: readonly Entry[], id: string, { progress }: LoadOptions): void {
  const before = entries.find((entry) => entry.name === name)?.id;
  if (before === undefined || before === id) return;
  const text = `The image ${familiar(parseReference(name))} already exists, renaming the old one with ID ${before} to empty string`;
  progress?.({ kind: 'message', text });
}

/** Another command has removed images at this very moment. */
function vanished({ name }: Archive): WherryError {
  const hint = 'Another command removed images meanwhile: try again';
  return new WherryError('unavailable', `Cannot load "${name}": a layer is no longer there`, { hint });
}

/** What has been copied already becomes blobs. brought: gets the digests of what is new. */
async function keepLayers(store: Store, archive: Archive, image: Found, brought: string[]): Promise<void> {
  for (const layer of image.manifest.layers) {
    if (hasBlob(store, layer.digest)) continue;
    brought.push(layer.digest);
    await partOf(archive, image, layer).keep(layer);
  }
}

/** Throws kind `corrupt` where the archive lacks it. */
function partOf(archive: Archive, { manifest, files }: Found, layer: Layer['blob']): Part {
  const file = files[manifest.layers.findIndex(({ digest }) => digest === layer.digest)] ?? '';
  const part = archive.part(file);
  if (part === undefined) throw damaged(archive, `the layer "${brief(file)}" is missing`);
  if (part.size === layer.size) return part;
  throw damaged(archive, `the layer "${brief(file)}" has ${part.size} bytes, not ${layer.size}`);
}

async function unpackAll(
  store: Store,
  archive: Archive,
  { image, progress, abort }: LoadOptions & { image: Found },
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const unpacker = openUnpacker(store);
  const stop = new AbortController();
  const signal = abort === undefined ? stop.signal : AbortSignal.any([abort, stop.signal]);
  const source = (blob: Layer['blob']) => partOf(archive, image, blob).content();
  const bring = async (layer: Layer) => {
    try {
      const size = await bringLayer(store, layer, { unpacker: () => unpacker, source, progress, abort: signal });
      if (size !== undefined) sizes.set(layer.diffId, size);
    } catch (error) {
      const known = error instanceof WherryError && error.kind === 'corrupt' && !error.message.startsWith('Cannot');
      const reason = known ? damaged(archive, error.message) : error;
      stop.abort(reason);
      throw reason;
    }
  };
  try {
    const distinct = new Map(layersOf(image).map((layer) => [layer.blob.digest, layer]));
    // The largest first: begun last, it would be waited for alone.
    const layers = [...distinct.values()].sort((a, b) => b.blob.size - a.blob.size);
    const ended = await Promise.allSettled(layers.map(bring));
    signal.throwIfAborted();
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
    return sizes;
  } finally {
    unpacker.close();
  }
}

/** Takes away blobs that no image and no other command needs. */
async function dropUnused(store: Store, digests: readonly string[]): Promise<void> {
  if (digests.length === 0) return;
  await changeCatalog(store, async (entries) => {
    const read = partsReader(store);
    const used = new Set([...entries.flatMap((entry) => read(entry).blobs), ...(await heldParts(store)).blobs]);
    for (const digest of digests) if (!used.has(digest)) removeBlob(store, digest);
    return undefined;
  });
}
