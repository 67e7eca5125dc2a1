/**
 * save: images as one archive, which is an OCI layout (index.json, blobs/) and docker save's own format (manifest.json,
 * repositories) at once, as Docker's is. Layers and documents are the blobs that the store has, byte for byte: what was
 * pulled has the same digests wherever the archive is loaded. The same images give the same archive.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { asDaemon } from '#base/filter.ts';
import { handOver } from '#base/hand-over.ts';
import { formatPlatform } from '#base/platform.ts';
import { type ArchiveOptions, archiveOf, type Chosen, membersOf, partsOf } from '#image/archive-write.ts';
import { type Entry, holdImage, readCatalog, sameImage } from '#image/catalog.ts';
import { readDocuments } from '#image/documents.ts';
import { recordImageEvent } from '#image/event.ts';
import { findEntry, noSuchImage } from '#image/names.ts';
import { makeWhole } from '#image/whole.ts';
import type { ImageConfig, Platform } from '#oci/manifest.ts';
import { matches, parsePlatformFlag } from '#oci/platform.ts';
import { canonical, nameOnly, parseReference, type Reference, repositoryOf } from '#oci/reference.ts';
import type { Store } from '#store/store.ts';

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
