/** A container's root file system: its image's layers below a directory of its own, mounted at `merged`. */
import { existsSync, lchownSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { readHeld } from '#container/held.ts';
import type { ContainerRecord } from '#container/record.ts';
import { outsideRoot } from '#container/userns.ts';
import type { Store } from '#store/store.ts';
import { resolveInRoot } from '#sys/rooted.ts';

/** Where the root file system is, while it is mounted. */
export function rootfsPath(store: Store, id: string): string {
  return store.path('containers', id, 'merged');
}

/**
 * Mounts a container's root and gives its path. Mounted already (a killed command left it): mounted anew.
 * Throws kind `corrupt` when a layer is gone.
 */
export async function mountRootfs(store: Store, record: ContainerRecord): Promise<string> {
  const at = (name: string) => store.path('containers', record.id, name);
  const target = rootfsPath(store, record.id);
  const { rootfs, maps } = record.extras ?? {};
  if (rootfs !== undefined && !rootfs.overlay) {
    await bindDirectory(rootfs.path, target);
    return target;
  }
  let lower = rootfs === undefined ? record.image.diffIds.map((diffId) => layer(store, record, diffId)) : [rootfs.path];
  if (maps !== undefined && rootfs === undefined && lower.length > 0) {
    const { isIdentity, mappedTree } = await import('#container/mapped.ts');
    if (!isIdentity(maps)) lower = [await mappedTree(store, record, lower)];
  }
  if (record.driver === 'copy') await copied(lower, target);
  else await mountLayers(record, { lower, target, at });
  addMarks(target, (path) => giveToContainer(record, path));
  return target;
}

/** --rootfs: the directory itself, with what is mounted below it. */
async function bindDirectory(path: string, target: string): Promise<void> {
  const [{ mount, MS }, { unmountTree }] = await Promise.all([import('#sys/ffi.ts'), import('#sys/overlay.ts')]);
  mkdirSync(target, { recursive: true, mode: 0o755 });
  unmountTree(target);
  mount(path, target, '', MS.BIND | MS.REC, null);
}

interface Places {
  lower: string[];
  target: string;
  at: (name: string) => string;
}

async function mountLayers(record: ContainerRecord, { lower, target, at }: Places): Promise<void> {
  const { mountFuseOverlay, mountOverlay, unmountTree } = await import('#sys/overlay.ts');
  for (const name of ['upper', 'work', 'merged']) mkdirSync(at(name), { recursive: true, mode: 0o755 });
  giveToContainer(record, at('upper'));
  unmountTree(target);
  if (lower.length === 0) lower.push(emptyLayer(at('empty')));
  const overlay = { lower: lower.toReversed(), upper: at('upper'), work: at('work'), target };
  if (record.driver === 'fuse-overlayfs') await mountFuseOverlay(overlay);
  else {
    // The kernel's mark of an earlier volatile mount: to remove it is to say that no crash came between (overlayfs.rst).
    rmSync(join(overlay.work, 'work', 'incompat'), { recursive: true, force: true });
    mountOverlay({ ...overlay, volatile: record.hostConfig.AutoRemove });
  }
}

/**
 * What Docker puts into every container: /.dockerenv, by which programs know that they are in one, and /etc/mtab where
 * the image has none. A link at either place is left as it is.
 */
function addMarks(root: string, give: (path: string) => void): void {
  const unless = (place: () => string, make: (path: string) => void) => {
    try {
      const path = place();
      make(path);
      give(path);
    } catch (error) {
      if (!hasCode(error, 'EEXIST', 'ENOENT', 'ENOTDIR')) throw error;
    }
  };
  unless(
    () => join(root, '.dockerenv'),
    (path) => writeFileSync(path, '', { flag: 'wx', mode: 0o755 }),
  );
  unless(
    () => join(resolveInRoot(root, '/etc'), 'mtab'),
    (path) => symlinkSync('/proc/mounts', path),
  );
}

function layer(store: Store, record: ContainerRecord, diffId: string): string {
  const path = store.path('layers', diffId.replace(/^sha256:/, ''));
  if (existsSync(path)) return path;
  throw new WherryError('corrupt', `Cannot mount the root of "${record.name}": the layer ${diffId} is gone`, {
    hint: `Run \`wherry pull ${record.image.reference}\` to get it back`,
  });
}

/** The root of a container with ids of its own is its root's. */
function giveToContainer({ extras }: ContainerRecord, path: string): void {
  const root = extras?.maps && outsideRoot(extras.maps);
  if (root !== undefined) lchownSync(path, root.uid, root.gid);
}

/** An image FROM scratch without any layer: overlay wants one all the same. */
function emptyLayer(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  return path;
}

async function copied(layers: readonly string[], target: string): Promise<void> {
  if (existsSync(target)) return;
  const { flatten } = await import('#container/flatten.ts');
  const staged = `${target}.new`;
  rmSync(staged, { recursive: true, force: true });
  mkdirSync(staged, { mode: 0o755 });
  await flatten(layers, staged);
  renameSync(staged, target);
}

/** Unmounts what mountRootfs() mounted; nothing to do is fine. What somebody has mounted by `mount` stays theirs. */
export async function unmountRootfs(store: Store, id: string): Promise<void> {
  if (readHeld(store, id).count > 0) return;
  const { unmountTree } = await import('#sys/overlay.ts');
  unmountTree(rootfsPath(store, id));
}
