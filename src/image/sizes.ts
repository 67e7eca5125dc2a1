/** How big unpacked layers are, for `images`: noted when a layer is unpacked, measured where nobody noted it. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readCatalog } from '#image/catalog.ts';
import type { ImageConfig, Manifest } from '#oci/manifest.ts';
import { hasBlob, readBlobJson } from '#store/blobs.ts';
import { layerPath } from '#store/layers.ts';
import type { Store } from '#store/store.ts';

/** The sizes of these layers. unpacked: what this command has unpacked by itself. */
export function layerSizes(store: Store, diffIds: readonly string[], unpacked: ReadonlyMap<string, number>): number[] {
  const noted = diffIds.every((diffId) => unpacked.has(diffId)) ? new Map<string, number>() : notedSizes(store);
  return diffIds.map((diffId) => unpacked.get(diffId) ?? noted.get(diffId) ?? measure(layerPath(store, diffId)));
}

/** What other images with the same layers say. */
function notedSizes(store: Store): Map<string, number> {
  const noted = new Map<string, number>();
  for (const { manifest, id, sizes } of readCatalog(store)) {
    if (sizes.length === 0 || id === undefined || !hasBlob(store, manifest.digest) || !hasBlob(store, id)) continue;
    const { rootfs } = readBlobJson<ImageConfig>(store, readBlobJson<Manifest>(store, manifest.digest).config.digest);
    rootfs.diff_ids.forEach((diffId, at) => {
      noted.set(diffId, sizes[at] ?? 0);
    });
  }
  return noted;
}

/** Bytes of all files, a file with several names once, as Docker counts. */
export function measure(root: string): number {
  const seen = new Set<number>();
  let total = 0;
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true, encoding: 'buffer' })) {
    if (entry.isDirectory()) continue;
    const path = Buffer.concat([Buffer.from(entry.parentPath), Buffer.from('/'), entry.name]);
    const { ino, nlink, size } = lstatSync(path);
    if (nlink > 1 && seen.has(ino)) continue;
    seen.add(ino);
    total += size;
  }
  return total;
}
