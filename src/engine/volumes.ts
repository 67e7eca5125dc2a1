/** Volumes with the containers that have them. */
import type { Readable } from 'node:stream';
import type { WherryError } from '#base/error.ts';
import { asDaemon, parseFilters } from '#base/filter.ts';
import { listContainers } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { lock } from '#sys/file.ts';
import { listVolumes, needVolume, removeVolume, type Volume } from '#volume/volume.ts';

const uses = (name: string) => (record: Pick<ContainerRecord, 'mounts'>) =>
  record.mounts.some((point) => point.Type === 'volume' && point.Name === name);

/** IDs of the containers, running or not, that have a volume. Throws kind `corrupt` where a record doesn't tell. */
function volumeUsers(store: Store, name: string): string[] {
  const refuse = (error: WherryError) => {
    throw error;
  };
  return listContainers(store, refuse)
    .filter(uses(name))
    .map(({ id }) => id);
}

/** The volumes by name. filters: dangling, driver, label, name (a pattern). Throws kind `unavailable` as Docker's daemon. */
export function findVolumes(store: Store, pairs: readonly string[]): Volume[] {
  const accepted = { dangling: undefined, driver: undefined, label: undefined, name: undefined };
  const filters = asDaemon(() => parseFilters(pairs, accepted));
  const dangling = asDaemon(() => filters.flag('dangling'));
  const used = dangling === undefined ? undefined : usedNames(store);
  return listVolumes(store).filter(
    (volume) =>
      filters.pattern('name', volume.Name) &&
      filters.exact('driver', volume.Driver) &&
      filters.labels('label', volume.Labels ?? {}) &&
      (used === undefined || used.has(volume.Name) !== dangling),
  );
}

/** Of the volumes that containers have, running or not. */
export const usedNames = (store: Store) =>
  new Set(listContainers(store).flatMap(({ mounts }) => mounts.map((point) => point.Name ?? '')));

/** Removes a volume that no container has. Throws `not-found`, `conflict` in Docker's words, `corrupt`: see volumeUsers(). */
export async function removeUnused(store: Store, name: string): Promise<void> {
  // Who makes a container holds this until its record says which volumes it has.
  using _noNewContainers = await lock(store.path('layers'));
  await removeVolume(store, name, volumeUsers(store, name));
}

/**
 * Hands over a volume's content as an archive, in pieces that each are there until `take` returns. What its options
 * mount is mounted for that.
 */
export async function exportVolume(
  store: Store,
  name: string,
  take: (piece: Buffer) => void,
  abort?: AbortSignal,
): Promise<void> {
  const { packVolume } = await import('#volume/archive.ts');
  await whileMounted(store, name, async () => {
    for (const piece of packVolume(store, name)) {
      take(piece);
      // Signals are heard between two pieces only.
      await new Promise((resolve) => setImmediate(resolve));
      abort?.throwIfAborted();
    }
  });
}

/** Unpacks an archive, from a file or a stream, into a volume. Throws kind `not-found`, `invalid`, `corrupt`. */
export async function importVolume(
  store: Store,
  name: string,
  source: string | Readable,
  abort?: AbortSignal,
): Promise<void> {
  const { unpackVolume } = await import('#volume/archive.ts');
  const { readFile, readStream } = await import('#image/import.ts');
  const bytes = typeof source === 'string' ? readFile(source) : readStream(source, abort);
  await whileMounted(store, name, () => unpackVolume(store, name, bytes, abort));
}

/** What a volume's options mount is there meanwhile. Throws kind `not-found`. */
async function whileMounted(store: Store, name: string, work: () => Promise<void>): Promise<void> {
  const { mountVolume, unmountVolume } = await import('#volume/mounted.ts');
  needVolume(store, name);
  await mountVolume(store, name);
  try {
    await work();
  } finally {
    await unmountVolume(store, name, () => isRunningOn(store, name));
  }
}

const isRunningOn = (store: Store, name: string) =>
  listContainers(store).some((record) => uses(name)(record) && isRunning(readState(store, record.id)));

/** As exportVolume(), into a file, which appears when it is whole. Throws kind `invalid` where none can be written. */
export async function exportVolumeTo(store: Store, name: string, path: string, abort?: AbortSignal): Promise<void> {
  const { openOutputFile } = await import('#sys/output-file.ts');
  using file = openOutputFile(path);
  await exportVolume(store, name, (piece) => file.write(piece), abort);
  file.commit();
}

/** After a container's end: what is mounted for a volume's options goes with the last one that runs on it. */
export async function leaveVolumes(store: Store, record: Pick<ContainerRecord, 'id' | 'mounts'>): Promise<void> {
  const { unmountVolume } = await import('#volume/mounted.ts');
  for (const { Type, Name = '' } of record.mounts) {
    if (Type !== 'volume') continue;
    await unmountVolume(store, Name, () => isRunningOn(store, Name));
  }
}
