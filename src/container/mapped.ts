/**
 * An image's files with the owners that a container's own user namespace gives them. Without root no mount can map ids
 * on a disk's file system (mount_setattr(2) wants root of its user namespace), so it is a copy, made once for an image
 * and a map, shared by all containers that have both, and never changed: it lies below their own layers.
 */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lchownSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import type { UserMaps } from '#base/extras.ts';
import { flatten } from '#container/flatten.ts';
import { allContainers } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { outsideId } from '#container/userns.ts';
import type { Store } from '#store/store.ts';
import { getxattr, setxattr } from '#sys/ffi.ts';
import { lock, removeTree } from '#sys/file.ts';
import { randomHex } from '#sys/random.ts';

const FOLDER = 'mapped';

/** Are the ids of the container ours, number by number? Then the layers are right as they are. */
export const isIdentity = ({ uids, gids }: UserMaps): boolean =>
  [...uids, ...gids].every(({ inside, outside }) => inside === outside);

/** By what it is made of. */
function nameOf(diffIds: readonly string[], maps: UserMaps): string {
  return createHash('sha256')
    .update(JSON.stringify([diffIds, maps.uids, maps.gids]))
    .digest('hex');
}

/** The copy's path; made where it is not there. layers: lowest first. Throws kind `denied` for ids without a place. */
export async function mappedTree(store: Store, record: ContainerRecord, layers: readonly string[]): Promise<string> {
  const { maps } = record.extras ?? {};
  if (maps === undefined) throw new Error('a container without maps needs no mapped tree');
  mkdirSync(store.path(FOLDER), { recursive: true, mode: 0o711 });
  const path = store.path(FOLDER, nameOf(record.image.diffIds, maps));
  if (existsSync(path)) return path;
  using _held = await lock(store.path(FOLDER));
  if (existsSync(path)) return path;
  const staged = store.path('tmp', `mapped-${process.pid}-${randomHex(6)}`);
  mkdirSync(staged, { mode: 0o755 });
  try {
    await flatten(layers, staged);
    changeOwners(staged, maps);
    renameSync(staged, path);
  } catch (error) {
    removeTree(staged);
    throw error;
  }
  return path;
}

/** Gives each file to who its owner is in the container. What several names lead to is given once. */
function changeOwners(root: string, maps: UserMaps): void {
  const seen = new Set<number>();
  const visit = (path: string): void => {
    const { uid, gid, mode, nlink, ino, ...stat } = describe(path);
    if (nlink > 1 && !stat.isDirectory) {
      if (seen.has(ino)) return;
      seen.add(ino);
    }
    changeOwner(path, { uid: place(maps.uids, uid, path), gid: place(maps.gids, gid, path) }, { mode, ...stat });
    if (!stat.isDirectory) return;
    for (const name of readdirSync(path)) visit(join(path, name));
  };
  visit(root);
}

function describe(path: string) {
  const stat = lstatSync(path);
  const { uid, gid, mode, nlink, ino } = stat;
  return { uid, gid, mode, nlink, ino, isDirectory: stat.isDirectory(), isFile: stat.isFile() };
}

const CAPABILITIES = 'security.capability';

/** chown(2) takes away what would run as another: the set-id bits and the file's capabilities. */
function changeOwner(
  path: string,
  { uid, gid }: { uid: number; gid: number },
  { mode, isFile }: { mode: number; isFile: boolean },
): void {
  const capabilities = isFile && mode & 0o111 ? getxattr(path, CAPABILITIES) : undefined;
  lchownSync(path, uid, gid);
  if (isFile && mode & 0o6000) chmodSync(path, mode & 0o7777);
  if (capabilities !== undefined) setxattr(path, CAPABILITIES, capabilities);
}

function place(maps: UserMaps['uids'], id: number, path: string): number {
  const found = outsideId(maps, id);
  if (found !== undefined) return found;
  throw new WherryError(
    'denied',
    `Cannot give "${path.split('/').slice(-2).join('/')}" to user or group ${id}: the container has no such id`,
    {
      hint: 'Let the container have more ids (--userns auto:size=65536, or a longer --uidmap)',
    },
  );
}

/** Copies that no container has go. Cheap where there are none. */
export async function sweepMapped(store: Store): Promise<void> {
  if (!existsSync(store.path(FOLDER))) return;
  using _held = await lock(store.path(FOLDER));
  const { records, damaged } = allContainers(store);
  // Nobody can say what that one needs.
  if (damaged.length > 0) return;
  const used = new Set(
    records.flatMap(({ image, extras }) => (extras?.maps === undefined ? [] : [nameOf(image.diffIds, extras.maps)])),
  );
  for (const name of readdirSync(store.path(FOLDER))) {
    if (used.has(name)) continue;
    // Out of its place first: what a killed command leaves half removed is nobody's tree.
    const gone = store.path('tmp', `gone-${process.pid}-${randomHex(6)}`);
    renameSync(store.path(FOLDER, name), gone);
    removeTree(gone);
  }
}
