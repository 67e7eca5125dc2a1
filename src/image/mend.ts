/** Carries out what check.ts has judged. The caller has the lock on `layers` alone: no container is made meanwhile. */
import { existsSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { aloneInCatalog, changeCatalog, type Entry, writeCatalog } from '#image/catalog.ts';
import type { ImageRemedy } from '#image/check.ts';
import { readable, readDocuments } from '#image/documents.ts';
import { bringLayer } from '#image/layers.ts';
import type { CatalogRemedy } from '#image/look.ts';
import { layerSizes } from '#image/sizes.ts';
import { discard, partsReader } from '#image/waste.ts';
import { removeBlob } from '#store/blobs.ts';
import { heldParts } from '#store/holds.ts';
import { removeLayer } from '#store/layers.ts';
import { setAside } from '#store/lost.ts';
import type { Store } from '#store/store.ts';
import { openUnpacker } from '#store/unpack.ts';

/** Replaces the index. Sizes that nobody noted are measured. */
export async function mendCatalog(store: Store, { entries, keep }: CatalogRemedy): Promise<void> {
  using _alone = await aloneInCatalog(store);
  if (keep && existsSync(store.path('index.json'))) setAside(store, store.path('index.json'));
  // The sizes of layers are looked up in the index.
  writeCatalog(store, entries);
  writeCatalog(
    store,
    entries.map((entry) => (entry.sizes.length > 0 ? entry : { ...entry, sizes: sizesOf(store, entry) })),
  );
}

/** A damaged image has none: that is told by itself. */
function sizesOf(store: Store, { manifest }: Entry): number[] {
  return (
    readable(() => {
      const { config } = readDocuments(store, manifest.digest);
      return layerSizes(store, config.rootfs.diff_ids, new Map());
    }) ?? []
  );
}

export async function mendImage(store: Store, remedy: ImageRemedy, abort: AbortSignal): Promise<void> {
  if (remedy.kind === 'unpack') return unpackAgain(store, remedy.layer, abort);
  if (remedy.kind === 'drop') return drop(store, remedy);
  await changeCatalog(store, (entries) => changed(store, entries, remedy));
  // Not before it is noted that it is gone.
  if (remedy.kind === 'mark') removeBlob(store, remedy.blob);
}

type EntryRemedy = Exclude<ImageRemedy, { kind: 'unpack' | 'drop' }>;

function changed(store: Store, entries: readonly Entry[], remedy: EntryRemedy): Entry[] {
  if (remedy.kind === 'forget') return entries.filter((entry) => entry.manifest.digest !== remedy.manifest);
  if (remedy.kind === 'note') {
    return entries.map((entry) => (entry.manifest.digest === remedy.manifest ? { ...entry, id: remedy.id } : entry));
  }
  const read = partsReader(store);
  return entries.map((entry) => {
    if (!read(entry).blobs.includes(remedy.blob)) return entry;
    return { ...entry, lost: [...new Set([...(entry.lost ?? []), remedy.blob])] };
  });
}

/** The blob is sound. Whoever kills this in between finds the layer missing, which the next repair mends. */
async function unpackAgain(
  store: Store,
  layer: Extract<ImageRemedy, { kind: 'unpack' }>['layer'],
  abort: AbortSignal,
): Promise<void> {
  await removeLayer(store, layer.diffId);
  const unpacker = openUnpacker(store);
  const source = () => {
    throw new WherryError('corrupt', `Cannot unpack the layer ${layer.diffId}: its blob is gone`);
  };
  try {
    await bringLayer(store, layer, { unpacker: () => unpacker, source, abort });
  } finally {
    unpacker.close();
  }
}

/** Only what is still nobody's. */
async function drop(store: Store, { blobs, layers }: Extract<ImageRemedy, { kind: 'drop' }>): Promise<void> {
  await changeCatalog(store, async (entries) => {
    const read = partsReader(store);
    const held = await heldParts(store);
    const parts = entries.map(read);
    const needed = new Set([...parts.flatMap((one) => [...one.blobs, ...one.diffIds]), ...held.blobs, ...held.diffIds]);
    await discard(store, {
      blobs: blobs.filter((digest) => !needed.has(digest)),
      layers: layers.filter((diffId) => !needed.has(diffId)),
    });
    return undefined;
  });
}
