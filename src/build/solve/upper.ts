/**
 * The directory that becomes a layer, while files are put into it: what it has hides what the tree below it has at the same
 * path, as in an overlay, but nothing is mounted. Only the solver writes there, so a path that is resolved stays so.
 */
import { chmodSync, lchownSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { resolveIn, type TreeReader } from '#build/solve/tree.ts';
import { copyAttributes } from '#store/attributes.ts';
import { parentOf, raw } from '#store/tree.ts';
import type { Found } from '#store/union.ts';
import { setTimes } from '#sys/ffi.ts';

export interface Ids {
  uid: number;
  gid: number;
}

/** What a directory is that nobody described: 755 by default. */
export interface NewDirectory extends Ids {
  mode?: number;
}

interface Times {
  accessed: bigint;
  modified: bigint;
}

export interface Upper {
  /** The directory, in bytes. */
  root: string;
  /** What is below it. */
  lower: TreeReader;
  /** Times that directories get in the end: all that is made in one changes its own. */
  times: Map<string, Times>;
  /** Those of directories that come with what is in them: theirs when all of it is there. */
  coming: Map<string, Times>;
}

/** Begins a layer in an empty directory. */
export function openUpper(root: string, lower: TreeReader): Upper {
  return { root: Buffer.from(root).toString('latin1'), lower, times: new Map(), coming: new Map() };
}

/** What stands at a path of the tree as it will be; parents resolved. */
export function findIn(upper: Upper, path: string): Found | undefined {
  const at = placeOf(upper, path);
  const stat = lstatSync(raw(at), { bigint: true, throwIfNoEntry: false });
  if (path !== '' && stat !== undefined) return { at, stat, live: false };
  return upper.lower.find(path) ?? (stat === undefined ? undefined : { at, stat, live: false });
}

/** Where a path leads in the tree as it will be. */
export const resolveUpper = (upper: Upper, path: string): string =>
  resolveIn({ find: (at) => findIn(upper, at) }, path);

/** Where a path of the layer is on the disk. */
export const placeOf = ({ root }: Upper, path: string): string => (path === '' ? root : `${root}/${path}`);

/**
 * Makes a directory with its parents, where they are not there; those of the tree below come up with what they are. path:
 * resolved. @returns whether it is new. Throws kind `invalid` for what is no directory.
 */
export function makeDirectories(upper: Upper, path: string, made: NewDirectory): boolean {
  if (path === '') return false;
  const at = placeOf(upper, path);
  const own = lstatSync(raw(at), { throwIfNoEntry: false });
  if (own !== undefined) {
    if (own.isDirectory()) return false;
    throw new WherryError('invalid', `mkdir /${Buffer.from(path, 'latin1')}: not a directory`);
  }
  const below = upper.lower.find(path);
  if (below !== undefined && !below.stat.isDirectory()) {
    throw new WherryError('invalid', `mkdir /${Buffer.from(path, 'latin1')}: not a directory`);
  }
  makeDirectories(upper, parentOf(path), made);
  if (below === undefined) touched(upper, path);
  mkdirSync(raw(at), 0o755);
  if (below === undefined) {
    setOwner(at, made);
    if (made.mode !== undefined) chmodSync(raw(at), made.mode);
    return true;
  }
  copyUp(upper, path, below);
  return false;
}

/** What a directory of the tree below is, but for what is in it. */
function copyUp(upper: Upper, path: string, { at, stat }: Found): void {
  const there = placeOf(upper, path);
  setOwner(there, { uid: Number(stat.uid), gid: Number(stat.gid) });
  chmodSync(raw(there), Number(stat.mode) & 0o7777);
  copyAttributes(at, there);
  upper.times.set(path, { accessed: stat.atimeNs, modified: stat.mtimeNs });
}

/** Whoever makes, is root: what is root's needs no word. */
export function setOwner(at: string, { uid, gid }: Ids): void {
  if (uid !== 0 || gid !== 0) lchownSync(raw(at), uid, gid);
}

/** Something is made at this path: the directory that it is in is not as it was. */
function touched(upper: Upper, path: string): void {
  upper.times.delete(parentOf(path));
}

/**
 * Makes room for what is no directory. @returns the place on the disk. Throws kind `invalid` in BuildKit's words.
 */
export function makeWay(upper: Upper, path: string, made: NewDirectory): string {
  const present = findIn(upper, path);
  if (present?.stat.isDirectory()) {
    throw new WherryError('invalid', `cannot replace to directory /${Buffer.from(path, 'latin1')} with file`);
  }
  makeDirectories(upper, parentOf(path), made);
  touched(upper, path);
  const at = placeOf(upper, path);
  if (present?.at === at) rmSync(raw(at));
  return at;
}

/** All that is in the directories that came is there: from now on what is made in one changes its time. */
export function arrived(upper: Upper): void {
  for (const [path, times] of upper.coming) upper.times.set(path, times);
  upper.coming.clear();
}

/** Sets the times that had to wait. */
export function finishUpper(upper: Upper): void {
  for (const [path, { accessed, modified }] of upper.times) setTimes(raw(placeOf(upper, path)), accessed, modified);
  upper.times.clear();
}
