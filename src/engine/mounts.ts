/**
 * What a container mounts, brought for one start: images, parts of volumes and images, writable layers above what others
 * have. All of it is below `mounts/` in the container's directory, and goes with its end.
 */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MountPoint } from '#base/api.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { resolveUser } from '#container/identity.ts';
import { type ContainerRecord, isSpecial } from '#container/record.ts';
import type { Store } from '#store/store.ts';

const FOLDER = 'mounts';

/** Where an image that a container mounts is, while it runs. at: the mount's place in the record. */
export function mountPlace(store: Store, id: string, at: number): string {
  return store.path('containers', id, FOLDER, String(at), 'tree');
}

/**
 * The record, with each mount's source where it is for this start. rootfs: the mounted root, in which the container's
 * user is looked up. Throws kind `invalid` in Docker's words, `unsupported` where the kernel lacks what is asked for.
 */
export async function bringMounts(store: Store, record: ContainerRecord, rootfs: string): Promise<ContainerRecord> {
  const { id } = record;
  await takeMounts(store, id);
  const mounts: MountPoint[] = [];
  for (const [at, point] of record.mounts.entries()) {
    if (!isSpecial(point)) mounts.push(point);
    else mounts.push({ ...point, Source: await bring(store, point, store.path('containers', id, FOLDER, String(at))) });
  }
  for (const { Chown, Source } of mounts) if (Chown) await giveTo(rootfs, record.config.User, Source);
  return { ...record, mounts };
}

async function bring(store: Store, point: MountPoint, place: string): Promise<string> {
  let source = point.Source;
  if (point.Image !== undefined) {
    const { mountLayersAt } = await import('#image/mount.ts');
    source = join(place, 'tree');
    await mountLayersAt(store, point.Image, {
      tree: source,
      empty: join(place, 'empty'),
      bottom: join(place, 'bottom'),
    });
  }
  if (point.Subpath !== undefined) source = await bindPart(source, point.Subpath, place);
  if (point.NonRecursive) source = await bindAlone(source, place);
  if (point.Overlay) source = await above(store, source, place);
  return source;
}

async function bindPart(root: string, path: string, place: string): Promise<string> {
  const { bindInRoot } = await import('#sys/bind.ts');
  const target = join(place, 'part');
  mkdirSync(place, { recursive: true, mode: 0o700 });
  try {
    bindInRoot(root, path, target);
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES')) throw cause;
    const why = hasCode(cause, 'ENOENT') ? 'no such file or directory' : (cause as Error).message;
    const at = join(root, path);
    // Docker takes what is not there for a command that isn't.
    throw new WherryError('invalid', `cannot access path ${at}: lstat ${at}: ${why}`, { cause, exitCode: 127 });
  }
  return target;
}

/** Without what is mounted below it. crun 1.8 takes that along whatever it is told. */
async function bindAlone(source: string, place: string): Promise<string> {
  const { mount, MS } = await import('#sys/ffi.ts');
  const target = join(place, 'part');
  mkdirSync(place, { recursive: true, mode: 0o700 });
  if (statSync(source).isDirectory()) mkdirSync(target, { recursive: true });
  else writeFileSync(target, '');
  try {
    mount(source, target, null, MS.BIND, null);
  } catch (cause) {
    if (!hasCode(cause, 'EINVAL')) throw cause;
    throw new WherryError('unsupported', `Cannot mount "${source}" without what the host has mounted below it`, {
      hint: 'Only root may take away what covers a directory: leave out bind-recursive=disabled',
      cause,
    });
  }
  return target;
}

/** podman's O: what is written is this container's own, until it ends. */
async function above(store: Store, source: string, place: string): Promise<string> {
  if (!statSync(source).isDirectory()) {
    throw new WherryError('invalid', `Cannot mount "${source}" with O: it is not a directory`, {
      hint: 'Mount the directory that it is in, or leave out O',
      exitCode: 125,
    });
  }
  const { mountByDriver } = await import('#store/driver.ts');
  const [upper, work, target] = ['upper', 'work', 'merged'].map((name) => join(place, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [upper, work, target]) mkdirSync(path, { recursive: true, mode: 0o755 });
  await mountByDriver(store, { lower: [source], upper, work, target }, `a writable layer above "${source}"`);
  return target;
}

/** podman's U. */
async function giveTo(rootfs: string, user: string, path: string): Promise<void> {
  const { uid, gid } = resolveUser(rootfs, user);
  const { run } = await import('#sys/process.ts');
  const done = await run('chown', ['-R', '--no-dereference', `${uid}:${gid}`, path]);
  if (done.status === 0) return;
  const why = done.stderr.trim().split('\n')[0];
  throw new WherryError('denied', `Cannot give "${path}" to the container's user: ${why}`, {
    hint: 'Mount it without U, or a directory whose files are yours',
  });
}

/** Takes away what bringMounts() has mounted; nothing to do is fine. */
export async function takeMounts(store: Store, id: string): Promise<void> {
  const folder = store.path('containers', id, FOLDER);
  if (!existsSync(folder)) return;
  const { unmountTree } = await import('#sys/overlay.ts');
  const { removeTree } = await import('#sys/file.ts');
  for (const at of readdirSync(folder)) {
    for (const name of ['merged', 'part', 'tree']) unmountTree(join(folder, at, name));
  }
  removeTree(folder);
}
