/**
 * index.json: which images there are, and their names. Readers take no lock, for the file is replaced whole; writers
 * take turns. An image without a name (dangling) has an entry without a name.
 */
import type { Descriptor } from '#oci/manifest.ts';
import { holdParts, type Parts } from '#store/holds.ts';
import type { Store } from '#store/store.ts';
import { type Lock, lock, readJson, replace } from '#sys/file.ts';

/** The name's annotation (image-spec, annotations.md). */
const NAME = 'org.opencontainers.image.ref.name';
/** Ours: what lists and searches need without opening the manifest. */
const CONFIG = 'io.wherry.image.id';
const SIZES = 'io.wherry.layer.sizes';
const LOST = 'io.wherry.lost.blobs';
const TRANSIENT = 'io.wherry.transient';
const CREATED = 'org.opencontainers.image.created';

/** One name of one image. */
export interface Entry {
  /** The manifest of one platform. */
  manifest: Descriptor;
  /** The configuration's digest: Docker's image ID. Undefined for entries that another tool wrote. */
  id: string | undefined;
  /** Canonical; with a tag or with a digest. Undefined: the image is dangling. */
  name: string | undefined;
  /** Bytes of the unpacked layers, lowest first. */
  sizes: number[];
  /** As the configuration has it, RFC 3339, so that a list need not read it. */
  created?: string | undefined;
  /** Digests of layers' blobs that a repair gave up: the image runs, but can't be pushed or saved until it is pulled again. */
  lost?: string[];
  /** Without a name it is there for as long as a command holds it (image/transient.ts). With one it is as any other. */
  transient?: boolean;
}

interface IndexFile {
  schemaVersion: 2;
  mediaType: string;
  manifests: Descriptor[];
}

/** All entries, in the order in which they came. Throws kind `corrupt` when the file is no index. */
export function readCatalog(store: Store): Entry[] {
  const index = readJson<IndexFile>(store.path('index.json'));
  return (index?.manifests ?? []).map(fromDescriptor);
}

export function fromDescriptor({ annotations = {}, ...manifest }: Descriptor): Entry {
  const sizes = annotations[SIZES];
  const lost = annotations[LOST];
  const created = annotations[CREATED];
  return {
    manifest,
    id: annotations[CONFIG],
    name: annotations[NAME],
    sizes: sizes ? sizes.split(',').map(Number) : [],
    ...(created === undefined ? {} : { created }),
    ...(lost ? { lost: lost.split(',') } : {}),
    ...(annotations[TRANSIENT] === undefined ? {} : { transient: true }),
  };
}

function toDescriptor({ manifest, id, name, sizes, created, lost = [], transient }: Entry): Descriptor {
  const annotations = {
    ...(name === undefined ? {} : { [NAME]: name }),
    ...(id === undefined ? {} : { [CONFIG]: id }),
    ...(sizes.length === 0 ? {} : { [SIZES]: sizes.join(',') }),
    ...(created === undefined ? {} : { [CREATED]: created }),
    ...(lost.length === 0 ? {} : { [LOST]: lost.join(',') }),
    ...(transient && name === undefined ? { [TRANSIENT]: 'true' } : {}),
  };
  return { ...manifest, annotations };
}

type Change = (entries: Entry[]) => Entry[] | undefined | Promise<Entry[] | undefined>;

/**
 * Changes the catalogue, alone. What `change` does before it returns (checking that what a new entry needs is there) is
 * alone too; it is on the disk when this returns.
 * @param change gets the entries and gives the new ones, or undefined to leave them
 * @param after what comes when new entries are on the disk, still alone: deleting what none of them needs any more
 */
export async function changeCatalog(store: Store, change: Change, after?: () => Promise<void>): Promise<void> {
  using _alone = await aloneInCatalog(store);
  const entries = await change(readCatalog(store));
  if (entries === undefined) return;
  writeCatalog(store, entries);
  await after?.();
}

/** The lock of all who change the catalogue, and of who asks what nobody needs. */
export function aloneInCatalog(store: Store): Promise<Lock> {
  // The layout file is never replaced, so its inode can be what everybody locks.
  return lock(store.path('oci-layout'));
}

/** Replaces the file. Only alone. */
export function writeCatalog(store: Store, entries: readonly Entry[]): void {
  const index: IndexFile = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: entries.map(toDescriptor),
  };
  replace(store.path('index.json'), JSON.stringify(index), { durable: true });
}

/** Holds what an image is about to need, so that no command takes it away until it is disposed of. */
export async function holdImage(store: Store, parts: Parts): Promise<Disposable> {
  using _alone = await aloneInCatalog(store);
  return holdParts(store, parts);
}

/**
 * Gives names to an image. Names that another image had move; an image that loses its last tag stays, dangling.
 * No names: the image gets a nameless entry where it has none at all.
 */
export function withNames(entries: readonly Entry[], image: Omit<Entry, 'name'>, names: readonly string[]): Entry[] {
  const taken = new Set(names);
  const kept = entries.filter((entry) => entry.name === undefined || !taken.has(entry.name));
  const lost = entries.filter((entry) => entry.name !== undefined && taken.has(entry.name) && !sameImage(entry, image));
  const dangling = lost
    .filter((entry) => !kept.some((other) => sameImage(other, entry)))
    .map((entry) => ({ ...entry, name: undefined }));
  const own = kept.filter((entry) => !(sameImage(entry, image) && entry.name === undefined));
  const isNamed = names.length > 0 || own.some((entry) => sameImage(entry, image));
  const added: Entry[] = isNamed ? names.map((name) => ({ ...image, name })) : [{ ...image, name: undefined }];
  return [...own, ...oncePerImage(dangling), ...added];
}

/** The first entry of each image. */
export function oncePerImage(entries: readonly Entry[]): Entry[] {
  return entries.filter((entry, at) => entries.findIndex((other) => sameImage(other, entry)) === at);
}

/** Entries of one image: the same configuration, whatever compression its layers came in. */
export function sameImage(a: Pick<Entry, 'id' | 'manifest'>, b: Pick<Entry, 'id' | 'manifest'>): boolean {
  return a.id === undefined || b.id === undefined ? a.manifest.digest === b.manifest.digest : a.id === b.id;
}
