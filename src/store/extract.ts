/**
 * Writes a layer's members as the lower directory of an overlay, as Docker and podman do. All paths are below the
 * current root: the caller has chroot'ed into the layer, so that no name and no link in it leads out.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { hasCode, WherryError } from '#base/error.ts';
import type { Content, Entry, OnEntry } from '#store/tar.ts';
import { cleanName, contentSize, printable, raw, removeExisting, withPlace } from '#store/tree.ts';
import { explain } from '#store/unpack-error.ts';
import { hideLower, isWhiteout, placeWhiteout } from '#store/whiteout.ts';
import { mknod, type Path, S_IF, setTimes, setxattr, startWriteback } from '#sys/ffi.ts';
import type { Namespace } from '#sys/host.ts';

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Files from this size on are sent to the disk at once, so that the sync at the end has little left to wait for. */
const WRITE_EARLY = 128 * 1024;

export interface Extraction {
  onEntry: OnEntry;
  /** Sets what has to wait for the end. Gives the bytes of all files, as Docker counts a layer's size. */
  finish(): { size: number };
}

type Times = Pick<Entry, 'accessed' | 'modified'>;

interface Layer {
  namespace: Namespace;
  /**
   * Directories get their times at the end: every file that is made in one changes them. No more is kept of an entry: its
   * attributes and its name as it was written may be a megabyte each.
   */
  directories: Map<string, Times>;
  size: number;
  /** Something was overwritten, so that `size` says too much. */
  replaced: boolean;
}

export interface Extracting {
  /**
   * `user` and `single` leave devices out, which the kernel refuses there, as podman does; with `single` all files are
   * that one id's, as with podman's ignore_chown_errors.
   */
  namespace: Namespace;
  /** No layer: `.wh.` is a name like any other. */
  plain?: boolean;
}

/** Begins a layer, or a tree of files, in the current root. The umask must be 0. */
export function extraction({ namespace, plain = false }: Extracting): Extraction {
  const layer: Layer = { namespace, directories: new Map(), size: 0, replaced: false };
  return {
    onEntry: (entry, content, next) => {
      const guarded = (step: () => void) => {
        try {
          step();
        } catch (error) {
          next(explain(error, entry));
        }
      };
      guarded(() => {
        const path = cleanName(entry.name);
        // The root's own entry: its owner and mode are the container's business, as with Docker.
        const skipped = path === '' || (!plain && path.includes('.wh.') && placeWhiteout(path, entry, namespace));
        if (!skipped && entry.kind === 'file') {
          writeFile(layer, path, entry, content, next, guarded);
          return;
        }
        if (!skipped && entry.kind !== 'file') MAKERS[entry.kind](layer, path, entry);
        pass(entry, content, next);
      });
    },
    finish: () => {
      for (const [path, times] of layer.directories) finishDirectory(path, times);
      return { size: layer.replaced ? sizeOf() : layer.size };
    },
  };
}

/** Links on the way let directories lie deeper than their own path can be written. */
function sizeOf(): number {
  try {
    return contentSize('');
  } catch (error) {
    if (!hasCode(error, 'ENAMETOOLONG')) throw error;
    throw new WherryError('corrupt', 'its directories lie deeper than a path can say', { cause: error });
  }
}

/** Lets a content go by that nobody wants. */
export function pass(entry: Entry, content: Content, next: () => void): void {
  if (entry.size === 0) {
    next();
    return;
  }
  content.onEnd(next);
  content.onData(() => undefined);
}

function writeFile(
  layer: Layer,
  path: string,
  entry: Entry,
  content: Content,
  next: () => void,
  guarded: (step: () => void) => void,
): void {
  const fd = make(layer, path, (at) => openSync(at, CREATE, entry.mode & 0o777));
  const end = () => {
    finishFile(layer, fd, path, entry);
    next();
  };
  if (entry.size === 0) {
    end();
    return;
  }
  content.onData((chunk) =>
    guarded(() => {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    }),
  );
  content.onEnd(() => guarded(end));
}

function finishFile(layer: Layer, fd: number, path: string, entry: Entry): void {
  if (layer.namespace !== 'single') fchownSync(fd, entry.uid, entry.gid);
  // After the owner, whose change takes these bits away; the others were right from the start.
  if ((entry.mode & 0o7000) !== 0) fchmodSync(fd, entry.mode);
  const { modified, accessed } = entry;
  const coarse = modified.nanoseconds === 0 && accessed.nanoseconds === 0;
  if (coarse) futimesSync(fd, accessed.seconds, modified.seconds);
  if (entry.size >= WRITE_EARLY) startWriteback(fd);
  closeSync(fd);
  if (!coarse) setTimes(raw(path), nanoseconds(accessed), nanoseconds(modified));
  if (entry.attributes.length > 0) setAttributes(raw(path), entry);
  layer.size += entry.size;
}

const MAKERS: Record<Exclude<Entry['kind'], 'file'>, (layer: Layer, path: string, entry: Entry) => void> = {
  directory: (layer, path, entry) => {
    const opaque = makeDirectory(layer, path, entry);
    const at = raw(path);
    own(layer, at, entry);
    chmodSync(at, entry.mode);
    setAttributes(at, entry);
    if (opaque) hideLower(at);
    layer.directories.set(path, { accessed: entry.accessed, modified: entry.modified });
  },
  symlink: (layer, path, entry) => {
    if (entry.linkName === '') throw new WherryError('corrupt', `"${printable(entry.name)}" is a link to nothing`);
    make(layer, path, (at) => symlinkSync(raw(entry.linkName), at));
    const at = raw(path);
    own(layer, at, entry);
    touch(at, entry);
    setAttributes(at, entry);
    layer.size += entry.linkName.length;
  },
  link: (layer, path, entry) => {
    const target = linkTarget(entry);
    make(layer, path, (at) => linkSync(target, at));
    const at = raw(path);
    own(layer, at, entry);
    // A symbolic link that is linked keeps its time, and what it points to is none of ours to change.
    if (!lstatSync(at).isSymbolicLink()) {
      chmodSync(at, entry.mode);
      touch(at, entry);
    }
    setAttributes(at, entry);
  },
  fifo: (layer, path, entry) => makeNode(layer, path, entry, S_IF.FIFO),
  'character-device': (layer, path, entry) => makeNode(layer, path, entry, S_IF.CHR),
  'block-device': (layer, path, entry) => makeNode(layer, path, entry, S_IF.BLK),
};

/** @returns whether it comes after a whiteout of the same name, so that nothing from below may show in it */
function makeDirectory(layer: Layer, path: string, entry: Entry): boolean {
  let opaque = false;
  let present = false;
  withPlace(
    path,
    (at) => {
      if (!present) mkdirSync(at, entry.mode & 0o777);
    },
    () => {
      present = lstatSync(raw(path)).isDirectory();
      if (present) return;
      opaque = isWhiteout(path);
      clear(layer, path);
    },
  );
  return opaque;
}

function makeNode(layer: Layer, path: string, entry: Entry, type: number): void {
  if (type !== S_IF.FIFO && layer.namespace !== 'root') return;
  make(layer, path, (at) => mknod(at, type | (entry.mode & 0o777), entry.major, entry.minor));
  const at = raw(path);
  own(layer, at, entry);
  chmodSync(at, entry.mode);
  touch(at, entry);
  setAttributes(at, entry);
}

/** Only what the layer has made already can be linked to; the target is cleaned as names are. */
function linkTarget(entry: Entry): Path {
  const target = raw(cleanName(entry.linkName));
  let why: string | undefined;
  try {
    if (lstatSync(target).isDirectory()) why = 'a directory';
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
    why = 'not in the layer';
  }
  if (why === undefined) return target;
  const names = `"${printable(entry.name)}" is a hard link to "${printable(entry.linkName)}"`;
  throw new WherryError('corrupt', `${names}, which is ${why}`);
}

/** Makes something new at a path, in place of what is there. */
function make<T>(layer: Layer, path: string, action: (at: Path) => T): T {
  return withPlace(path, action, () => clear(layer, path));
}

function clear(layer: Layer, path: string): void {
  layer.replaced = true;
  removeExisting(path);
}

function own(layer: Layer, at: Path, { uid, gid }: Entry): void {
  if (layer.namespace !== 'single') lchownSync(at, uid, gid);
}

/** Of a time in an archive, since 1970. */
export const nanoseconds = (time: Entry['modified']) =>
  BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanoseconds);

/** Sets a file's times, a link's own. Node's own calls have less than nanoseconds, but need no foreign function. */
export function touch(at: Path, { accessed, modified }: Times): void {
  if (accessed.nanoseconds === 0 && modified.nanoseconds === 0) lutimesSync(at, accessed.seconds, modified.seconds);
  else setTimes(at, nanoseconds(accessed), nanoseconds(modified));
}

/** The kernel's own marks, and labels of the machine that packed the layer. */
const FOREIGN = /^(?:trusted\.|security\.selinux$|user\.overlay\.|system\.)/;

/** Sets what the file system, and our own rights, take of an entry's extended attributes. */
export function setAttributes(at: Path, entry: Pick<Entry, 'attributes'>): void {
  for (const [name, value] of entry.attributes) {
    if (FOREIGN.test(name)) continue;
    try {
      setxattr(at, name, Buffer.from(value, 'latin1'));
    } catch (error) {
      // As Docker and podman: the file system has none, or a namespace (or a link's nature) forbids this one.
      if (!hasCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'EPERM')) throw error;
    }
  }
}

/** Skips what a later member has replaced by another kind, itself or a directory above it. */
function finishDirectory(path: string, times: Times): void {
  const at = raw(path);
  try {
    if (lstatSync(at).isDirectory()) touch(at, times);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
  }
}
