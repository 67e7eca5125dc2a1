/**
 * The writing side of a copy: an archive's members below a directory that others may change meanwhile. Every directory
 * on the way is opened by openInRoot() with that one as the root, and what is in it is never reached through a link.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { constants as system } from 'node:os';
import { posix } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { pass, setAttributes, touch } from '#store/extract.ts';
import { holeyWriter } from '#store/holes.ts';
import { DIRECTORY, openDirectory } from '#store/place-below.ts';
import type { Content, Entry, OnEntry } from '#store/tar.ts';
import { parentOf, printable, raw } from '#store/tree.ts';
import { mknod, S_IF, systemError } from '#sys/ffi.ts';
import { entryOf, isMountPoint, openInRoot } from '#sys/rooted.ts';
import { withoutUmask } from '#sys/umask.ts';

export interface WriteOptions {
  /** Absent: what is written belongs to whoever writes, and gets no attributes that only root may give. */
  owner?: Owner;
  /** How messages name the directory. */
  name: string;
  /** What is thrown for what went wrong with a member: a WherryError, or the system's error (`code`). */
  explain: (error: unknown, path: string) => unknown;
}

/** Who a member is to belong to. Throws where it can't. */
export type Owner = (entry: Pick<Entry, 'uid' | 'gid' | 'name'>) => { uid: number; gid: number };

export interface Writing extends Disposable {
  onEntry: OnEntry;
  /** Sets the times of directories, which wait for all that is made in them. */
  finish(): void;
}

interface Place {
  root: number;
  options: WriteOptions;
  /** The directory that the last member was in: the next one is there, too, most often. */
  parent: { path: string; fd: number } | undefined;
  directories: Map<string, Pick<Entry, 'accessed' | 'modified'>>;
}

/**
 * Begins to write below a directory, by its descriptor. As Docker does it: directories are merged, all else is replaced,
 * but neither the one by the other. Throws what `explain` makes of kind `invalid` in Docker's words, or of the system's error.
 */
export function writeBelow(root: number, options: WriteOptions): Writing {
  const place: Place = { root, options, parent: undefined, directories: new Map() };
  const modes = withoutUmask();
  return {
    onEntry: (entry, content, next) => {
      const guarded = (step: () => void) => {
        try {
          step();
        } catch (error) {
          next(options.explain(error, printable(entry.name)));
        }
      };
      guarded(() => writeEntry(place, entry, content, guarded, next));
    },
    finish: () => {
      for (const [path, times] of place.directories) finishDirectory(place, path, times);
    },
    [Symbol.dispose]: () => {
      modes[Symbol.dispose]();
      if (place.parent !== undefined) closeSync(place.parent.fd);
    },
  };
}

/** Gone by now, or not a directory any more: it is others' then. */
function finishDirectory(place: Place, path: string, times: Pick<Entry, 'accessed' | 'modified'>): void {
  try {
    touch(raw(within(place, path)), times);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
  }
}

function writeEntry(
  place: Place,
  entry: Entry,
  content: Content,
  guarded: (step: () => void) => void,
  next: (error?: unknown) => void,
): void {
  const path = memberPath(entry.name);
  const wanted = path !== '' && (place.options.owner !== undefined || !entry.kind.endsWith('device'));
  if (wanted) makeWay(place, path, entry);
  if (wanted && entry.kind === 'file') {
    writeFile(place, path, entry, content, guarded, next);
    return;
  }
  if (wanted && entry.kind !== 'file') MAKERS[entry.kind](place, path, entry);
  pass(entry, content, next);
}

/** A path relative to the directory, without `.` and trailing slash; `.` is the directory itself. */
const clean = (path: string) => posix.join('.', path.replace(/^\/+/, ''), '.').replace(/\/$/, '');

/** A member's place below the directory; '' is the directory itself. One outside is refused. */
function memberPath(name: string): string {
  const path = clean(name);
  if (path === '..' || path.startsWith('../')) throw outside(`invalid entry name ${quoted(name)}`);
  return path === '.' ? '' : path;
}

const outside = (message: string) => new WherryError('invalid', message);
const quoted = (name: string) => JSON.stringify(printable(name));

/** By what path the kernel reaches a member: its directory, opened inside of the root, and a name that is no link to it. */
function within(place: Place, path: string): string {
  const parent = parentOf(path);
  if (place.parent?.path !== parent) {
    const { owner } = place.options;
    const fd = openDirectory(place.root, parent, owner?.({ uid: 0, gid: 0, name: parent }));
    if (place.parent !== undefined) closeSync(place.parent.fd);
    place.parent = { path: parent, fd };
  }
  return entryOf(place.parent.fd, path.slice(parent === '' ? 0 : parent.length + 1));
}

/** Takes away what a member replaces. */
function makeWay(place: Place, path: string, entry: Entry): void {
  const at = raw(within(place, path));
  const present: Stats | undefined = lstatSync(at, { throwIfNoEntry: false });
  if (present === undefined) return;
  const isDirectory = entry.kind === 'directory';
  if (present.isDirectory() && !isDirectory) throw overwrite('directory', 'non-directory', path, place);
  if (!present.isDirectory() && isDirectory) throw overwrite('non-directory', 'directory', path, place);
  if (isDirectory) return;
  const name = posix.basename(path);
  // Unlinked by way of another namespace, a mount would be gone with it, also for the container.
  if (place.parent !== undefined && isMountPoint(place.parent.fd, raw(name))) {
    throw systemError(system.errno.EBUSY, 'unlink', path);
  }
  unlinkSync(at);
}

function overwrite(what: string, by: string, path: string, { options }: Place): WherryError {
  return outside(`cannot overwrite ${what} ${quoted(path)} with ${by} ${JSON.stringify(options.name)}`);
}

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

function writeFile(
  place: Place,
  path: string,
  entry: Entry,
  content: Content,
  guarded: (step: () => void) => void,
  next: () => void,
): void {
  const at = raw(within(place, path));
  const fd = openSync(at, CREATE, entry.mode & 0o777);
  const put = holeyWriter(fd, entry.size);
  let open = true;
  const close = () => {
    if (open) closeSync(fd);
    open = false;
  };
  const step = (action: () => void) =>
    guarded(() => {
      try {
        action();
      } catch (error) {
        close();
        throw error;
      }
    });
  const end = () => {
    put.end();
    const owner = place.options.owner?.(entry);
    if (owner !== undefined) fchownSync(fd, owner.uid, owner.gid);
    // After the owner, whose change takes some of the bits away.
    fchmodSync(fd, entry.mode);
    close();
    decorate(place, path, entry);
    next();
  };
  if (entry.size === 0) {
    step(end);
    return;
  }
  content.onData((chunk) => step(() => put.write(chunk)));
  content.onEnd(() => step(end));
}

const MAKERS: Record<Exclude<Entry['kind'], 'file'>, (place: Place, path: string, entry: Entry) => void> = {
  directory: (place, path, entry) => {
    const at = raw(within(place, path));
    try {
      mkdirSync(at, entry.mode & 0o777);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    const fd = openSync(at, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      const owner = place.options.owner?.(entry);
      if (owner !== undefined) fchownSync(fd, owner.uid, owner.gid);
      fchmodSync(fd, entry.mode);
    } finally {
      closeSync(fd);
    }
    setWanted(place, path, entry);
    place.directories.set(path, { accessed: entry.accessed, modified: entry.modified });
  },
  symlink: (place, path, entry) => {
    symlinkSync(raw(entry.linkName), raw(within(place, path)));
    own(place, path, entry);
    decorate(place, path, entry);
  },
  link: (place, path, entry) => {
    const target = linkTarget(entry);
    const parent = openInRoot(place.root, raw(parentOf(target)), DIRECTORY);
    try {
      linkSync(raw(entryOf(parent, posix.basename(target))), raw(within(place, path)));
    } finally {
      closeSync(parent);
    }
  },
  fifo: (place, path, entry) => makeNode(place, path, entry, S_IF.FIFO),
  'character-device': (place, path, entry) => makeNode(place, path, entry, S_IF.CHR),
  'block-device': (place, path, entry) => makeNode(place, path, entry, S_IF.BLK),
};

/** What is linked has its owner, mode and times from the member that came first. */
function linkTarget({ linkName }: Entry): string {
  const path = clean(linkName);
  if (path !== '.' && path !== '..' && !path.startsWith('../')) return path;
  throw outside(`invalid hardlink target ${quoted(linkName)}`);
}

/** A user namespace makes no devices: left out, as Docker does in one. */
function makeNode(place: Place, path: string, entry: Entry, type: number): void {
  try {
    mknod(raw(within(place, path)), type | (entry.mode & 0o777), entry.major, entry.minor);
  } catch (error) {
    if (type !== S_IF.FIFO && hasCode(error, 'EPERM')) return;
    throw error;
  }
  own(place, path, entry);
  decorate(place, path, entry);
}

function own(place: Place, path: string, entry: Entry): void {
  const owner = place.options.owner?.(entry);
  if (owner !== undefined) lchownSync(raw(within(place, path)), owner.uid, owner.gid);
}

function decorate(place: Place, path: string, entry: Entry): void {
  setWanted(place, path, entry);
  touch(raw(within(place, path)), entry);
}

/** A capability on a file of the user's own would be one more than the user asked for. */
function setWanted(place: Place, path: string, entry: Entry): void {
  const attributes = entry.attributes.filter(
    ([name]) => place.options.owner !== undefined || !name.startsWith('security.'),
  );
  if (attributes.length > 0) setAttributes(raw(within(place, path)), { attributes });
}
