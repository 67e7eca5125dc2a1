/**
 * What a RUN has left in an overlay's upper directory becomes a layer that says all by itself. The kernel marks nearly
 * every new directory opaque, which tells nothing where there is none below it, and would hide too much above another
 * tree: in place of the mark, each name that is hidden is deleted.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { raw } from '#store/tree.ts';
import type { Directory } from '#store/union.ts';
import { getxattr, mknod, removexattr, S_IF, setTimes } from '#sys/ffi.ts';

const OPAQUE = 'user.overlay.opaque';

/** root: the upper directory, unmounted. lower: the top directory of what it was mounted above. */
export function settleUpper(root: string, lower: Directory | undefined): void {
  removexattr(root, OPAQUE);
  settle(Buffer.from(root).toString('latin1'), lower, false);
}

/** hidden: nothing of `lower` shows here. */
function settle(at: string, lower: Directory | undefined, hidden: boolean): void {
  const entries = readdirSync(raw(at), { withFileTypes: true, encoding: 'latin1' as 'utf8' });
  const names = new Set(entries.map(({ name }) => name));
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const there = `${at}/${entry.name}`;
    const isOpaque = getxattr(raw(there), OPAQUE)?.toString() === 'y';
    if (isOpaque) removexattr(raw(there), OPAQUE);
    using below = lower?.enter(entry.name);
    settle(there, below, hidden || isOpaque);
  }
  if (hidden && lower !== undefined) hide(at, lower, names);
}

/** Deletes what the tree below has and this directory has not. */
function hide(at: string, lower: Directory, kept: ReadonlySet<string>): void {
  const missing = lower.names().filter((name) => !kept.has(name) && lower.find(name) !== undefined);
  if (missing.length === 0) return;
  const { atimeNs, mtimeNs } = lstatSync(raw(at), { bigint: true });
  for (const name of missing) mknod(raw(`${at}/${name}`), S_IF.CHR);
  setTimes(raw(at), atimeNs, mtimeNs);
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
