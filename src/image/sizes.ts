/** How big unpacked layers are, for `images`: noted when a layer is unpacked, measured where nobody noted it. */
import { readCatalog } from '#image/catalog.ts';
import { readable, readDocuments } from '#image/documents.ts';
import { layerPath } from '#store/layers.ts';
import { treeSize } from '#store/size.ts';
import type { Store } from '#store/store.ts';

/** The sizes of these layers. unpacked: what this command has unpacked by itself. */
export function layerSizes(store: Store, diffIds: readonly string[], unpacked: ReadonlyMap<string, number>): number[] {
  const noted = diffIds.every((diffId) => unpacked.has(diffId)) ? new Map<string, number>() : notedSizes(store);
  return diffIds.map((diffId) => unpacked.get(diffId) ?? noted.get(diffId) ?? treeSize(layerPath(store, diffId)));
}

/** What other images with the same layers say. */
function notedSizes(store: Store): Map<string, number> {
  const noted = new Map<string, number>();
  for (const { manifest, sizes } of readCatalog(store)) {
    const documents = sizes.length === 0 ? undefined : readable(() => readDocuments(store, manifest.digest));
    documents?.config.rootfs.diff_ids.forEach((diffId, at) => {
      noted.set(diffId, sizes[at] ?? 0);
    });
  }
  return noted;
}
