/** The end of a container: out of sight by one rename, then its name, its files and its volumes go. */
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { recordContainerEvent } from '#container/event.ts';
import { allContainers, releaseName, tolerant } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import type { Store } from '#store/store.ts';
import { sweep } from '#store/sweep.ts';
import { lock, removeTree } from '#sys/file.ts';

/** A container as far as its removal is concerned; of one whose record is lost nothing but the ID may be known. */
export type Removable = Pick<ContainerRecord, 'id' | 'name' | 'mounts'> & {
  image: ContainerRecord['image'] | undefined;
  config?: ContainerRecord['config'];
};

/** Removes a container that is stopped and unmounted. The caller holds its lock. volumes: the anonymous ones too. */
export async function eraseContainer(
  store: Store,
  record: Removable,
  { volumes }: { volumes: boolean },
): Promise<void> {
  const doomed = store.path('tmp', `erased-${record.id}`);
  const directory = store.path('containers', record.id);
  if (existsSync(directory)) renameSync(directory, doomed);
  releaseName(store, record.name, record.id);
  if (record.image !== undefined) await dropLayers(store, record.image);
  // After its layers: as long as this is there, under the container's lock, some of them may be about to go.
  removeTree(doomed);
  recordContainerEvent(store, record, 'destroy');
  if (volumes) await removeAnonymous(store, record);
  // And what another removal left when it was killed.
  await sweep(store);
}

/** Resolves when each removal of a container that is at work now has dropped the layers. */
export async function removalsOver(store: Store): Promise<void> {
  for (const name of readdirSync(store.path('tmp')).filter((one) => one.startsWith('erased-'))) {
    try {
      using _over = await lock(store.path('tmp', name));
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
}

async function removeAnonymous(store: Store, { mounts }: Removable): Promise<void> {
  const names = mounts.filter((point) => point.Anonymous).map((point) => point.Name ?? '');
  if (names.length === 0) return;
  const { removeVolume } = await import('#volume/volume.ts');
  // Who makes a container (--volumes-from) holds this until its record says which volumes it has.
  using _noNewContainers = await lock(store.path('layers'));
  const { records, damaged } = allContainers(store);
  // One whose record is lost may have them, too.
  if (damaged.length > 0) return;
  const used = new Set(records.flatMap((other) => other.mounts.map((point) => point.Name)));
  for (const name of names) if (!used.has(name)) await removeVolume(store, name, []);
}

/** The layers of an image that was removed by force stayed for its containers: they go with the last of these. */
async function dropLayers(store: Store, { id, diffIds }: ContainerRecord['image']): Promise<void> {
  const { readCatalog } = await import('#image/catalog.ts');
  const entries = tolerant(
    () => readCatalog(store),
    () => undefined,
  );
  if (entries === undefined || entries.some((entry) => entry.id === id)) return;
  const { dropUnusedLayers } = await import('#image/waste.ts');
  const { imageUsers } = await import('#engine/images.ts');
  await dropUnusedLayers(store, diffIds, () => imageUsers(store));
}
