/**
 * A container's files as it sees them itself, with its volumes, whether it runs or not. They are mounted in a namespace
 * beside ours, so that nothing of it stays behind whatever ends us.
 */
import { closeSync, constants, existsSync, openSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import type { MountPoint } from '#base/api.ts';
import { hasCode } from '#base/error.ts';
import { type ContainerRecord, isSpecial } from '#container/record.ts';
import { mountRootfs, rootfsPath, unmountRootfs } from '#container/rootfs.ts';
import { isRunning, readState } from '#container/state.ts';
import { prepareVolumes } from '#engine/bundle.ts';
import { openDirectory } from '#store/place-below.ts';
import type { Store } from '#store/store.ts';
import { MS, mount } from '#sys/ffi.ts';
import { lock } from '#sys/file.ts';
import { allMounts, mountPoints } from '#sys/mountinfo.ts';
import { type Aside, type Build, mountAside } from '#sys/mountns.ts';
import { isSameProcess } from '#sys/process.ts';
import { entryOf, O_PATH, openInRoot } from '#sys/rooted.ts';

export interface View extends AsyncDisposable {
  /** A descriptor of the container's root. */
  readonly root: number;
}

/**
 * Opens it. Of a container that runs it shows tmpfs, too; one that doesn't can't start as long as this is open.
 * Throws kind `corrupt` when a layer is gone.
 */
export async function openView(store: Store, record: ContainerRecord): Promise<View> {
  for (;;) {
    const live = await liveView(store, record);
    if (live !== undefined) return live;
    const held = await lock(store.path('containers', record.id));
    // It may have been started while we waited, or its end is not noted yet.
    const state = readState(store, record.id);
    if (isRunning(state) && state.status !== 'restarting') {
      held[Symbol.dispose]();
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    try {
      return await restingView(store, record, held);
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
  }
}

/** What its own processes see, but for the file systems that are no files of its own. Undefined: it has ended. */
async function liveView(store: Store, record: ContainerRecord): Promise<View | undefined> {
  const state = readState(store, record.id);
  if (!isRunning(state) || !isSameProcess(state.pid, state.pidStart)) return undefined;
  let aside: Aside;
  try {
    aside = await mountAside(coverKernels, `/proc/${state.pid}/ns/mnt`);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
  const close = async () => aside[Symbol.dispose]();
  // Had it ended, the number could have become another's.
  if (isSameProcess(state.pid, state.pidStart)) return { root: aside.root, [Symbol.asyncDispose]: close };
  await close();
  return undefined;
}

/** The kernel's own file systems: Docker doesn't copy from them, and links of a /proc may lead out of the container. */
const KERNELS = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'debugfs', 'tracefs', 'securityfs', 'bpf', 'fusectl']);

/** Covered, not unmounted: what another user namespace has mounted can't be taken away. */
const coverKernels: Build = (mounts) => {
  const points = allMounts(mounts()).filter(({ type }) => KERNELS.has(type));
  const covered: string[] = [];
  for (const { point } of points) {
    if (point === '/' || covered.some((above) => point === above || point.startsWith(`${above}/`))) continue;
    mount('none', point, 'tmpfs', MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC, 'mode=755');
    covered.push(point);
  }
  return undefined;
};

/** Its root as a start would mount it. held: its lock, which is given back with the view. */
async function restingView(store: Store, record: ContainerRecord, held: Disposable): Promise<View> {
  const merged = rootfsPath(store, record.id);
  const isMounted = mountPoints().has(merged);
  // Its process would keep a namespace that nobody else has alive for ever.
  const byProcess = record.driver === 'fuse-overlayfs' && !isMounted;
  if (byProcess) await mountRootfs(store, record);
  const hasSpecial = record.mounts.some(isSpecial);
  const { bringMounts, takeMounts } = await import('#engine/mounts.ts');
  const giveBack = async () => {
    if (byProcess) await unmountRootfs(store, record.id);
    if (hasSpecial) await takeMounts(store, record.id);
  };
  try {
    const aside = await mountAside(async () => {
      if (!isMounted && !byProcess) await mountRootfs(store, record);
      if (record.driver === 'copy') mount(merged, merged, null, MS.BIND, null);
      await prepareVolumes(store, record, merged);
      bindAll(store, hasSpecial ? await bringMounts(store, record, merged) : record, merged);
      return merged;
    });
    const close = async () => {
      aside[Symbol.dispose]();
      await giveBack();
      held[Symbol.dispose]();
    };
    return { root: aside.root, [Symbol.asyncDispose]: close };
  } catch (error) {
    await giveBack();
    throw error;
  }
}

type Bind = Pick<MountPoint, 'Destination' | 'Source'>;

/** Volumes, bind mounts, and the files in /etc of its last run. */
function bindAll(store: Store, record: ContainerRecord, merged: string): void {
  const own = record.mounts.filter(({ Type }) => Type !== 'tmpfs');
  const etc = ['hosts', 'hostname', 'resolv.conf'].map((name) => ({
    Destination: `/etc/${name}`,
    Source: store.path('containers', record.id, name),
  }));
  const taken = new Set(own.map(({ Destination }) => Destination));
  const all: Bind[] = [...etc.filter(({ Destination }) => !taken.has(Destination)), ...own];
  const depth = ({ Destination }: Bind) => posix.normalize(Destination).split('/').length;
  for (const bind of all.sort((one, other) => depth(one) - depth(other))) bindOne(merged, bind);
}

/** What has gone from the host shows the container's own file at its place. */
function bindOne(merged: string, { Source, Destination }: Bind): void {
  if (!existsSync(Source)) return;
  const root = openSync(merged, O_PATH | constants.O_DIRECTORY);
  try {
    const target = openTarget(root, Destination.slice(1), statSync(Source).isDirectory());
    try {
      mount(Source, `/proc/self/fd/${target}`, null, MS.BIND | MS.REC, null);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(root);
  }
}

/** The place of a mount, made as a runtime makes it. */
function openTarget(root: number, path: string, isDirectory: boolean): number {
  if (isDirectory) return openDirectory(root, Buffer.from(path).toString('latin1'));
  try {
    return openInRoot(root, path, O_PATH);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  const directory = openDirectory(root, Buffer.from(posix.dirname(path)).toString('latin1'));
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
    closeSync(openSync(entryOf(directory, posix.basename(path)), flags, 0o755));
    return openInRoot(root, path, O_PATH);
  } finally {
    closeSync(directory);
  }
}
