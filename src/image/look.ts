/** What there is of images in the store, for check.ts to judge: read as it is, whatever state it is in. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { type Damage, few } from '#base/damage.ts';
import { WherryError } from '#base/error.ts';
import { type Entry, fromDescriptor, sameImage } from '#image/catalog.ts';
import { isDescriptor, readable, readDocuments, readManifest } from '#image/documents.ts';
import type { ImageUser } from '#image/remove.ts';
import type { ImageConfig, Manifest } from '#oci/manifest.ts';
import { canonical, parseReference } from '#oci/reference.ts';
import { blobIsSound, layerDifferences } from '#store/compare.ts';
import type { Store } from '#store/store.ts';
import { readText } from '#sys/file.ts';

/** A container, as far as its layers are concerned. */
export interface LayerUser extends ImageUser {
  name: string;
  /** Its image, as the user wrote it. */
  reference: string;
}

export interface ImageFacts {
  entries: readonly Entry[];
  /** Digest -> bytes, of all that is there. */
  blobs: ReadonlyMap<string, number>;
  /** Digests whose content is another. */
  altered: ReadonlySet<string>;
  /** By the manifest's digest; those that can be read. */
  manifests: ReadonlyMap<string, Manifest>;
  configs: ReadonlyMap<string, ImageConfig>;
  /** Diff IDs of all that is there. */
  layers: ReadonlySet<string>;
  /** Diff ID -> what is not as its blob has it. */
  changed: ReadonlyMap<string, readonly string[]>;
  users: readonly LayerUser[];
}

const HEX = /^[0-9a-f]{64}$/;

/** quick: contents are not read. isSound: is a layer that has no blob what it is named by? */
export interface LookOptions {
  quick: boolean;
  isSound: (diffId: string) => Promise<boolean>;
  abort?: AbortSignal;
}

export async function lookAtImages(
  store: Store,
  entries: readonly Entry[],
  { users, quick, isSound, abort }: LookOptions & { users: readonly LayerUser[] },
): Promise<ImageFacts> {
  const blobs = blobSizes(store);
  const layers = new Set(namesIn(store, 'layers').map((name) => `sha256:${name}`));
  const manifests = new Map<string, Manifest>();
  const configs = new Map<string, ImageConfig>();
  for (const { manifest } of entries) addDocuments(store, manifest.digest, manifests, configs);
  const facts = { entries, blobs, layers, manifests, configs, users };
  const altered = new Set<string>();
  const changed = new Map<string, string[]>();
  if (quick) return { ...facts, altered, changed };
  for (const digest of neededBlobs(facts)) {
    abort?.throwIfAborted();
    if (blobs.has(digest) && (await blobIsSound(store, digest, abort)) === false) altered.add(digest);
  }
  for (const [diffId, digest] of sources(facts, altered)) {
    abort?.throwIfAborted();
    if (!layers.has(diffId)) continue;
    const found = await layerDifferences(store, { blob: digest, diffId }, abort);
    if (found.length > 0) changed.set(diffId, found);
  }
  for (const diffId of unmade(facts)) {
    abort?.throwIfAborted();
    if (!(await isSound(diffId))) changed.set(diffId, ['content']);
  }
  return { ...facts, altered, changed };
}

const namesIn = (store: Store, ...folder: string[]) =>
  readdirSync(store.path(...folder)).filter((name) => HEX.test(name));

function blobSizes(store: Store): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const name of namesIn(store, 'blobs', 'sha256')) {
    const stat = statSync(store.path('blobs', 'sha256', name), { throwIfNoEntry: false });
    if (stat?.isFile()) sizes.set(`sha256:${name}`, stat.size);
  }
  return sizes;
}

/** A manifest and its configuration, where they can be read and fit together. */
function addDocuments(
  store: Store,
  digest: string,
  manifests: Map<string, Manifest>,
  configs: Map<string, ImageConfig>,
): void {
  const manifest = readable(() => readManifest(store, digest));
  if (manifest === undefined) return;
  manifests.set(digest, manifest);
  const config = readable(() => readDocuments(store, digest).config);
  if (config !== undefined) configs.set(digest, config);
}

function neededBlobs({ entries, manifests }: Pick<ImageFacts, 'entries' | 'manifests'>): Set<string> {
  const needed = new Set(entries.map(({ manifest }) => manifest.digest));
  for (const { config, layers } of manifests.values()) {
    for (const { digest } of [config, ...layers]) needed.add(digest);
  }
  return needed;
}

/** Diff ID -> a blob that it can be compared with. */
function sources(
  { manifests, configs, blobs }: Pick<ImageFacts, 'manifests' | 'configs' | 'blobs'>,
  altered: ReadonlySet<string>,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const [digest, { layers }] of manifests) {
    const diffIds = configs.get(digest)?.rootfs.diff_ids ?? [];
    for (const [at, { digest: blob }] of layers.entries()) {
      const diffId = diffIds[at];
      if (diffId !== undefined && blobs.has(blob) && !altered.has(blob)) found.set(diffId, blob);
    }
  }
  return found;
}

/** Layers that were built here and that nobody has compressed yet (whole.ts). */
function unmade({ manifests, blobs, layers }: Pick<ImageFacts, 'manifests' | 'blobs' | 'layers'>): Set<string> {
  const named = [...manifests.values()].flatMap((manifest) => manifest.layers.map(({ digest }) => digest));
  return new Set(named.filter((digest) => !blobs.has(digest) && layers.has(digest)));
}

/** The catalogue, as far as it can be believed. */
export interface CatalogFacts {
  /** What is good of it, or what could be saved of a file that is no index. */
  entries: Entry[];
  damages: Damage<CatalogRemedy>[];
}

export interface CatalogRemedy {
  kind: 'rewrite';
  entries: Entry[];
  /** The file as it is goes to lost/. */
  keep: boolean;
}

/** Reads index.json, whatever is in it; where it is no index, images are found by their manifests, too. */
export function lookAtCatalog(store: Store): CatalogFacts {
  const path = store.path('index.json');
  const text = readText(path);
  const list = text === undefined ? undefined : descriptorsOf(text);
  if (list === undefined) return rebuilt(store, path, text);
  const good = list.filter(isDescriptor).map(fromDescriptor).filter(hasGoodName);
  if (good.length === list.length) return { entries: good, damages: [] };
  const what = `${list.length - good.length} of ${list.length} entries name no image`;
  const remedy: CatalogRemedy = { kind: 'rewrite', entries: good, keep: false };
  return { entries: good, damages: [{ path, what, advice: 'remove these entries', remedy }] };
}

function descriptorsOf(text: string): unknown[] | undefined {
  const index = readable(() => parse(text)) as { manifests?: unknown } | undefined;
  return Array.isArray(index?.manifests) ? index.manifests : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WherryError('corrupt', 'not JSON', { cause });
  }
}

function hasGoodName({ name }: Entry): boolean {
  return name === undefined || readable(() => canonical(parseReference(name))) !== undefined;
}

function rebuilt(store: Store, path: string, text: string | undefined): CatalogFacts {
  const saved = text === undefined ? [] : salvage(text);
  const images = manifestsIn(store).filter((found) => !saved.some((entry) => sameImage(entry, found)));
  const entries = [...saved, ...images];
  // A new store has none.
  if (text === undefined && entries.length === 0) return { entries, damages: [] };
  const names = few(saved.flatMap(({ name }) => name ?? []));
  const result = `${images.length} nameless ${images.length === 1 ? 'image' : 'images'}`;
  const advice = `write it anew: ${saved.length} entries of it${names === '' ? '' : ` (${names})`}, and ${result}`;
  const what = text === undefined ? 'the index of images is missing' : 'the index of images is malformed';
  return {
    entries,
    damages: [{ path, what, advice, remedy: { kind: 'rewrite', entries, keep: text !== undefined } }],
  };
}

/** The entries in the remains of an index: ours have no braces but those of their annotations. */
function salvage(text: string): Entry[] {
  return [...text.matchAll(/\{"mediaType":[^{}]*"annotations":\{[^{}]*\}\}/g)]
    .map(([entry]) => readable(() => parse(entry)))
    .filter(isDescriptor)
    .map(fromDescriptor)
    .filter(hasGoodName);
}

/** No manifest is larger (oci/manifest.ts). */
const MAX_MANIFEST = 4 * 1024 * 1024;

/** Each whole image among the blobs. */
function manifestsIn(store: Store): Entry[] {
  const blobs = blobSizes(store);
  const manifests = new Map<string, Manifest>();
  const configs = new Map<string, ImageConfig>();
  for (const [digest, size] of blobs) {
    if (size <= MAX_MANIFEST && startsAsObject(store, digest)) addDocuments(store, digest, manifests, configs);
  }
  return [...configs.keys()].flatMap((digest) => {
    const manifest = manifests.get(digest);
    if (manifest === undefined) return [];
    const mediaType = manifest.mediaType ?? 'application/vnd.oci.image.manifest.v1+json';
    const descriptor = { mediaType, digest, size: blobs.get(digest) ?? 0 };
    return [{ manifest: descriptor, id: manifest.config.digest, name: undefined, sizes: [] }];
  });
}

function startsAsObject(store: Store, digest: string): boolean {
  const bytes = readable(() => readFileSync(store.path('blobs', 'sha256', digest.slice('sha256:'.length))));
  return bytes?.[0] === 0x7b;
}
