/** system df: what images, containers and volumes take, by Docker's rules (moby, daemon/disk_usage.go). */
import { listContainers } from '#container/names.ts';
import { ownSize } from '#container/size.ts';
import { listSeen, type Seen } from '#container/view.ts';
import { containersByImage } from '#engine/images.ts';
import { readCatalog } from '#image/catalog.ts';
import { type Listed, listed } from '#image/names.ts';
import { chainIds, partsReader } from '#image/waste.ts';
import { layerPath } from '#store/layers.ts';
import { treeSize } from '#store/size.ts';
import type { Store } from '#store/store.ts';
import { listVolumes, type Volume } from '#volume/volume.ts';

/** Bytes everywhere. */
export interface ImageUsage {
  image: Listed;
  /** Of the layers that other images have too. */
  shared: number;
  /** How many containers were made from it. */
  containers: number;
}

export interface ContainerUsage {
  seen: Seen;
  /** Of its own files. */
  size: number;
}

interface VolumeUsage {
  volume: Volume;
  /** How many containers mount it. */
  links: number;
  size: number;
}

export interface Usage {
  /** Newest first. */
  images: ImageUsage[];
  /** Of all layers, each once. */
  layers: number;
  /** Newest first. */
  containers: ContainerUsage[];
  volumes: VolumeUsage[];
}

/** Measures. Each container's own files and each volume are walked through; images are known. */
export function measureUsage(store: Store): Usage {
  return { ...imageUsage(store), containers: containerUsage(store), volumes: volumeUsage(store) };
}

/** A layer is one together with those below it, as for Docker. */
function imageUsage(store: Store): Pick<Usage, 'images' | 'layers'> {
  const stacks = layerStacks(store);
  const sizes = new Map([...stacks.values()].flat());
  const users = new Map<string, number>();
  for (const stack of stacks.values()) for (const [chain] of stack) users.set(chain, (users.get(chain) ?? 0) + 1);
  const used = containersByImage(store);
  const images = listed(store)
    .sort((a, b) => b.created - a.created)
    .map((image) => {
      const shared = (stacks.get(image.id) ?? []).filter(([chain]) => (users.get(chain) ?? 0) > 1);
      return { image, shared: sum(shared.map(([, size]) => size)), containers: used.get(image.id) ?? 0 };
    });
  // What containers have kept of images that are gone lies here as well.
  for (const { image } of listContainers(store)) {
    if (stacks.has(image.id)) continue;
    const chains = chainIds(image.diffIds);
    for (const [at, diffId] of image.diffIds.entries()) {
      const chain = chains[at] ?? diffId;
      if (!sizes.has(chain)) sizes.set(chain, treeSize(layerPath(store, diffId)));
    }
  }
  return { images, layers: sum([...sizes.values()]) };
}

/** By image: its layers' chain IDs with their sizes. */
function layerStacks(store: Store): Map<string, [chain: string, size: number][]> {
  const read = partsReader(store);
  const stacks = new Map<string, [string, number][]>();
  for (const entry of readCatalog(store)) {
    const { diffIds, sizes, blobs } = read(entry);
    const id = entry.id ?? blobs[1];
    if (id === undefined || stacks.has(id)) continue;
    const chains = chainIds(diffIds);
    const sizeOf = (diffId: string) =>
      entry.sizes.length > 0 ? (sizes.get(diffId) ?? 0) : treeSize(layerPath(store, diffId));
    stacks.set(
      id,
      diffIds.map((diffId, at) => [chains[at] ?? diffId, sizeOf(diffId)]),
    );
  }
  return stacks;
}

function containerUsage(store: Store): ContainerUsage[] {
  return listSeen(store, { all: true }).map((seen) => ({ seen, size: ownSize(store, seen.record) }));
}

function volumeUsage(store: Store): VolumeUsage[] {
  const links = new Map<string, number>();
  for (const { mounts } of listContainers(store)) {
    const names = new Set(mounts.flatMap((mount) => (mount.Type === 'volume' ? (mount.Name ?? []) : [])));
    for (const name of names) links.set(name, (links.get(name) ?? 0) + 1);
  }
  return listVolumes(store).map((volume) => ({
    volume,
    links: links.get(volume.Name) ?? 0,
    size: treeSize(volume.Mountpoint),
  }));
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
