/**
 * image mount: an image's tree, read-only, in the user's mount namespace. Each mount is counted, and so many unmounts
 * take it away; a reboot, which takes all mounts, leaves nothing to be counted.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { findImage, type Image, needImage } from '#image/names.ts';
import { familiar, parseReference } from '#oci/reference.ts';
import { hexOf } from '#store/digest.ts';
import { mountByDriver } from '#store/driver.ts';
import { hasLayer, layerPath } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { lock, readJson, removeTree, replace } from '#sys/file.ts';
import { mountPoints } from '#sys/mountinfo.ts';

/** A mounted image. */
export interface MountedImage {
  /** sha256:… */
  id: string;
  /** Where its files are. */
  path: string;
  diffIds: string[];
  /** Familiar, tags first. */
  names: string[];
}

/** What is kept beside the mount. */
interface Mounting {
  /** How many mounts have not been taken back. */
  count: number;
  diffIds: string[];
}

const FOLDER = 'image-mounts';

function placesOf(store: Store, id: string) {
  const at = (name: string) => store.path(FOLDER, hexOf(id), name);
  const places = { tree: at('tree'), empty: at('empty'), bottom: at('bottom'), record: at('mount.json') };
  return { directory: store.path(FOLDER, hexOf(id)), ...places };
}

/**
 * Mounts an image, or counts one more where it is mounted. Throws kind `not-found`, `corrupt` when a layer is gone,
 * `unsupported` where nothing can be mounted.
 */
export async function mountImage(store: Store, name: string): Promise<MountedImage> {
  // Whoever removes images waits, and finds the mount then.
  using _imagesStay = await lock(store.path('layers'), { shared: true });
  const image = needImage(store, name);
  const { directory, tree, record } = placesOf(store, image.id);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  using _alone = await lock(directory);
  const count = mountPoints().has(tree) ? (readJson<Mounting>(record)?.count ?? 1) : 0;
  if (count === 0) await mountLayers(store, image);
  const mounting: Mounting = { count: count + 1, diffIds: image.diffIds };
  replace(record, JSON.stringify(mounting));
  return { id: image.id, path: tree, diffIds: image.diffIds, names: namesOf(image) };
}

function namesOf({ references }: Image): string[] {
  const names = references.map((name) => familiar(parseReference(name)));
  return names.sort((a, b) => Number(a.includes('@')) - Number(b.includes('@')));
}

const mountLayers = (store: Store, image: Image) => mountLayersAt(store, image, placesOf(store, image.id));

/**
 * Mounts an image's layers as a tree, read-only. bottom, empty: directories to be made, for the kernel's sake.
 * Throws kind `corrupt` when a layer is gone, `unsupported` where nothing can be mounted.
 */
export async function mountLayersAt(
  store: Store,
  { id, diffIds }: Pick<Image, 'id' | 'diffIds'>,
  { tree, empty, bottom }: { tree: string; empty: string; bottom: string },
): Promise<void> {
  const gone = diffIds.find((diffId) => !hasLayer(store, diffId));
  if (gone !== undefined) {
    throw new WherryError('corrupt', `Cannot mount the image ${id}: the layer ${gone} is gone`, {
      hint: 'Pull or load the image again',
    });
  }
  for (const path of [tree, empty, bottom]) mkdirSync(path, { recursive: true, mode: 0o755 });
  // Without an upper directory an overlay wants two lower ones, also of an image without layers.
  const own = diffIds.toReversed().map((diffId) => layerPath(store, diffId));
  const lower = [empty, ...(own.length === 0 ? [bottom] : own)];
  await mountByDriver(store, { lower, target: tree }, `the image ${id}`);
}

/** The images that are mounted now, by ID. */
export function mountedImages(store: Store): MountedImage[] {
  if (!existsSync(store.path(FOLDER))) return [];
  const points = mountPoints();
  return readdirSync(store.path(FOLDER))
    .sort()
    .flatMap((hex) => {
      const id = `sha256:${hex}`;
      const { tree, record } = placesOf(store, id);
      if (!points.has(tree)) return [];
      const image = findImage(store, id);
      const names = image === undefined ? [] : namesOf(image);
      return [{ id, path: tree, diffIds: readJson<Mounting>(record)?.diffIds ?? [], names }];
    });
}

/**
 * Takes back one mount, or all of them by force. The tree goes with the last one; who is still in it keeps it.
 * @returns false when the image was not mounted
 */
export async function unmountImage(store: Store, id: string, { force = false } = {}): Promise<boolean> {
  const { directory, tree, record } = placesOf(store, id);
  if (!existsSync(directory)) return false;
  using _alone = await lock(directory);
  const isMounted = mountPoints().has(tree);
  const mounting = readJson<Mounting>(record);
  if (isMounted && mounting !== undefined && mounting.count > 1 && !force) {
    replace(record, JSON.stringify({ ...mounting, count: mounting.count - 1 }));
    return true;
  }
  const { unmountTree } = await import('#sys/overlay.ts');
  unmountTree(tree);
  removeTree(directory);
  return isMounted;
}
