/** What no image, no container and no command at work needs any more: found when images go, and by who tidies up. */
import { readdirSync, statSync } from 'node:fs';
import { changeCatalog, type Entry } from '#image/catalog.ts';
import { readable, readDocuments, readManifest } from '#image/documents.ts';
import { digestOf } from '#oci/digest.ts';
import { blobPath, removeBlob } from '#store/blobs.ts';
import { heldParts } from '#store/holds.ts';
import { layerPath, removeLayer } from '#store/layers.ts';
import { treeSize } from '#store/size.ts';
import type { Store } from '#store/store.ts';
import { lock } from '#sys/file.ts';

/** What an image is made of. */
interface ImageParts {
  blobs: readonly string[];
  diffIds: readonly string[];
  /** By diff ID, in bytes; empty where nobody noted them. */
  sizes: ReadonlyMap<string, number>;
  /** A document is gone or unreadable, so that there is more to it than this. */
  damaged: boolean;
}

export type PartsReader = (entry: Entry) => ImageParts;

/** Reads each manifest and configuration once. */
export function partsReader(store: Store): PartsReader {
  const known = new Map<string, ImageParts>();
  return (entry) => {
    const parts = known.get(entry.manifest.digest) ?? partsOf(store, entry);
    known.set(entry.manifest.digest, parts);
    return parts;
  };
}

/** A damaged image has fewer parts that can be found; what is left of them is for `system check`. */
function partsOf(store: Store, { manifest: { digest }, sizes }: Entry): ImageParts {
  const manifest = readable(() => readManifest(store, digest));
  const config = readable(() => readDocuments(store, digest).config);
  const diffIds = config?.rootfs.diff_ids ?? [];
  return {
    blobs:
      manifest === undefined ? [digest] : [digest, ...[manifest.config, ...manifest.layers].map((one) => one.digest)],
    diffIds,
    sizes: new Map(diffIds.map((diffId, at) => [diffId, sizes[at] ?? 0])),
    damaged: config === undefined,
  };
}

export interface Waste {
  /** Diff IDs. */
  layers: string[];
  /** Digests. */
  blobs: string[];
  /** As Docker names layers that go, highest first. */
  chainIds: string[];
  /** Bytes of the files in the layers of these chains. */
  size: number;
}

interface User {
  diffIds: readonly string[];
  /** It may need any layer. */
  isUnknown?: boolean;
}

const isSure = (users: readonly User[]) => !users.some((user) => user.isUnknown);

interface Needed {
  /** The entries that stay. */
  kept: readonly Entry[];
  /** Containers. */
  users: readonly User[];
  /** What commands at work count on. */
  held: { blobs: ReadonlySet<string>; diffIds: ReadonlySet<string> };
}

/** What only the lost entries needed: containers keep their layers, other images their layers and blobs. */
export function findWaste(read: PartsReader, lost: readonly Entry[], { kept, users, held }: Needed): Waste {
  const own = lost.map(read);
  const others = kept.map(read);
  const layered = [...others, ...users];
  const chains = new Map(own.flatMap((one) => chainSizes(one)));
  const usedChains = new Set(layered.flatMap((one) => chainIds(one.diffIds)));
  const free = isSure(users) ? [...chains].filter(([chainId]) => !usedChains.has(chainId)) : [];
  return {
    blobs: without(
      own.flatMap((one) => one.blobs),
      [...others.flatMap((one) => one.blobs), ...held.blobs],
    ),
    layers: isSure(users)
      ? without(
          own.flatMap((one) => one.diffIds),
          [...layered.flatMap((one) => one.diffIds), ...held.diffIds],
        )
      : [],
    chainIds: free.map(([chainId]) => chainId).reverse(),
    size: free.reduce((sum, [, size]) => sum + size, 0),
  };
}

function without(all: readonly string[], taken: readonly string[]): string[] {
  const needed = new Set(taken);
  return [...new Set(all)].filter((one) => !needed.has(one));
}

function chainSizes({ diffIds, sizes }: ImageParts): [string, number][] {
  const ids = chainIds(diffIds);
  return diffIds.map((diffId, at) => [ids[at] ?? diffId, sizes.get(diffId) ?? 0]);
}

/** image-spec, config.md: a layer together with all below it has the hash of their hashes. */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}

/** Deletes. Only alone in the catalogue and with `layers` locked alone, under which the waste was found. */
export async function discard(store: Store, { blobs, layers }: Pick<Waste, 'blobs' | 'layers'>): Promise<void> {
  for (const digest of blobs) removeBlob(store, digest);
  for (const diffId of layers) await removeLayer(store, diffId);
}

/** Removes those of these layers that nothing needs. usedBy: asked when nobody can make a container any more. */
export async function dropUnusedLayers(
  store: Store,
  diffIds: readonly string[],
  usedBy: () => Needed['users'],
): Promise<void> {
  using _noNewContainers = await lock(store.path('layers'));
  await changeCatalog(store, async (entries) => {
    const parts = entries.map(partsReader(store));
    // Who knows what a damaged image needs.
    const users = usedBy();
    if (parts.some((one) => one.damaged) || !isSure(users)) return undefined;
    const used = [...parts, ...users].flatMap((one) => one.diffIds);
    const layers = without(diffIds, [...used, ...(await heldParts(store)).diffIds]);
    await discard(store, { blobs: [], layers });
    return undefined;
  });
}

const HEX = /^[0-9a-f]{64}$/;

/** What lies in the store and is needed by none of these. Nothing while one is damaged: who knows what it needs. */
export function findOrphans(
  store: Store,
  read: PartsReader,
  { kept, users, held }: Needed,
): Pick<Waste, 'blobs' | 'layers'> {
  const digests = (...path: string[]) =>
    readdirSync(store.path(...path))
      .filter((name) => HEX.test(name))
      .map((name) => `sha256:${name}`);
  const parts = kept.map(read);
  if (parts.some((one) => one.damaged)) return { blobs: [], layers: [] };
  return {
    blobs: without(digests('blobs', 'sha256'), [...parts.flatMap((one) => one.blobs), ...held.blobs]),
    layers: isSure(users)
      ? without(digests('layers'), [...[...parts, ...users].flatMap((one) => one.diffIds), ...held.diffIds])
      : [],
  };
}

/** The bytes of blobs, and of the files in layers. */
export function sizeOf(store: Store, { blobs, layers }: Pick<Waste, 'blobs' | 'layers'>): number {
  const ofBlobs = blobs.map((digest) => statSync(blobPath(store, digest), { throwIfNoEntry: false })?.size ?? 0);
  return [...ofBlobs, ...layers.map((diffId) => treeSize(layerPath(store, diffId)))].reduce((sum, one) => sum + one, 0);
}
