/** A container's files: what its image brings, what it has written itself, and what every container has. */
import { closeSync, existsSync, openSync } from 'node:fs';
import type { UserMaps } from '#base/extras.ts';
import type { ContainerRecord } from '#container/record.ts';
import { rootfsPath } from '#container/rootfs.ts';
import { insideId } from '#container/userns.ts';
import { type Change, compareTrees, type Placeholder } from '#store/changes.ts';
import type { Store } from '#store/store.ts';
import { layerPlaces, type Place, placeAt, type Union } from '#store/union.ts';
import { syncfs } from '#sys/ffi.ts';

/**
 * What Docker puts below every container, between its image and its own layer (moby, daemon/initlayer): diff does not
 * tell of it, commit leaves it out, export has it. Here it comes about in the container's own layer, when it is mounted
 * and when the runtime needs something to mount on. Only the two that are no mount points can be deleted from inside.
 */
export const PLACEHOLDERS: ReadonlyMap<string, Placeholder> = new Map<string, Placeholder>([
  ['.dockerenv', { kind: 'file', deletable: true }],
  ['dev', { kind: 'directory', deletable: false }],
  ['dev/console', { kind: 'file', deletable: false }],
  ['dev/pts', { kind: 'directory', deletable: false }],
  ['dev/shm', { kind: 'directory', deletable: false }],
  ['etc', { kind: 'directory', deletable: false }],
  ['etc/hostname', { kind: 'file', deletable: false }],
  ['etc/hosts', { kind: 'file', deletable: false }],
  ['etc/mtab', { kind: 'symlink', target: '/proc/mounts', deletable: true }],
  ['etc/resolv.conf', { kind: 'file', deletable: false }],
  ['proc', { kind: 'directory', deletable: false }],
  ['sys', { kind: 'directory', deletable: false }],
]);

/** The image's layers as a tree. Throws kind `corrupt` when one is gone. */
function imageTree(store: Store, { image, driver, extras }: ContainerRecord): Union {
  // --rootfs: a directory is the image, and others may write in it.
  if (extras?.rootfs !== undefined) return { layers: [placeAt(extras.rootfs.path, { live: true })], marks: false };
  return { layers: layerPlaces(store, image.diffIds, image.reference), marks: driver !== 'overlay' };
}

/** The container's tree, as it is now, whether it runs or not. Volumes are not in it. */
export function containerTree(store: Store, record: ContainerRecord): Union {
  const image = imageTree(store, record);
  const own = ownLayer(store, record);
  if (own === undefined) return image;
  return { ...image, layers: record.driver === 'copy' ? [own] : [own, ...image.layers] };
}

/** What the container writes in; undefined before its first start. A copy of the image has all of the image's files. */
function ownLayer(store: Store, { id, driver, extras }: ContainerRecord): Place | undefined {
  const path = store.path('containers', id, driver === 'copy' ? 'merged' : 'upper');
  if (!existsSync(path)) return undefined;
  if (driver === 'fuse-overlayfs') flush(rootfsPath(store, id));
  return placeAt(path, { live: true, owners: ownersIn(extras?.maps) });
}

/** Whose files are in a container with ids of its own; what it has no id for is root's, as it was made by us. */
function ownersIn(maps: UserMaps | undefined): Place['owners'] {
  if (maps === undefined) return undefined;
  return (uid, gid) => ({ uid: insideId(maps.uids, uid) ?? 0, gid: insideId(maps.gids, gid) ?? 0 });
}

/** What programs have written may be in the kernel still, and not with the process behind the mount. */
function flush(mounted: string): void {
  const fd = openSync(mounted, 'r');
  try {
    syncfs(fd);
  } finally {
    closeSync(fd);
  }
}

/** Has the container been mounted, so that what every container has was there, too? */
export function hasOwnFiles(store: Store, record: ContainerRecord): boolean {
  return ownLayer(store, record) !== undefined;
}

/**
 * What the container has changed. all: also files that look the same as before, where the container has files of its own:
 * for a layer that loses nothing. What is found can be read until the next one is asked for.
 */
export function containerChanges(
  store: Store,
  record: ContainerRecord,
  { all = false } = {},
): Generator<Change, void, void> {
  return compareTrees(imageTree(store, record), containerTree(store, record), {
    placeholders: hasOwnFiles(store, record) ? PLACEHOLDERS : new Map(),
    all: all && record.driver !== 'copy',
  });
}
