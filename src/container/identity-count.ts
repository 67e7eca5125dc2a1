/** --userns auto without a size: how many ids a container needs, by the users and groups of its image. */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerRecord } from '#container/record.ts';
import { AUTO } from '#container/userns.ts';
import { layerPath } from '#store/layers.ts';
import type { Store } from '#store/store.ts';

/** The highest id that passwd, group and the container's user name, and one more; 1024 at least. */
export function idCount(store: Store, { image, config }: Pick<ContainerRecord, 'image' | 'config'>): number {
  const layers = image.diffIds.map((diffId) => layerPath(store, diffId)).toReversed();
  const asked = config.User.split(':').flatMap((id) => (/^\d+$/.test(id) ? Number(id) : []));
  const named = ['etc/passwd', 'etc/group'].flatMap((name) => idsIn(topmost(layers, name)));
  const last = Math.max(0, ...asked, ...named.filter((id) => id < NOBODY));
  return Math.min(Math.max(last + 1, AUTO.least), AUTO.most);
}

/** The kernel's word for ids that there are not; nobody runs as it for a reason. */
const NOBODY = 65534;

function topmost(layers: readonly string[], name: string): string {
  const path = layers
    .map((layer) => join(layer, name))
    .find((at) => lstatSync(at, { throwIfNoEntry: false })?.isFile());
  return path === undefined ? '' : readFileSync(path, 'utf8');
}

/** The third field of passwd(5) and group(5). */
const idsIn = (text: string) =>
  text.split('\n').flatMap((line) => {
    const id = line.split(':')[2];
    return id !== undefined && /^\d+$/.test(id) ? Number(id) : [];
  });
