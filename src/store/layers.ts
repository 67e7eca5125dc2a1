/**
 * Unpacked layers: layers/<hex of the diff id>/, each one the tree of one layer as an overlay's lower directory wants
 * it. A layer that is visible is whole and is never changed; every image with that layer shares it.
 */
import { renameSync, statSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { hexOf } from '#store/digest.ts';
import type { Store } from '#store/store.ts';
import { asStorageError, removeTree } from '#sys/file.ts';

/** Where a layer is, or would be. Throws for what is no sha256 digest. */
export function layerPath(store: Store, diffId: string): string {
  return store.path('layers', hexOf(diffId));
}

export function hasLayer(store: Store, diffId: string): boolean {
  return statSync(layerPath(store, diffId), { throwIfNoEntry: false }) !== undefined;
}

/**
 * Makes a staged tree the layer. When another process was faster, its layer stays: they are the same, and containers
 * may use it already.
 */
export async function commitLayer(store: Store, staged: string, diffId: string): Promise<void> {
  try {
    renameSync(staged, layerPath(store, diffId));
    const { syncDirectory } = await import('#store/staging.ts');
    await syncDirectory(store.path('layers'));
  } catch (error) {
    if (!hasCode(error, 'EEXIST', 'ENOTEMPTY')) throw asStorageError(error, layerPath(store, diffId));
    removeTree(staged);
  }
}

/** Out of sight by one rename, then deleted; an absent one is fine. The caller knows that nobody uses it. */
export async function removeLayer(store: Store, diffId: string): Promise<void> {
  const { stagingName } = await import('#store/staging.ts');
  const doomed = store.path('tmp', stagingName('gone'));
  try {
    renameSync(layerPath(store, diffId), doomed);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  removeTree(doomed);
}
