/**
 * mount: a container's root in the user's mount namespace, whether it runs or not. Each mount is counted, and so many
 * unmounts take it away; a container that starts, runs and ends meanwhile leaves it there.
 */
import { readHeld, writeHeld } from '#container/held.ts';
import { findContainer, listContainers } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { mountRootfs, rootfsPath, unmountRootfs } from '#container/rootfs.ts';
import { isRunning, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { lock } from '#sys/file.ts';
import { mountPoints } from '#sys/mountinfo.ts';

/** A container whose files can be reached. */
export interface MountedContainer {
  id: string;
  name: string;
  /** Where they are. Its volumes are not among them. */
  path: string;
}

const mounted = (store: Store, { id, name }: ContainerRecord): MountedContainer => ({
  id,
  name,
  path: rootfsPath(store, id),
});

/** Mounts a container's root, or counts one more where it is mounted. Throws kind `not-found`, `corrupt`. */
export async function mountContainer(store: Store, name: string): Promise<MountedContainer> {
  const record = findContainer(store, name);
  using _held = await lock(store.path('containers', record.id));
  const isThere = mountPoints().has(rootfsPath(store, record.id));
  if (!isThere) await mountRootfs(store, record);
  writeHeld(store, record.id, { count: isThere ? readHeld(store, record.id).count + 1 : 1 });
  return mounted(store, record);
}

/** The containers whose root is mounted now, those that run too, as they were made. */
export function mountedContainers(store: Store): MountedContainer[] {
  const points = mountPoints();
  return listContainers(store)
    .filter(({ id }) => points.has(rootfsPath(store, id)) || readHeld(store, id).count > 0)
    .sort((one, other) => (one.created < other.created ? -1 : 1))
    .map((record) => mounted(store, record));
}

/**
 * Takes back one mount, or all of them by force; with the last one the root goes, unless the container needs it itself.
 * Not mounted is fine.
 */
export async function unmountContainer(store: Store, name: string, { force = false } = {}): Promise<void> {
  const { id } = findContainer(store, name);
  using _held = await lock(store.path('containers', id));
  const { count, prepared } = readHeld(store, id);
  writeHeld(store, id, { count: force ? 0 : Math.max(0, count - 1) });
  if (!prepared && !isRunning(readState(store, id))) await unmountRootfs(store, id);
}
