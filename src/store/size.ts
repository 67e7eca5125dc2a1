/** How much a directory holds, as Docker counts. */
import { lstatSync, readdirSync } from 'node:fs';
import { hasCode } from '#base/error.ts';

/** Bytes of all files below a directory, a file with several names once; 0 where there is none. */
export function treeSize(directory: string): number {
  return measure(Buffer.from(directory), new Set());
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
