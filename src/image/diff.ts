/** image diff: what an image's top layer changes, or how one image differs from another. */
import { type Image, needImage } from '#image/names.ts';
import { type Change, compareTrees } from '#store/changes.ts';
import { storageDriver } from '#store/driver.ts';
import type { Store } from '#store/store.ts';
import { layerPlaces, type Union } from '#store/union.ts';

/**
 * The differences from another image, or from the layers below the top one.
 * Throws kind `not-found`, `corrupt` when a layer is gone.
 */
export async function imageChanges(store: Store, name: string, other?: string): Promise<Omit<Change, 'found'>[]> {
  const { driver } = await storageDriver(store);
  const treeOf = (diffIds: readonly string[]): Union => ({
    layers: layerPlaces(store, diffIds, name),
    marks: driver !== 'overlay',
  });
  const image: Image = needImage(store, name);
  const before = other === undefined ? image.diffIds.slice(0, -1) : needImage(store, other).diffIds;
  return Array.from(compareTrees(treeOf(before), treeOf(image.diffIds)), ({ kind, path }) => ({ kind, path }));
}
