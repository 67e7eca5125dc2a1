/** One COPY: files of a source into a layer that is being made, by BuildKit's rules. */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  linkSync,
  openSync,
  readSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hasCode, WherryError } from '#base/error.ts';
import type { ModeChange } from '#build/solve/mode.ts';
import { type Filter, type Item, type Matched, type Source, walk } from '#build/solve/source.ts';
import { bytesOf, cleanPath, joined, linkOf, textOf } from '#build/solve/tree.ts';
import { unpackArchive } from '#build/solve/unpack.ts';
import {
  arrived,
  findIn,
  type Ids,
  makeDirectories,
  makeWay,
  type NewDirectory,
  placeOf,
  resolveUpper,
  setOwner,
  type Upper,
} from '#build/solve/upper.ts';
import type { CopyAction } from '#build/vertex.ts';
import { copyAttributes } from '#store/attributes.ts';
import { holeyWriter } from '#store/holes.ts';
import { parentOf, raw } from '#store/tree.ts';
import type { Found } from '#store/union.ts';
import { isArchiveFile } from '#store/unpack-files.ts';
import { mknod, S_IF, setTimes } from '#sys/ffi.ts';

export interface Copying {
  action: CopyAction;
  source: Source;
  matched: readonly Matched[];
  /** --chown; absent: as in the source. */
  owner?: Ids | undefined;
  /** --chmod */
  mode?: ModeChange | undefined;
  /** --exclude and --parents. */
  pick?: Filter | undefined;
  abort?: AbortSignal | undefined;
}

/** The first name of each file that has several, by device and inode. */
type Links = Map<string, string>;

/** Throws kind `invalid` where something else is in the way, in BuildKit's words. */
export async function copyInto(upper: Upper, copying: Copying): Promise<void> {
  const { action, matched } = copying;
  const place = placeBy(copying);
  const target = bytesOf(action.target);
  const links: Links = new Map();
  for (const one of matched) {
    const first = target.endsWith('/') ? cleanPath(target) : parentOf(cleanPath(target));
    const isUnpacked = action.unpack && one.found.stat.isFile() && isArchiveFile(raw(one.found.at));
    const { mode, ...owner } = place;
    // --chmod is not for what an archive is unpacked into.
    makeDirectories(upper, resolveUpper(upper, first), isUnpacked || mode === undefined ? owner : place);
    if (isUnpacked) {
      await unpackArchive(one.found, { upper, target: resolveUpper(upper, cleanPath(target)), owner: copying.owner });
      continue;
    }
    await copyOne(upper, one, { ...copying, target: cleanPath(target), place, links });
  }
}

/** An octal --chmod also holds for the directories that are made on the way, as far as BuildKit's umask lets it. */
function placeBy({ owner = { uid: 0, gid: 0 }, action: { mode = '' } }: Copying): NewDirectory {
  return { ...owner, ...(/^[0-7]+$/.test(mode) ? { mode: Number.parseInt(mode, 8) & 0o755 } : {}) };
}

interface Task extends Copying {
  target: string;
  /** What is made on the way there. */
  place: NewDirectory;
  links: Links;
}

async function copyOne(upper: Upper, { path, name, found }: Matched, task: Task): Promise<void> {
  const { action, source, place } = task;
  const isDirectory = found.stat.isDirectory();
  let target = resolveUpper(upper, task.target);
  const present = findIn(upper, target);
  const goesInto = isDirectory ? !action.contentsOnly && present !== undefined : present?.stat.isDirectory();
  if (goesInto) target = joined(target, name);
  if (!isDirectory) {
    put(upper, target, { path: name, from: path, found }, task);
    return;
  }
  if (findIn(upper, target)?.stat.isDirectory() === false) throw notDirectory(target);
  // The top directory is only a place: what it is in the source does not count, unless it comes along by its name.
  if (action.contentsOnly || !makesNew(upper, target, found, task)) makeDirectories(upper, target, place);
  let count = 0;
  for (const item of walk(source, path, task.pick)) {
    put(upper, joined(target, item.path), item, task);
    count += 1;
    if (count % BREATH === 0) await breathe(task.abort);
  }
  // What a context's own directory is, is not said.
  if (path !== '') upper.coming.set(target, timesOf(found));
  arrived(upper);
}

/** After so many files others have their turn. */
const BREATH = 200;

async function breathe(abort: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  abort?.throwIfAborted();
}

function makesNew(upper: Upper, target: string, found: Found, task: Task): boolean {
  if (findIn(upper, target) !== undefined) return false;
  putDirectory(upper, target, found, task);
  return true;
}

const notDirectory = (path: string) => new WherryError('invalid', `cannot copy to non-directory: /${textOf(path)}`);

function put(upper: Upper, target: string, { found }: Item, task: Task): void {
  const { stat } = found;
  if (stat.isDirectory()) {
    putDirectory(upper, target, found, task);
    return;
  }
  const at = makeWay(upper, target, task.place);
  const key = `${stat.dev}:${stat.ino}`;
  const first = stat.nlink > 1n ? task.links.get(key) : undefined;
  if (first !== undefined) {
    linkSync(raw(placeOf(upper, first)), raw(at));
    return;
  }
  if (stat.nlink > 1n) task.links.set(key, target);
  const made = { owner: ownerOf(found, task), mode: modeOf(found, task) };
  if (stat.isFile()) putFile(found, at, made);
  else putSpecial(found, at, made);
}

interface Made {
  owner: Ids;
  mode: number;
}

/** Links, FIFOs and devices; of a socket only an empty file is left, as with BuildKit. */
function putSpecial(found: Found, at: string, { owner, mode }: Made): void {
  const { stat } = found;
  if (stat.isSymbolicLink()) symlinkSync(raw(linkOf(found)), raw(at));
  else if (stat.isSocket()) writeFileSync(raw(at), '', { flag: 'wx' });
  else if (!makeNode(at, found)) return;
  setOwner(at, owner);
  if (!stat.isSymbolicLink()) chmodSync(raw(at), mode);
  copyAttributes(found.at, at);
  setTimes(raw(at), stat.atimeNs, stat.mtimeNs);
}

function ownerOf({ stat }: Found, { owner }: Task): Ids {
  return owner ?? { uid: Number(stat.uid), gid: Number(stat.gid) };
}

function modeOf({ stat }: Found, { mode }: Task): number {
  const own = Number(stat.mode) & 0o7777;
  return mode === undefined ? own : mode(own, stat.isDirectory());
}

function putDirectory(upper: Upper, target: string, found: Found, task: Task): void {
  const present = findIn(upper, target);
  if (present !== undefined && !present.stat.isDirectory()) throw notDirectory(target);
  makeDirectories(upper, target, task.place);
  const at = placeOf(upper, target);
  setOwnerAlways(at, ownerOf(found, task));
  chmodSync(raw(at), modeOf(found, task));
  copyAttributes(found.at, at);
  upper.coming.set(target, timesOf(found));
}

const timesOf = ({ stat }: Found) => ({ accessed: stat.atimeNs, modified: stat.mtimeNs });

/** It may have been somebody else's. */
function setOwnerAlways(at: string, { uid, gid }: Ids): void {
  const fd = openSync(raw(at), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    fchownSync(fd, uid, gid);
  } finally {
    closeSync(fd);
  }
}

/** A user namespace makes no devices: left out. */
function makeNode(at: string, { stat }: Found): boolean {
  const type = stat.isFIFO() ? S_IF.FIFO : stat.isBlockDevice() ? S_IF.BLK : S_IF.CHR;
  const major = Number(((stat.rdev >> 8n) & 0xfffn) | ((stat.rdev >> 32n) & 0xfffff000n));
  const minor = Number((stat.rdev & 0xffn) | ((stat.rdev >> 12n) & 0xffffff00n));
  try {
    mknod(raw(at), type | 0o600, major, minor);
    return true;
  } catch (error) {
    if (type !== S_IF.FIFO && hasCode(error, 'EPERM')) return false;
    throw error;
  }
}

const LARGE = 1024n * 1024n;
let buffer: Buffer | undefined;

/** The bytes, and what they are called by; holes stay holes. */
function putFile(found: Found, at: string, { owner, mode }: Made): void {
  const { stat } = found;
  const isSparse = stat.size >= LARGE && stat.blocks * 512n < stat.size;
  const isLarge = stat.size >= LARGE && !isSparse;
  if (isLarge) copyFileSync(raw(found.at), raw(at), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  const flags = isLarge ? constants.O_WRONLY : constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  const fd = openSync(raw(at), flags | constants.O_NOFOLLOW, mode & 0o777);
  try {
    if (!isLarge && stat.size > 0n) copyBytes(found, fd);
    if (owner.uid !== 0 || owner.gid !== 0) fchownSync(fd, owner.uid, owner.gid);
    fchmodSync(fd, mode);
    copyAttributes(found.at, at);
    futimesSync(fd, Number(stat.atimeNs) / 1e9, Number(stat.mtimeNs) / 1e9);
  } finally {
    closeSync(fd);
  }
}

function copyBytes(found: Found, to: number): void {
  buffer ??= Buffer.allocUnsafe(Number(LARGE));
  const from = openSync(raw(found.at), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (found.stat.size < LARGE) {
      for (let count = readSync(from, buffer); count > 0; count = readSync(from, buffer)) {
        for (let done = 0; done < count; ) done += writeSync(to, buffer, done, count - done);
      }
      return;
    }
    const writer = holeyWriter(to, Number(found.stat.size));
    for (let count = readSync(from, buffer); count > 0; count = readSync(from, buffer)) {
      writer.write(buffer.subarray(0, count));
    }
    writer.end();
  } finally {
    closeSync(from);
  }
}
