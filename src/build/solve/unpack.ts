/** ADD of an archive: its members in the layer that is made, below a directory that is their root. */
import {
  chmodSync,
  closeSync,
  createReadStream,
  fchmodSync,
  fchownSync,
  linkSync,
  openSync,
  symlinkSync,
} from 'node:fs';
import { hasCode, WherryError } from '#base/error.ts';
import { joined, linkOf } from '#build/solve/tree.ts';
import {
  arrived,
  findIn,
  type Ids,
  makeDirectories,
  makeWay,
  placeOf,
  setOwner,
  type Upper,
} from '#build/solve/upper.ts';
import { decompressed } from '#store/decompress-stream.ts';
import { nanoseconds, pass, setAttributes, touch } from '#store/extract.ts';
import { holeyWriter } from '#store/holes.ts';
import { type Content, type Entry, tarReader } from '#store/tar.ts';
import { cleanName, parentOf, printable, raw } from '#store/tree.ts';
import type { Found } from '#store/union.ts';
import { mknod, S_IF } from '#sys/ffi.ts';
import { resolveLinks } from '#sys/rooted.ts';

interface Unpacking {
  upper: Upper;
  /** The directory in the tree, resolved. */
  target: string;
  owner: Ids | undefined;
}

/**
 * Unpacks an archive into a directory of the layer. owner: whose all of it is. Throws kind `corrupt` for a damaged one,
 * `invalid` where something else is in the way.
 */
export async function unpackArchive(found: Found, unpacking: Unpacking): Promise<void> {
  makeDirectories(unpacking.upper, unpacking.target, unpacking.owner ?? { uid: 0, gid: 0 });
  const reader = tarReader((entry, content, next) => {
    try {
      take(unpacking, entry, content, next);
    } catch (error) {
      next(explain(error, entry));
    }
  });
  for await (const piece of decompressed(createReadStream(raw(found.at)))) await reader.write(piece);
  reader.end();
  arrived(unpacking.upper);
}

function explain(error: unknown, { name }: Entry): unknown {
  if (error instanceof WherryError || (error as NodeJS.ErrnoException).syscall === undefined) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  return new WherryError('invalid', `Cannot unpack "${printable(name)}": ${code}`, { cause: error });
}

function take(unpacking: Unpacking, entry: Entry, content: Content, next: (error?: unknown) => void): void {
  const path = placeFor(unpacking, entry.name);
  if (path === undefined) {
    pass(entry, content, next);
    return;
  }
  if (entry.kind === 'file') {
    writeMember(unpacking, path, entry, content, next);
    return;
  }
  MAKERS[entry.kind](unpacking, path, entry);
  pass(entry, content, next);
}

/** Where a member goes in the tree: links on the way lead to somewhere below the directory. Undefined: the directory itself. */
function placeFor({ upper, target }: Unpacking, name: string): string | undefined {
  const path = cleanName(name);
  if (path === '') return undefined;
  const parent = resolveLinks(parentOf(path), (at) => {
    const found = findIn(upper, joined(target, at.slice(1)));
    return found?.stat.isSymbolicLink() ? linkOf(found) : undefined;
  }).slice(1);
  const place = parent === '' ? target : joined(target, parent);
  return joined(place, path.slice(path.lastIndexOf('/') + 1));
}

const ownerOf = ({ owner }: Unpacking, { uid, gid }: Entry): Ids => owner ?? { uid, gid };
const ROOT = { uid: 0, gid: 0 };

function writeMember(
  unpacking: Unpacking,
  path: string,
  entry: Entry,
  content: Content,
  next: (error?: unknown) => void,
): void {
  const at = makeWay(unpacking.upper, path, ROOT);
  const fd = openSync(raw(at), 'wx', 0o600);
  const writer = holeyWriter(fd, entry.size);
  const end = () => {
    writer.end();
    const { uid, gid } = ownerOf(unpacking, entry);
    fchownSync(fd, uid, gid);
    fchmodSync(fd, entry.mode);
    closeSync(fd);
    setAttributes(raw(at), entry);
    touch(raw(at), entry);
    next();
  };
  const guarded = (step: () => void) => {
    try {
      step();
    } catch (error) {
      next(explain(error, entry));
    }
  };
  if (entry.size === 0) {
    guarded(end);
    return;
  }
  content.onData((chunk) => guarded(() => writer.write(chunk)));
  content.onEnd(() => guarded(end));
}

type Maker = (unpacking: Unpacking, path: string, entry: Entry) => void;

const MAKERS: Record<Exclude<Entry['kind'], 'file'>, Maker> = {
  directory: (unpacking, path, entry) => {
    const { upper } = unpacking;
    const present = findIn(upper, path);
    if (present !== undefined && !present.stat.isDirectory()) makeWay(upper, path, ROOT);
    makeDirectories(upper, path, ROOT);
    const at = raw(placeOf(upper, path));
    setOwner(placeOf(upper, path), ownerOf(unpacking, entry));
    chmodSync(at, entry.mode);
    setAttributes(at, entry);
    const { accessed, modified } = entry;
    upper.coming.set(path, { accessed: nanoseconds(accessed), modified: nanoseconds(modified) });
  },
  symlink: (unpacking, path, entry) => {
    const at = makeWay(unpacking.upper, path, ROOT);
    symlinkSync(raw(entry.linkName), raw(at));
    setOwner(at, ownerOf(unpacking, entry));
    touch(raw(at), entry);
  },
  link: (unpacking, path, entry) => {
    const linked = placeFor(unpacking, entry.linkName);
    const found = linked === undefined ? undefined : findIn(unpacking.upper, linked);
    if (linked === undefined || found?.at !== placeOf(unpacking.upper, linked)) {
      throw new WherryError('corrupt', `"${printable(entry.name)}" is a hard link to what is not in the archive`);
    }
    if (linked === path) return;
    linkSync(raw(found.at), raw(makeWay(unpacking.upper, path, ROOT)));
  },
  fifo: (unpacking, path, entry) => makeNode(unpacking, path, entry, S_IF.FIFO),
  'character-device': (unpacking, path, entry) => makeNode(unpacking, path, entry, S_IF.CHR),
  'block-device': (unpacking, path, entry) => makeNode(unpacking, path, entry, S_IF.BLK),
};

/** A user namespace makes no devices: left out. */
function makeNode(unpacking: Unpacking, path: string, entry: Entry, type: number): void {
  const at = makeWay(unpacking.upper, path, ROOT);
  try {
    mknod(raw(at), type | 0o600, entry.major, entry.minor);
  } catch (error) {
    if (type !== S_IF.FIFO && hasCode(error, 'EPERM')) return;
    throw error;
  }
  setOwner(at, ownerOf(unpacking, entry));
  chmodSync(raw(at), entry.mode);
  touch(raw(at), entry);
}
