/** How much a container has written: the files of its own layer. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerRecord } from '#container/record.ts';
import { treeSize } from '#store/size.ts';
import type { Store } from '#store/store.ts';

/** Bytes of all files below a container's own layer, a file with several names once; 0 before its first start. */
export function ownSize(store: Store, { id, driver }: ContainerRecord): number {
  const layer = store.path('containers', id, driver === 'copy' ? 'merged' : 'upper');
  return treeSize(layer) - markSize(layer);
}

/** The link that every root gets (rootfs.ts) is nothing that the container has written. */
function markSize(layer: string): number {
  const stat = lstatSync(join(layer, 'etc/mtab'), { throwIfNoEntry: false });
  return stat?.isSymbolicLink() && stat.size === '/proc/mounts'.length ? stat.size : 0;
}
