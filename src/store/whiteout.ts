/**
 * Deletions. In an archive they are files with a reserved name (image-spec, layer.md, "Whiteouts"); an overlay wants a
 * character device 0:0 in place of what is hidden, and an attribute on a directory that hides all below it.
 */
import { lchownSync, lstatSync, writeFileSync } from 'node:fs';
import { hasCode, WherryError } from '#base/error.ts';
import type { Entry } from '#store/tar.ts';
import { parentOf, printable, raw, withPlace } from '#store/tree.ts';
import { mknod, type Path, S_IF, setxattr } from '#sys/ffi.ts';
import type { Namespace } from '#sys/host.ts';

/** What stands before a deleted file's name in an archive. */
export const WHITEOUT = '.wh.';
/** What AUFS kept its own affairs under. */
export const RESERVED = '.wh..wh.';
/** The file that makes the directory opaque that it is in. */
export const OPAQUE = '.wh..wh..opq';

/** Carries out a member that is a whiteout. Returns false when it is none. */
export function placeWhiteout(path: string, entry: Entry, namespace: Namespace): boolean {
  const base = path.slice(path.lastIndexOf('/') + 1);
  if (base === OPAQUE) {
    // With a slash and a dot, so that it goes to the directory that a link may stand for.
    withPlace(parentOf(path) === '' ? '.' : `${parentOf(path)}/.`, hideLower, () => undefined);
    return true;
  }
  // AUFS kept its own affairs under such names (.wh..wh.plnk); old images have them still.
  if (path.split('/').some((part) => part.startsWith(RESERVED))) return true;
  if (!base.startsWith(WHITEOUT)) return false;
  const name = base.slice(WHITEOUT.length);
  if (name === '' || name === '.' || name === '..') {
    throw new WherryError('corrupt', `"${printable(entry.name)}" deletes nothing that could be there`);
  }
  hide(path.slice(0, -base.length) + name, entry, namespace);
  return true;
}

/**
 * Makes a directory opaque: nothing of the layers below shows in it. Where the file system has no attributes of users
 * (old tmpfs, NFS) there is no kernel overlay either; fuse-overlayfs and plain copies heed the archive's own mark.
 */
export function hideLower(at: Path): void {
  try {
    setxattr(at, 'user.overlay.opaque', Buffer.from('y'));
  } catch (error) {
    if (!hasCode(error, 'ENOTSUP', 'EOPNOTSUPP')) throw error;
    writeFileSync(Buffer.concat([Buffer.from(at), Buffer.from(`/${OPAQUE}`)]), '', { mode: 0 });
  }
}

function hide(path: string, entry: Entry, namespace: Namespace): void {
  let here = false;
  try {
    withPlace(
      path,
      (at) => {
        if (!here) mknod(at, S_IF.CHR);
      },
      () => {
        here = true;
      },
    );
  } catch (error) {
    // `.wh.a` and then `a/.wh.b`: some builders write both, and the first says it all.
    if (hasCode(error, 'ENOTDIR')) return;
    throw error;
  }
  const at = raw(path);
  // The layer's own file stays: a whiteout speaks of the layers below only.
  if (!here) chown(at, entry, namespace);
  else if (lstatSync(at).isDirectory()) hideLower(at);
}

function chown(at: Path, { uid, gid }: Entry, namespace: Namespace): void {
  if (namespace !== 'single') lchownSync(at, uid, gid);
}

/** Is a whiteout standing there? */
export function isWhiteout(path: string): boolean {
  const stat = lstatSync(raw(path), { throwIfNoEntry: false });
  return stat?.isCharacterDevice() === true && stat.rdev === 0;
}
