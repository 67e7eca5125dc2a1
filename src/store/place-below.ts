/** Directories of a tree that others may change meanwhile, opened and made without leaving it. */
import { closeSync, constants, lchownSync, mkdirSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { hasCode } from '#base/error.ts';
import { parentOf, raw } from '#store/tree.ts';
import { entryOf, O_PATH, openInRoot, resolveLinks } from '#sys/rooted.ts';

/** How a directory is opened that others are to be reached by. */
export const DIRECTORY = O_PATH | constants.O_DIRECTORY;

/**
 * Opens a directory below a root, by their descriptors; it is made with its parents when it is not there, with mode 0755
 * and this owner. path: as an archive's names are, in bytes and without leading slash. Throws the system's error.
 */
export function openDirectory(root: number, path: string, owner = { uid: 0, gid: 0 }): number {
  try {
    return openInRoot(root, raw(path), DIRECTORY);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  const real = resolveLinks(path, (link) => linkBelow(root, link.slice(1))).slice(1);
  const parent = openDirectory(root, parentOf(real), owner);
  try {
    const at = raw(entryOf(parent, posix.basename(real)));
    mkdirSync(at, 0o755);
    if (owner.uid !== 0 || owner.gid !== 0) lchownSync(at, owner.uid, owner.gid);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    closeSync(parent);
  }
  return openInRoot(root, raw(real), DIRECTORY);
}

/** What the link at a path says, in bytes; undefined where there is none. */
function linkBelow(root: number, path: string): string | undefined {
  let parent: number | undefined;
  try {
    parent = openInRoot(root, raw(parentOf(path)), DIRECTORY);
    return readlinkSync(raw(entryOf(parent, posix.basename(path))), { encoding: 'latin1' as 'utf8' });
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EINVAL')) return undefined;
    throw error;
  } finally {
    if (parent !== undefined) closeSync(parent);
  }
}
