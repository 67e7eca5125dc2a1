/**
 * What a RUN has left in an overlay's upper directory becomes a layer that says all by itself. The kernel marks nearly
 * every new directory opaque, which tells nothing where there is none below it, and would hide too much above another
 * tree: in place of the mark, each name that is hidden is deleted.
 */
import { lstatSync, readdirSync, unlinkSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { raw } from '#store/tree.ts';
import type { Directory } from '#store/union.ts';
import { OPAQUE, WHITEOUT } from '#store/whiteout.ts';
import { getxattr, mknod, removexattr, S_IF, setTimes } from '#sys/ffi.ts';

const OPAQUE_ATTRIBUTES = ['user.overlay.opaque', 'user.fuseoverlayfs.opaque'];

/** root: the upper directory, unmounted. lower: the top directory of what it was mounted above. */
export function settleUpper(root: string, lower: Directory | undefined): void {
  const at = Buffer.from(root).toString('latin1');
  settle(at, lower, takeMark(at));
}

/** hidden: nothing of `lower` shows here. */
function settle(at: string, lower: Directory | undefined, hidden: boolean): void {
  const entries = readdirSync(raw(at), { withFileTypes: true, encoding: 'latin1' as 'utf8' });
  const names = new Set(entries.map(({ name }) => name));
  for (const entry of entries) {
    const there = `${at}/${entry.name}`;
    if (entry.name.startsWith(WHITEOUT)) names.add(asDeletion(at, entry.name));
    if (!entry.isDirectory()) continue;
    const isOpaque = takeMark(there);
    using below = lower?.enter(entry.name);
    settle(there, below, hidden || isOpaque);
  }
  if (hidden && lower !== undefined) hide(at, lower, names);
}

/** Was the directory opaque? Its mark is gone then: the kernel's, or one of fuse-overlayfs's. */
function takeMark(at: string): boolean {
  const names = OPAQUE_ATTRIBUTES.filter((name) => getxattr(raw(at), name)?.toString() === 'y');
  for (const name of names) removexattr(raw(at), name);
  const hasFile = lstatSync(raw(`${at}/${OPAQUE}`), { throwIfNoEntry: false }) !== undefined;
  if (hasFile) keepingTimes(at, () => unlinkSync(raw(`${at}/${OPAQUE}`)));
  return names.length > 0 || hasFile;
}

/** A deletion that is a file with a reserved name, as fuse-overlayfs makes them where it can't make devices. */
function asDeletion(at: string, mark: string): string {
  const name = mark.slice(WHITEOUT.length);
  keepingTimes(at, () => {
    unlinkSync(raw(`${at}/${mark}`));
    mknod(raw(`${at}/${name}`), S_IF.CHR);
  });
  return name;
}

function keepingTimes(at: string, action: () => void): void {
  const { atimeNs, mtimeNs } = lstatSync(raw(at), { bigint: true });
  action();
  setTimes(raw(at), atimeNs, mtimeNs);
}

/** Deletes what the tree below has and this directory has not. */
function hide(at: string, lower: Directory, kept: ReadonlySet<string>): void {
  const missing = lower.names().filter((name) => !kept.has(name) && lower.find(name) !== undefined);
  if (missing.length === 0) return;
  keepingTimes(at, () => {
    for (const name of missing) mknod(raw(`${at}/${name}`), S_IF.CHR);
  });
}

/** Files that are younger than this, in nanoseconds since 1970, get this time: SOURCE_DATE_EPOCH. */
export function clampTimes(root: string, epoch: bigint): void {
  clamp(Buffer.from(root).toString('latin1'), epoch);
}

function clamp(at: string, epoch: bigint): void {
  for (const name of readdirSync(raw(at), { encoding: 'latin1' as 'utf8' })) {
    const there = `${at}/${name}`;
    const stat = lstatSync(raw(there), { bigint: true });
    if (stat.isDirectory()) clamp(there, epoch);
    if (stat.mtimeNs > epoch) setEpoch(there, epoch);
  }
}

function setEpoch(at: string, epoch: bigint): void {
  try {
    setTimes(raw(at), epoch, epoch);
  } catch (error) {
    // A whiteout's inode may be one of many, and has no time that counts.
    if (!hasCode(error, 'EPERM')) throw error;
  }
}
