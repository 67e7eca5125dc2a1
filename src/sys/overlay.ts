/** Joining directories into one tree: the kernel's overlay, else fuse-overlayfs. */
import { closeSync, constants, existsSync, mkdirSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { mknod, mount, S_IF, setxattr, umount } from '#sys/ffi.ts';
import { needTool } from '#sys/host.ts';
import { run } from '#sys/process.ts';

export interface Overlay {
  /**
   * Read-only directories, the top one first; at least one. One that comes again further down counts once, for nothing
   * of it shows there; the kernel refuses to have it twice (ELOOP).
   */
  lower: readonly string[];
  /** Absent: a read-only tree. */
  upper?: string;
  work?: string;
  target: string;
  /** Nothing needs to survive a crash: the kernel skips every sync. Such an upper directory can't be mounted again. */
  volatile?: boolean;
}

/**
 * Mounts the kernel's overlay with `userxattr` (overlayfs in a user namespace, Linux 5.11). Directories are passed as
 * descriptors: so 200 layers fit into the page that mount(2) takes, and no character in a path needs an escape.
 */
export function mountOverlay({ lower: layers, upper, work, target, volatile = false }: Overlay): void {
  const lower = [...new Set(layers)];
  const open: number[] = [];
  const byDescriptor = (path: string): string => {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    open.push(fd);
    return `/proc/self/fd/${fd}`;
  };
  try {
    const options = ['userxattr', `lowerdir=${lower.map(byDescriptor).join(':')}`];
    if (upper !== undefined && work !== undefined) {
      options.push(`upperdir=${byDescriptor(upper)}`, `workdir=${byDescriptor(work)}`);
      if (volatile) options.push('volatile');
    } else if (lower.length === 1) {
      // Without an upper directory the kernel wants two lower ones; the same twice is refused, an empty one is not.
      throw new WherryError('invalid', `Cannot mount an overlay at "${target}": one read-only directory is no overlay`);
    }
    mount('overlay', target, 'overlay', 0, options.join(','));
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

/** Mounts by fuse-overlayfs(1), whose process lives as long as the mount. */
export async function mountFuseOverlay({ lower, upper, work, target }: Overlay): Promise<void> {
  const program = needTool('fuse-overlayfs', 'fuse-overlayfs');
  const escaped = (path: string) => path.replace(/[\\:,]/g, '\\$&');
  const options = [`lowerdir=${[...new Set(lower)].map(escaped).join(':')}`];
  if (upper !== undefined && work !== undefined) options.push(`upperdir=${escaped(upper)}`, `workdir=${escaped(work)}`);
  const done = await run(program, ['-o', options.join(','), target], { cwd: '/' });
  if (done.status === 0) return;
  throw new WherryError('unsupported', `Cannot mount "${target}" by fuse-overlayfs: ${lastLine(done.stderr)}`, {
    hint: 'Check that /dev/fuse may be opened by you (mode 0666)',
  });
}

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';

/** Unmounts if something is mounted there; a busy tree is detached and goes when its last user has gone. */
export function unmountTree(target: string): void {
  try {
    umount(target);
  } catch (error) {
    if (hasCode(error, 'EINVAL', 'ENOENT')) return;
    if (!hasCode(error, 'EBUSY')) throw error;
    umount(target, { lazy: true });
  }
}

/**
 * Can this file system carry the kernel's overlay for us? Tried, never assumed: a lower file is hidden by a whiteout,
 * a directory is made opaque, and a file is written. Returns why not, or undefined when all of it works.
 */
export function overlayRefusal(directory: string): string | undefined {
  return attempt(directory, (overlay) => mountOverlay(overlay));
}

/** As overlayRefusal(), for fuse-overlayfs. */
export async function fuseOverlayRefusal(directory: string): Promise<string | undefined> {
  const overlay = prepare(directory);
  try {
    await mountFuseOverlay(overlay);
    return judge(overlay);
  } catch (error) {
    return (error as Error).message;
  } finally {
    unmountTree(overlay.target);
    rmSync(directory, { recursive: true, force: true });
  }
}

function attempt(directory: string, mountIt: (overlay: Required<Omit<Overlay, 'volatile'>>) => void) {
  try {
    const overlay = prepare(directory);
    mountIt(overlay);
    try {
      return judge(overlay);
    } finally {
      unmountTree(overlay.target);
    }
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function prepare(directory: string): Required<Omit<Overlay, 'volatile'>> {
  const at = (name: string) => {
    mkdirSync(join(directory, name), { recursive: true });
    return join(directory, name);
  };
  const [bottom, top, upper, work, target] = [at('bottom'), at('top'), at('upper'), at('work'), at('merged')];
  writeFileSync(join(bottom, 'hidden'), '');
  mkdirSync(join(bottom, 'opaque'));
  writeFileSync(join(bottom, 'opaque', 'old'), '');
  mkdirSync(join(top, 'opaque'));
  mknod(join(top, 'hidden'), S_IF.CHR);
  setxattr(join(top, 'opaque'), 'user.overlay.opaque', Buffer.from('y'));
  return { lower: [top, bottom], upper, work, target };
}

function judge({ target }: { target: string }): string | undefined {
  if (existsSync(join(target, 'hidden'))) return 'it shows deleted files';
  if (existsSync(join(target, 'opaque', 'old'))) return 'it ignores opaque directories';
  writeFileSync(join(target, 'opaque', 'new'), '');
  return statSync(join(target, 'opaque', 'new')).isFile() ? undefined : 'it does not keep what is written';
}
