/** Paths inside a tree that somebody else has written: a container's root. */
import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';

/** As the kernel's own limit (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * Where `path` is on the host when `root` is taken for `/`: every symbolic link on the way is followed inside of root,
 * and `..` stops at it, as openat2(2) does with RESOLVE_IN_ROOT. Components that don't exist are taken as they are.
 * The answer holds only as long as nobody changes the tree: use it before the container runs.
 */
export function resolveInRoot(root: string, path: string): string {
  const todo = path.split('/').filter(Boolean).reverse();
  let done: string[] = [];
  let links = 0;
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    if (part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const target = linkTarget(join(root, ...done, part));
    if (target === undefined) {
      done.push(part);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new WherryError('invalid', `Cannot resolve "${path}": too many symbolic links`);
    if (target.startsWith('/')) done = [];
    todo.push(...target.split('/').filter(Boolean).reverse());
  }
  return join(root, ...done);
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
