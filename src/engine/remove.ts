/** The end of a container: out of sight by one rename, then its name, its files and its volumes go. */
import { existsSync, renameSync } from 'node:fs';
import { releaseName } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import type { Store } from '#store/store.ts';
import { removeTree } from '#sys/file.ts';

/** Removes a container that is stopped and unmounted. The caller holds its lock. volumes: the anonymous ones too. */
export async function eraseContainer(
  store: Store,
  record: ContainerRecord,
  { volumes }: { volumes: boolean },
): Promise<void> {
  const doomed = store.path('tmp', `gone-${record.id}`);
  const directory = store.path('containers', record.id);
  if (existsSync(directory)) renameSync(directory, doomed);
  releaseName(store, record.name, record.id);
  removeTree(doomed);
  if (volumes) await removeAnonymous(store, record);
}

async function removeAnonymous(store: Store, record: ContainerRecord): Promise<void> {
  const names = record.mounts.filter((point) => point.Anonymous).map((point) => point.Name ?? '');
  if (names.length === 0) return;
  const { removeVolume } = await import('#volume/volume.ts');
  const { listContainers } = await import('#container/names.ts');
  const used = new Set(listContainers(store).flatMap((other) => other.mounts.map((point) => point.Name)));
  for (const name of names) {
    if (!used.has(name)) await removeVolume(store, name, []);
  }
}
