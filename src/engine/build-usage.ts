/** What builds have left for later ones: layers by their records, and the directories of RUN --mount=type=cache. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type CacheRecord, dropRecords, listRecords } from '#build/solve/cache.ts';
import { imageUsers } from '#engine/images.ts';
import { readCatalog } from '#image/catalog.ts';
import { dropUnusedLayers, partsReader } from '#image/waste.ts';
import { treeSize } from '#store/size.ts';
import type { Store } from '#store/store.ts';
import { readJson, removeTree, replace, tryLock } from '#sys/file.ts';

/** One thing of the cache, as buildx du has it. */
export interface CacheUsage {
  id: string;
  type: 'regular' | 'exec.cachemount';
  description: string;
  /** Bytes. */
  size: number;
  /** RFC 3339. */
  created: string;
  used: string;
  uses: number;
  /** By a build that runs. */
  inUse: boolean;
  /** An image has the same layer: it stays whatever becomes of the record. */
  shared: boolean;
  mutable: boolean;
  /** The ids of the records that it was made upon. */
  parents: string[];
}

/** All of it, the youngest use first. */
export async function cacheUsage(store: Store): Promise<CacheUsage[]> {
  const records = layersUsage(store);
  const mounts = await mountsUsage(store);
  return [...records, ...mounts].sort((one, other) => (one.used < other.used ? 1 : -1));
}

function layersUsage(store: Store): CacheUsage[] {
  const records = listRecords(store);
  const read = partsReader(store);
  const inImages = new Set(readCatalog(store).flatMap((entry) => read(entry).diffIds));
  const byLayer = new Map(records.map((record) => [record.diffId, record.id]));
  return records.map((record) => ({
    id: record.id,
    type: 'regular',
    description: record.description,
    size: record.size,
    created: record.created,
    used: record.used,
    uses: record.uses,
    inUse: false,
    shared: inImages.has(record.diffId),
    mutable: false,
    parents: parentsOf(record, byLayer),
  }));
}

function parentsOf({ below }: CacheRecord, byLayer: ReadonlyMap<string, string>): string[] {
  const parent = below.toReversed().flatMap((diffId) => byLayer.get(diffId) ?? [])[0];
  return parent === undefined ? [] : [parent];
}

async function mountsUsage(store: Store): Promise<CacheUsage[]> {
  const found: CacheUsage[] = [];
  for (const key of namesIn(store.path('build', 'cache-mounts'))) {
    const folder = store.path('build', 'cache-mounts', key);
    const { id = key } = readJson<{ id?: string }>(join(folder, 'mount.json')) ?? {};
    for (const number of namesIn(folder).filter((name) => /^\d+$/.test(name))) {
      const place = join(folder, number);
      const stat = statSync(place, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      using free = await tryLock(place);
      found.push({
        id: `${key}-${number}`,
        type: 'exec.cachemount',
        description: `cached mount ${id} from exec`,
        size: sizeOf(folder, number, { used: stat.mtime, isFree: free !== undefined }),
        created: stat.birthtime.toISOString(),
        used: stat.mtime.toISOString(),
        uses: 1,
        inUse: free === undefined,
        shared: false,
        mutable: true,
        parents: [],
      });
    }
  }
  return found;
}

/** What a cache holds is measured once after each use: it may be hundreds of thousands of files. */
function sizeOf(folder: string, number: string, { used, isFree }: { used: Date; isFree: boolean }): number {
  const memo = join(folder, `size-${number}.json`);
  const known = readJson<{ used?: string; size?: number }>(memo);
  const of = used.toISOString();
  if (isFree && known?.used === of && known.size !== undefined) return known.size;
  const size = treeSize(join(folder, number, 'data'));
  if (isFree) replace(memo, JSON.stringify({ used: of, size }));
  return size;
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export interface PrunedCache {
  removed: CacheUsage[];
  /** Bytes of the files that are gone now. */
  reclaimed: number;
}

/** Forgets these, but what was used meanwhile. Layers that an image, a container or a build at work needs stay. */
export async function dropCache(store: Store, wanted: readonly CacheUsage[]): Promise<PrunedCache> {
  const records = new Map(listRecords(store).map((record) => [record.id, record]));
  const removed: CacheUsage[] = [];
  const layers: string[] = [];
  for (const usage of wanted) {
    const record = records.get(usage.id);
    if (record !== undefined && record.used !== usage.used) continue;
    if (usage.type === 'regular') layers.push(...layerOf(record));
    else if (!(await dropMount(store, usage.id))) continue;
    removed.push(usage);
  }
  dropRecords(
    store,
    removed.map(({ id }) => id),
  );
  await dropUnusedLayers(store, layers, () => imageUsers(store));
  return { removed, reclaimed: removed.reduce((sum, { size, shared }) => sum + (shared ? 0 : size), 0) };
}

/** False while a build has it. */
async function dropMount(store: Store, id: string): Promise<boolean> {
  const [key = '', number = ''] = id.split('-');
  const place = store.path('build', 'cache-mounts', key, number);
  using held = await tryLock(place).catch(() => undefined);
  if (held === undefined) return false;
  removeTree(place);
  return true;
}

const layerOf = (record: CacheRecord | undefined): string[] => (record === undefined ? [] : [record.diffId]);
