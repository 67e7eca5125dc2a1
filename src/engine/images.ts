/** What images and containers have to do with each other: who uses which. */
import { existsSync } from 'node:fs';
import { listRecords } from '#build/solve/cache.ts';
import { allContainers, listContainers, tolerant } from '#container/names.ts';
import { isRunning, readState } from '#container/state.ts';
import type { LayerUser } from '#image/look.ts';
import { mountedImages, unmountImage } from '#image/mount.ts';
import { type ImageUser, type Removed, removeImage } from '#image/remove.ts';
import { inspectImage } from '#image/view.ts';
import { dropUnusedLayers } from '#image/waste.ts';
import type { Store } from '#store/store.ts';

/** Which containers and mounts need which images and layers. */
export function imageUsers(store: Store): ImageUser[] {
  const mounts = mountedImages(store).map(({ id, path, diffIds }) => ({
    id,
    image: id,
    diffIds,
    running: false,
    mountedAt: path,
  }));
  return [...layerUsers(store), ...mounts];
}

/** The same, with what a message about them needs. A state that can't be read is that of a container that has ended. */
export function layerUsers(store: Store): LayerUser[] {
  return [...containerUsers(store), ...cacheUsers(store)];
}

/** Builds find their layers again: what nobody else needs stays for them until `builder prune`. */
function cacheUsers(store: Store): LayerUser[] {
  const diffIds = existsSync(store.path('build', 'records')) ? listRecords(store).map(({ diffId }) => diffId) : [];
  if (diffIds.length === 0) return [];
  return [{ id: '', name: 'the build cache', running: false, image: '', reference: '', diffIds }];
}

function containerUsers(store: Store): LayerUser[] {
  const { records, damaged } = allContainers(store);
  const known = records.flatMap(({ id, name, image, mounts }) => {
    const state = tolerant(
      () => readState(store, id),
      () => undefined,
    );
    const user = { id, name, running: isRunning(state) };
    const mounted = mounts.flatMap(({ Image, Name = '' }) =>
      Image === undefined ? [] : [{ ...user, image: Image.id, reference: Name, diffIds: Image.diffIds }],
    );
    return [{ ...user, image: image.id, reference: image.reference, diffIds: image.diffIds }, ...mounted];
  });
  return damaged.length === 0 ? known : [...known, UNKNOWN];
}

/** Containers whose records are damaged: until they are mended each layer may be theirs. */
const UNKNOWN: LayerUser = { id: '', name: '', image: '', reference: '', diffIds: [], running: false, isUnknown: true };

/** Image ID -> how many containers were made from it. */
export function containersByImage(store: Store): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { image } of listContainers(store)) counts.set(image.id, (counts.get(image.id) ?? 0) + 1);
  return counts;
}

/** One name's outcome: what went, or why it could not. */
export interface RemovalOutcome {
  name: string;
  removed?: Removed;
  error?: unknown;
}

export interface RemoveImagesOptions {
  force?: boolean;
  /** Untagged parents go too. There are none here: images have no parents but by build cache. */
  prune?: boolean;
  /** Only where the image is for one of these (os/architecture[/variant]). */
  platforms?: readonly string[];
}

/** Removes images one after the other; each name is tried, whatever became of those before it. */
export async function* removeImages(
  store: Store,
  names: readonly string[],
  { force = false, platforms = [] }: RemoveImagesOptions = {},
): AsyncGenerator<RemovalOutcome, void, undefined> {
  for (const name of names) {
    try {
      if (platforms.length > 0) needPlatforms(store, name, platforms);
      const removed = await removeImage(store, name, { force, usedBy: () => imageUsers(store) });
      if (force) await unmountRemoved(store, removed);
      yield { name, removed };
    } catch (error) {
      yield { name, error };
    }
  }
  await sweepMappedIfAny(store);
}

/** Copies of layers for user namespaces of containers' own, where nobody needs them any more. */
export async function sweepMappedIfAny(store: Store): Promise<void> {
  if (!existsSync(store.path('mapped'))) return;
  const { sweepMapped } = await import('#container/mapped.ts');
  await sweepMapped(store);
}

/** A mount had kept its layers. */
async function unmountRemoved(store: Store, { deleted: [id] }: Removed): Promise<void> {
  const mounted = mountedImages(store).find((image) => image.id === id);
  if (mounted === undefined) return;
  await unmountImage(store, mounted.id, { force: true });
  await dropUnusedLayers(store, mounted.diffIds, () => imageUsers(store));
}

function needPlatforms(store: Store, name: string, platforms: readonly string[]): void {
  for (const platform of platforms) inspectImage(store, name, { platform });
}
