/** Network namespaces that live by a bind mount on a file (namespaces(7)). */
import { rmSync, statfsSync } from 'node:fs';
import { hasCode } from '#base/error.ts';

/** statfs(2): NSFS_MAGIC */
const NSFS = 0x6e736673;

/** Is a namespace mounted on this file, in the mount namespace that we are in? */
export function isNamespace(path: string): boolean {
  try {
    return statfsSync(path).type === NSFS;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Lets a namespace go: it ends when the last process in it has ended. Nothing there is fine. */
export async function releaseNamespace(path: string): Promise<void> {
  if (isNamespace(path)) {
    const { umount } = await import('#sys/ffi.ts');
    umount(path, { lazy: true });
  }
  rmSync(path, { force: true });
}
