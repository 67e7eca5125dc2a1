/** Paths inside a tree that somebody else has written: a container's root. */
import { closeSync, constants, fstatSync, lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { openat2, type Path, RESOLVE } from '#sys/ffi.ts';

/** As the kernel's own limit (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * Where `path` is on the host when `root` is taken for `/`: every symbolic link on the way is followed inside of root,
 * and `..` stops at it, as openat2(2) does with RESOLVE_IN_ROOT. Components that don't exist are taken as they are.
 * The answer holds only as long as nobody changes the tree: use it before the container runs.
 */
export function resolveInRoot(root: string, path: string): string {
  return join(root, resolveLinks(path, (inside) => linkTarget(join(root, inside))).slice(1));
}

/** Where `path` leads in a tree, as an absolute path of it. linkTarget: what a link says; undefined for all else. */
export function resolveLinks(path: string, linkTarget: (path: string) => string | undefined): string {
  const todo = path.split('/').filter(Boolean).reverse();
  let done: string[] = [];
  let links = 0;
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    if (part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const target = linkTarget(['', ...done, part].join('/'));
    if (target === undefined) {
      done.push(part);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new WherryError('invalid', `Cannot resolve "${path}": too many symbolic links`);
    if (target.startsWith('/')) done = [];
    todo.push(...target.split('/').filter(Boolean).reverse());
  }
  return `/${done.join('/')}`;
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** O_PATH of open(2): a handle, which asks for no permission and does nothing. */
export const O_PATH = 0o10000000;

/**
 * Opens a path of a tree that may be changed meanwhile: links are followed inside of `root`, a directory's descriptor,
 * `..` stops at it, and links of /proc that lead elsewhere are refused. The kernel sees to it (openat2(2), RESOLVE_IN_ROOT).
 * Throws the system's error (`code`).
 */
export function openInRoot(root: number, path: Path, flags: number): number {
  // It tells so when the tree has changed while it looked, and can't be sure.
  for (let attempt = 1; ; attempt += 1) {
    try {
      return openat2(root, path, flags, RESOLVE.IN_ROOT);
    } catch (error) {
      if (attempt === 100 || !hasCode(error, 'EAGAIN')) throw error;
    }
  }
}

/** What stands at a path of such a tree; of a link itself, unless a slash follows it. Throws the system's error. */
export function statInRoot(root: number, path: Path) {
  const fd = openInRoot(root, path, O_PATH | constants.O_NOFOLLOW);
  try {
    return fstatSync(fd, { bigint: true });
  } finally {
    closeSync(fd);
  }
}

/** How an entry of an open directory is named to calls that take a path; it is what they do with links that counts. */
export const entryOf = (directory: number, name: string): string => `/proc/self/fd/${directory}/${name}`;

/** Is something mounted on this entry of an open directory? The kernel's own check looks at our namespace's mounts alone. */
export function isMountPoint(directory: number, name: Path): boolean {
  try {
    closeSync(openat2(directory, name, O_PATH | constants.O_NOFOLLOW, RESOLVE.NO_XDEV));
    return false;
  } catch (error) {
    if (hasCode(error, 'EXDEV')) return true;
    throw error;
  }
}
