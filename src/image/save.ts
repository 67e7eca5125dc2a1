/**
 * save: images as one archive, which is an OCI layout (index.json, blobs/) and docker save's own format (manifest.json,
 * repositories) at once, as Docker's is. Layers and documents are the blobs that the store has, byte for byte: what was
 * pulled has the same digests wherever the archive is loaded. The same images give the same archive.
 */
import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { asDaemon } from '#base/filter.ts';
import { given } from '#base/given.ts';
import { handOver } from '#base/hand-over.ts';
import { type Entry, holdImage, readCatalog, sameImage } from '#image/catalog.ts';
import { readDocuments } from '#image/documents.ts';
import { recordImageEvent } from '#image/event.ts';
import { findEntry, noSuchImage } from '#image/names.ts';
import { readPieces } from '#image/parts.ts';
import { makeWhole } from '#image/whole.ts';
import { type Descriptor, type ImageConfig, type Manifest, MEDIA, type Platform } from '#oci/manifest.ts';
import { formatPlatform, matches, parsePlatformFlag } from '#oci/platform.ts';
import type { Document } from '#oci/push.ts';
import {
  canonical,
  familiar,
  familiarName,
  nameOnly,
  parseReference,
  type Reference,
  repositoryOf,
} from '#oci/reference.ts';
import { blobPath, hasBlob } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';
import { END_OF_ARCHIVE, padding, tarHeader } from '#store/tar-write.ts';

export interface SaveOptions {
  /** os[/architecture[/variant]]: images for another one are refused. */
  platform?: string;
  abort?: AbortSignal;
}

/** Saves into a file, which appears when it is whole. Throws kind `invalid` where none can be written. */
export async function saveToFile(store: Store, names: readonly string[], path: string, options: SaveOptions = {}) {
  const { openOutputFile } = await import('#sys/output-file.ts');
  using file = asDocker(() => openOutputFile(path));
  await saveImages(store, names, (piece) => file.write(piece), options);
  file.commit();
}

function asDocker<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof WherryError) || error.kind !== 'invalid') throw error;
    throw new WherryError('invalid', `failed to save image: ${error.message}`, { cause: error });
  }
}

/**
 * Hands the archive over in pieces, each of which is there until `take` returns. A name without a tag means all tags of
 * its repository; an ID saves an image without names.
 * Throws kind `not-found` for what is no image, `corrupt` where a part of one is gone; then nothing was handed over.
 */
export async function saveImages(
  store: Store,
  names: readonly string[],
  take: (piece: Buffer) => void,
  { platform, abort }: SaveOptions = {},
): Promise<void> {
  const wanted = platform === undefined ? undefined : parsePlatformFlag(platform);
  for (const { entry } of asDaemon(() => selectImages(store, names)))
    await makeWhole(store, entry.manifest.digest, abort);
  const images = asDaemon(() => selectImages(store, names));
  using _held = await holdImage(store, { blobs: [...new Set(images.flatMap(digestsOf))], diffIds: [] });
  if (wanted !== undefined) for (const { config } of images) needPlatform(config, wanted);
  await handOver(archiveOf(membersOf(store, images, { docker: true })), take, abort);
  for (const { manifest, config } of images) {
    recordImageEvent(store, 'save', { id: manifest.config.digest, labels: config.config?.Labels });
  }
}

/** An image under names that it need not have in the store. */
export interface Named {
  id: string;
  names: readonly string[];
}

export interface ArchiveOptions {
  /** With the documents of docker save beside those of the layout. */
  docker: boolean;
  abort?: AbortSignal | undefined;
  /** Of a layout: what stands there under the names, and what it names, manifests of the images too. */
  index?: { top: Document; others: readonly Document[] };
  /** Of the descriptors in index.json. */
  annotations?: Record<string, string>;
  platform?: Platform;
}

/** As saveImages(), for what was built just now; canonical names are theirs in the archive alone. */
export async function saveUnder(
  store: Store,
  images: readonly Named[],
  take: (piece: Buffer) => void,
  options: ArchiveOptions,
): Promise<void> {
  const chosen = await chooseUnder(store, images, options.abort);
  using _held = await holdImage(store, { blobs: [...new Set(chosen.flatMap(digestsOf))], diffIds: [] });
  await handOver(archiveOf(membersOf(store, chosen, options)), take, options.abort);
}

/** The same as files of a directory, which is made where it is not there. */
export async function layOut(
  store: Store,
  images: readonly Named[],
  path: string,
  options: ArchiveOptions,
): Promise<void> {
  const chosen = await chooseUnder(store, images, options.abort);
  using _held = await holdImage(store, { blobs: [...new Set(chosen.flatMap(digestsOf))], diffIds: [] });
  mkdirSync(`${path}/blobs/sha256`, { recursive: true });
  for (const { name, bytes, blob } of membersOf(store, chosen, options)) {
    options.abort?.throwIfAborted();
    if (bytes !== undefined) writeFileSync(`${path}/${name}`, bytes);
    else if (blob !== undefined) copyFileSync(blob.path, `${path}/${name}`);
  }
}

async function chooseUnder(store: Store, images: readonly Named[], abort?: AbortSignal): Promise<Chosen[]> {
  const chosen: Chosen[] = [];
  for (const { id, names } of images) {
    await makeWhole(store, found(readCatalog(store), id).manifest.digest, abort);
    const entry = found(readCatalog(store), id);
    chosen.push({ entry, ...readDocuments(store, entry.manifest.digest), tags: names.map(parseReference) });
  }
  return chosen;
}

interface Chosen {
  entry: Entry;
  manifest: Manifest;
  config: ImageConfig;
  /** With tags, each once, in the order in which they were asked for. */
  tags: Reference[];
}

/** Each image once, in the order in which they were first named. */
function selectImages(store: Store, names: readonly string[]): Chosen[] {
  const entries = readCatalog(store);
  const chosen: Chosen[] = [];
  for (const { entry, tag } of names.flatMap((name) => select(entries, name))) {
    let image = chosen.find((other) => sameImage(other.entry, entry));
    if (image === undefined) {
      image = { entry, ...readDocuments(store, entry.manifest.digest), tags: [] };
      chosen.push(image);
    }
    if (tag !== undefined && !image.tags.some((other) => canonical(other) === canonical(tag))) image.tags.push(tag);
  }
  return chosen;
}

type Selected = { entry: Entry; tag?: Reference };

const ID = /^(?:sha256:[0-9a-f]+|[0-9a-f]{64})$/;

/** What one argument means (moby's image/tarexport/save.go, parseNames). */
function select(entries: readonly Entry[], text: string): Selected[] {
  if (ID.test(text)) return [{ entry: found(entries, text) }];
  const reference = parseReference(text);
  if (reference.tag !== undefined || reference.digest !== undefined) {
    const name = canonical(nameOnly(reference));
    const entry = entries.find((one) => one.name === name);
    if (entry === undefined) throw new WherryError('not-found', 'reference does not exist');
    return [selected(entry)];
  }
  const own = entries.filter(({ name }) => name !== undefined && isOf(parseReference(name), reference));
  if (own.length === 0) return [{ entry: found(entries, text) }];
  return own.sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1)).map(selected);
}

const isOf = (name: Reference, repository: Reference) => repositoryOf(name) === repositoryOf(repository);

function found(entries: readonly Entry[], text: string): Entry {
  const entry = findEntry(entries, text);
  if (entry !== undefined) return entry;
  throw ID.test(text) ? noSuchImage(text) : new WherryError('not-found', `No such image: ${text}`);
}

function selected(entry: Entry): Selected {
  const name = entry.name === undefined ? undefined : parseReference(entry.name);
  return name?.tag === undefined ? { entry } : { entry, tag: name };
}

function needPlatform(config: ImageConfig, wanted: Platform): void {
  if (matches(wanted, config)) return;
  const text = `no suitable export target found for platform ${formatPlatform(wanted)}`;
  throw new WherryError('not-found', text);
}

const digestsOf = ({ entry, manifest }: Chosen) => partsOf({ entry, manifest }).map(({ digest }) => digest);

function partsOf({ entry, manifest }: Pick<Chosen, 'entry' | 'manifest'>): Descriptor[] {
  return [entry.manifest, manifest.config, ...manifest.layers];
}

/** A file of the archive: a document that is made here, or a blob. */
interface Member {
  name: string;
  bytes?: Buffer;
  blob?: { path: string; size: number };
}

const fileOf = (digest: string) => `blobs/${digest.replace(':', '/')}`;

/** All files by name, as Docker has them, and all of 1970, so that the same images give the same archive. */
function membersOf(
  store: Store,
  images: readonly Chosen[],
  { docker, index, annotations, platform }: Omit<ArchiveOptions, 'abort'>,
): Member[] {
  const isOwn = ({ digest }: Descriptor) =>
    index === undefined || images.every(({ entry }) => entry.manifest.digest !== digest);
  const blobs = new Map(images.flatMap((image) => partsOf(image).filter(isOwn)).map((part) => [part.digest, part]));
  const made = new Map(index === undefined ? [] : [index.top, ...index.others].map((one) => [one.digest, one]));
  const files: Member[] = [
    ...[...blobs.values()].map((part) => ({ name: fileOf(part.digest), blob: blobOf(store, part) })),
    ...[...made.values()].map(({ digest, bytes }) => ({ name: fileOf(digest), bytes })),
  ];
  const repositories = repositoriesOf(images);
  const documents: [name: string, json: string][] = [
    ['index.json', JSON.stringify(indexOf(listed(images, index?.top), given({ annotations, platform })))],
    ...(docker ? [['manifest.json', JSON.stringify(images.map(dockerEntry))] as [string, string]] : []),
    ['oci-layout', '{"imageLayoutVersion": "1.0.0"}'],
    ...(repositories === undefined || !docker
      ? []
      : [['repositories', `${JSON.stringify(repositories)}\n`] as [string, string]]),
  ];
  return [
    ...files.sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...documents.map(([name, json]) => ({ name, bytes: Buffer.from(json) })),
  ];
}

/** Checked before the first byte goes out, so that no archive is half of one. */
function blobOf(store: Store, { digest, size }: Descriptor): { path: string; size: number } {
  const path = blobPath(store, digest);
  const is = hasBlob(store, digest) ? statSync(path).size : undefined;
  if (is === size) return { path, size };
  const why = is === undefined ? 'it is not in the store' : `it has ${is} bytes, not ${size}`;
  throw new WherryError('corrupt', `Cannot read the blob ${digest}: ${why}`, { hint: 'Pull the image again' });
}

type Listed = { manifest: Descriptor; tags: readonly Reference[] };

/** What index.json names. */
function listed(images: readonly Chosen[], top: Document | undefined): Listed[] {
  if (top === undefined) return images.map(({ entry: { manifest }, tags }) => ({ manifest, tags }));
  const { mediaType, digest, bytes } = top;
  return [{ manifest: { mediaType, digest, size: bytes.length }, tags: images[0]?.tags ?? [] }];
}

/** An entry for each tag, with containerd's annotation of the whole name beside the specification's tag. */
function indexOf(
  images: readonly Listed[],
  { annotations: own, platform }: Pick<ArchiveOptions, 'annotations' | 'platform'>,
): object {
  const where = platform === undefined ? {} : { platform };
  const manifests = images.flatMap(({ manifest, tags }): Descriptor[] => {
    const { digest, size } = manifest;
    const plain = { mediaType: manifest.mediaType || MEDIA.manifest, digest, size };
    if (tags.length === 0) return [{ ...plain, ...(own === undefined ? {} : { annotations: own }), ...where }];
    return tags.map((tag) => ({
      ...plain,
      annotations: {
        ...own,
        'io.containerd.image.name': canonical(tag),
        'org.opencontainers.image.ref.name': tag.tag ?? '',
      },
      ...where,
    }));
  });
  return { schemaVersion: 2, mediaType: MEDIA.index, manifests };
}

/** An image in manifest.json. */
function dockerEntry({ manifest: { config, layers }, config: { rootfs }, tags }: Chosen): object {
  const sources = layers.map(({ mediaType, size, digest }, at): [string, object] => [
    rootfs.diff_ids[at] ?? digest,
    { mediaType, size, digest },
  ]);
  return {
    Config: fileOf(config.digest),
    RepoTags: tags.length === 0 ? null : tags.map(familiar),
    Layers: layers.map((layer) => fileOf(layer.digest)),
    LayerSources: Object.fromEntries(sources.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** The file of before manifest.json: repository, tag, the highest layer. Undefined where nothing has a tag. */
function repositoriesOf(images: readonly Chosen[]): object | undefined {
  const tags = images.flatMap(({ manifest, tags }) => {
    const top = manifest.layers.at(-1)?.digest.split(':')[1];
    return top === undefined ? [] : tags.map((tag) => ({ repository: familiarName(tag), tag: tag.tag ?? '', top }));
  });
  if (tags.length === 0) return undefined;
  tags.sort((a, b) => (`${a.repository}:${a.tag}` < `${b.repository}:${b.tag}` ? -1 : 1));
  const byRepository: Record<string, Record<string, string>> = {};
  for (const { repository, tag, top } of tags) {
    byRepository[repository] ??= {};
    byRepository[repository][tag] = top;
  }
  return byRepository;
}

function* archiveOf(members: readonly Member[]): Generator<Buffer, void, void> {
  yield tarHeader({ kind: 'directory', name: 'blobs/' });
  yield tarHeader({ kind: 'directory', name: 'blobs/sha256/' });
  for (const { name, bytes, blob } of members) {
    const size = bytes?.length ?? blob?.size ?? 0;
    yield tarHeader({ kind: 'file', name, size });
    if (bytes !== undefined) yield bytes;
    if (blob !== undefined) yield* readPieces({ ...blob, at: 0 });
    yield padding(size);
  }
  yield END_OF_ARCHIVE;
}
