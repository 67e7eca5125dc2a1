/** The prune commands: who uses what is asked here, where the nouns meet. */
import { WherryError } from '#base/error.ts';
import { readPruneFilters } from '#base/prune.ts';
import { parseBool } from '#base/units.ts';
import { listContainers } from '#container/names.ts';
import { ownSize } from '#container/size.ts';
import { isRunning, readState } from '#container/state.ts';
import { imageUsers, sweepMappedIfAny } from '#engine/images.ts';
import { attachedContainers, forgetNetwork } from '#engine/networking.ts';
import { removeContainer } from '#engine/start.ts';
import { removeUnused, usedNames } from '#engine/volumes.ts';
import { type PrunedImages, pruneImages as pruneImagesOf } from '#image/prune.ts';
import { isPredefined, listNetworks } from '#network/records.ts';
import { type EventType, recordEvent } from '#store/events.ts';
import { treeSize } from '#store/size.ts';
import type { Store } from '#store/store.ts';
import { isAnonymous, listVolumes } from '#volume/volume.ts';

/** What went: names or IDs, and the bytes of their files. */
export interface Pruned {
  removed: string[];
  reclaimed: number;
}

/** As image/prune.ts, with the containers that there are. */
export async function pruneImages(
  store: Store,
  options: { all?: boolean; filters?: readonly string[] },
): Promise<PrunedImages> {
  const pruned = await pruneImagesOf(store, { ...options, usedBy: () => imageUsers(store) });
  await sweepMappedIfAny(store);
  notePrune(store, 'image', pruned.reclaimed);
  return pruned;
}

function notePrune(store: Store, type: EventType, reclaimed: number): void {
  recordEvent(store, { type, action: 'prune', id: '', attributes: { reclaimed: String(reclaimed) } });
}

/** Removes containers that don't run. filters: until, label, label!. Anonymous volumes stay, as with Docker. */
export async function pruneContainers(store: Store, filters: readonly string[]): Promise<Pruned> {
  const { matches } = readPruneFilters(filters);
  const wanted = listContainers(store)
    .filter(({ created, config }) => matches(Date.parse(created), config.Labels))
    .sort((a, b) => (a.created < b.created ? 1 : -1));
  const pruned: Pruned = { removed: [], reclaimed: 0 };
  for (const record of wanted) {
    if (isRunning(readState(store, record.id))) continue;
    const size = ownSize(store, record);
    if (!(await unlessInTheWay(() => removeContainer(store, record.id)))) continue;
    pruned.removed.push(record.id);
    pruned.reclaimed += size;
  }
  notePrune(store, 'container', pruned.reclaimed);
  return pruned;
}

/** Removes volumes that no container mounts; all: those with names, too. filters: label, label!, all. */
export async function pruneVolumes(
  store: Store,
  { all = false, filters: pairs = [] }: { all?: boolean; filters?: readonly string[] },
): Promise<Pruned> {
  const filters = readPruneFilters(all ? [...pairs, 'all=true'] : pairs, { all: undefined });
  const isAll = readAll(filters.values('all'));
  const pruned: Pruned = { removed: [], reclaimed: 0 };
  const used = usedNames(store);
  for (const volume of listVolumes(store)) {
    if (!(isAll || isAnonymous(volume)) || !filters.matches(0, volume.Labels)) continue;
    if (used.has(volume.Name)) continue;
    const size = treeSize(volume.Mountpoint);
    if (!(await unlessInTheWay(() => removeUnused(store, volume.Name)))) continue;
    pruned.removed.push(volume.Name);
    pruned.reclaimed += size;
  }
  notePrune(store, 'volume', pruned.reclaimed);
  return pruned;
}

/** Removes networks that no running container is on; the predefined ones stay. filters: until, label, label!. */
export async function pruneNetworks(store: Store, filters: readonly string[]): Promise<string[]> {
  const { matches } = readPruneFilters(filters);
  const removed: string[] = [];
  const used = attachedContainers(store);
  for (const network of listNetworks(store)) {
    const { name, created, labels } = network;
    if (isPredefined(name) || used.has(name) || !matches(Date.parse(created), labels)) continue;
    if (await forgetNetwork(store, network)) removed.push(name);
  }
  notePrune(store, 'network', 0);
  return removed;
}

/** strconv.ParseBool of each. Throws kind `unavailable` in Docker's words. */
function readAll(values: readonly string[]): boolean {
  return values.some((value) => {
    const isAll = parseBool(value);
    if (isAll !== undefined) return isAll;
    const why = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
    throw new WherryError('unavailable', `invalid filter 'all': ${why}`);
  });
}

/** False where somebody began to use it, or removed it, meanwhile. */
async function unlessInTheWay(remove: () => Promise<unknown>): Promise<boolean> {
  try {
    await remove();
    return true;
  } catch (error) {
    if (error instanceof WherryError && (error.kind === 'conflict' || error.kind === 'not-found')) return false;
    throw error;
  }
}
