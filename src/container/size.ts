/** How much a container has written: the files of its own layer. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '#base/error.ts';
import type { ContainerRecord } from '#container/record.ts';
import type { Store } from '#store/store.ts';

/** Bytes of all files below a container's own layer, a file with several names once; 0 before its first start. */
export function ownSize(store: Store, { id, driver }: ContainerRecord): number {
  const layer = store.path('containers', id, driver === 'copy' ? 'merged' : 'upper');
  return measure(Buffer.from(layer), new Set()) - markSize(layer);
}

/** The link that every root gets (rootfs.ts) is nothing that the container has written. */
function markSize(layer: string): number {
  const stat = lstatSync(join(layer, 'etc/mtab'), { throwIfNoEntry: false });
  return stat?.isSymbolicLink() && stat.size === '/proc/mounts'.length ? stat.size : 0;
}

/** Names need not be UTF-8. What goes while we look counts nothing. */
function measure(path: Buffer, seen: Set<number>): number {
  let total = 0;
  try {
    for (const entry of readdirSync(path, { withFileTypes: true, encoding: 'buffer' })) {
      const below = Buffer.concat([path, Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) total += measure(below, seen);
      else if (entry.isFile() || entry.isSymbolicLink()) total += sizeOf(below, seen);
    }
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
  }
  return total;
}

function sizeOf(path: Buffer, seen: Set<number>): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || (stat.nlink > 1 && seen.has(stat.ino))) return 0;
  seen.add(stat.ino);
  return stat.size;
}
