/** The end of a container: out of sight by one rename, then its name, its files and its volumes go. */
import { existsSync, renameSync } from 'node:fs';
import { recordContainerEvent } from '#container/event.ts';
import { listContainers, releaseName, tolerant } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import type { Store } from '#store/store.ts';
import { sweep } from '#store/sweep.ts';
import { removeTree } from '#sys/file.ts';

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
  removeTree(doomed);
  recordContainerEvent(store, record, 'destroy');
  if (volumes) await removeAnonymous(store, record);
  if (record.image !== undefined) await dropLayers(store, record.image);
  // And what another removal left when it was killed.
  await sweep(store);
}

async function removeAnonymous(store: Store, { mounts }: Removable): Promise<void> {
  const names = mounts.filter((point) => point.Anonymous).map((point) => point.Name ?? '');
  if (names.length === 0) return;
  const { removeVolume } = await import('#volume/volume.ts');
  let isSure = true;
  const others = listContainers(store, () => {
    isSure = false;
  });
  const used = new Set(others.flatMap((other) => other.mounts.map((point) => point.Name)));
  for (const name of names) {
    // One whose record is lost may have it, too.
    if (isSure && !used.has(name)) await removeVolume(store, name, []);
  }
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
