/** Images by name and by ID. Finding one costs three small reads; no lock is taken. */
import { WherryError } from '#base/error.ts';
import { changeCatalog, type Entry, oncePerImage, readCatalog, sameImage, withNames } from '#image/catalog.ts';
import { readDocuments } from '#image/documents.ts';
import { labelsOf, recordImageEvent } from '#image/event.ts';
import type { Descriptor, ImageConfig } from '#oci/manifest.ts';
import { matches, parsePlatform } from '#oci/platform.ts';
import { canonical, familiar, nameOnly, parseReference, type Reference, withDefaultTag } from '#oci/reference.ts';
import type { Store } from '#store/store.ts';

export interface Image {
  /** The configuration's digest, sha256:…: Docker's image ID. */
  id: string;
  manifest: Descriptor;
  config: ImageConfig;
  /** Canonical names, with tags and with digests, sorted. */
  references: string[];
  /** Of the unpacked layers, lowest first. */
  diffIds: string[];
  /** The layers as they came, lowest first. */
  layers: Descriptor[];
  /** Of all files in all layers, in bytes. */
  size: number;
  /** Of each layer, lowest first; empty where nobody has noted them. */
  sizes: readonly number[];
}

export interface FindOptions {
  /** os/architecture[/variant]: an image for another platform is not found. */
  platform?: string;
}

/**
 * Finds an image by name, ID or unique beginning of an ID, in this order, as Docker does.
 * Throws kind `invalid` when the text can be no name, kind `corrupt` when the image's blobs are damaged.
 */
export function findImage(store: Store, text: string, { platform }: FindOptions = {}): Image | undefined {
  const entries = readCatalog(store);
  const entry = findEntry(entries, text);
  if (entry === undefined) return undefined;
  const image = openUnlessGone(store, entry, entries);
  if (image === undefined) return undefined;
  if (platform !== undefined && !matches(parsePlatform(platform), image.config)) return undefined;
  return image;
}

/** Whoever removes an image takes it out of the index first: what is damaged and in there no more was just removed. */
function openUnlessGone(store: Store, entry: Entry, entries: readonly Entry[]): Image | undefined {
  try {
    return openImage(store, entry, entries);
  } catch (error) {
    const isThere = () => readCatalog(store).some((other) => sameImage(other, entry));
    if (!(error instanceof WherryError) || error.kind !== 'corrupt' || isThere()) throw error;
    return undefined;
  }
}

/** As findImage(), but throws kind `not-found` in Docker's words. */
export function needImage(store: Store, text: string, options: FindOptions = {}): Image {
  const image = findImage(store, text, options);
  if (image === undefined) throw noSuchImage(text);
  return image;
}

/** A name as users write it, with its tag: `busybox:latest`. Throws kind `invalid`. */
export const familiarName = (text: string): string => familiar(withDefaultTag(parseReference(text)));

/** Docker's sentence for a name or an ID that nothing has. */
export function noSuchImage(text: string): WherryError {
  const shown = FULL_ID.test(text) ? fullId(text) : familiarName(text);
  return new WherryError('not-found', `No such image: ${shown}`);
}

const FULL_ID = /^(?:sha256:)?[0-9a-f]{64}$/;
const fullId = (text: string) => (text.startsWith('sha256:') ? text : `sha256:${text}`);

/** The entry that a text means; the first where an image has several. */
export function findEntry(entries: readonly Entry[], text: string): Entry | undefined {
  if (FULL_ID.test(text)) return entries.find((entry) => entry.id === fullId(text));
  const name = canonical(nameOnly(parseReference(text)));
  return entries.find((entry) => entry.name === name) ?? findByPrefix(entries, text);
}

/** An ambiguous beginning finds nothing: Docker says "No such image" too. */
function findByPrefix(entries: readonly Entry[], text: string): Entry | undefined {
  if (!/^(?:sha256:)?[0-9a-f]+$/.test(text)) return undefined;
  const found = entries.filter((entry) => entry.id?.startsWith(fullId(text)));
  return new Set(found.map((entry) => entry.id)).size === 1 ? found[0] : undefined;
}

function openImage(store: Store, entry: Entry, entries: readonly Entry[]): Image {
  const { manifest, config } = readDocuments(store, entry.manifest.digest);
  const own = entries.filter((other) => sameImage(other, entry));
  return {
    id: manifest.config.digest,
    manifest: entry.manifest,
    config,
    references: own.flatMap((other) => other.name ?? []).sort(),
    diffIds: config.rootfs.diff_ids,
    layers: manifest.layers,
    size: total(entry.sizes),
    sizes: entry.sizes,
  };
}

/** All images, each once, in the order in which they came. What is damaged is left out: only its own use fails. */
export function listImages(store: Store): Image[] {
  const entries = readCatalog(store);
  return oncePerImage(entries).flatMap((entry) => openOrSkip(store, entry, entries));
}

/** An image as the index knows it. */
export interface Listed {
  id: string;
  /** Milliseconds; 0 where nobody knows. */
  created: number;
  /** Canonical names, with tags and with digests, sorted. */
  references: string[];
  /** Of all files in all layers, in bytes. */
  size: number;
  /** All of it; undefined where it is damaged. */
  open(): Image | undefined;
}

/** All images, each once, in the order in which they came. Only what another tool has entered is opened for it. */
export function listed(store: Store): Listed[] {
  const entries = readCatalog(store);
  const images = new Map<string, Entry[]>();
  for (const entry of entries) {
    const known = entry.id === undefined ? entries.find((other) => sameImage(other, entry)) : entry;
    const key = known?.id ?? entry.manifest.digest;
    const own = images.get(key);
    if (own === undefined) images.set(key, [entry]);
    else own.push(entry);
  }
  return [...images.values()].flatMap((own) => summary(store, own) ?? []);
}

function summary(store: Store, own: readonly Entry[]): Listed | undefined {
  const [entry] = own;
  if (entry === undefined) return undefined;
  const open = () => openOrSkip(store, entry, own)[0];
  const { id, created, sizes } = entry;
  if (id === undefined || created === undefined) {
    const image = open();
    if (image === undefined) return undefined;
    return { ...image, created: milliseconds(image.config.created), open: () => image };
  }
  const references = own.flatMap((other) => other.name ?? []).sort();
  return { id, created: milliseconds(created), references, size: total(sizes), open };
}

const milliseconds = (time: string | undefined) => Date.parse(time ?? '') || 0;
const total = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0);

function openOrSkip(store: Store, entry: Entry, entries: readonly Entry[]): Image[] {
  try {
    return [openImage(store, entry, entries)];
  } catch (error) {
    if (error instanceof WherryError && error.kind === 'corrupt') return [];
    throw error;
  }
}

/** Gives an image one more name; the name moves where another image has it. Docker's errors for both texts. */
export async function tagImage(store: Store, source: string, target: string): Promise<void> {
  if (!FULL_ID.test(source)) readName(source);
  const reference = readName(target);
  if (reference.digest !== undefined)
    throw new WherryError('invalid', 'refusing to create a tag with a digest reference');
  let found: Entry | undefined;
  await changeCatalog(store, (entries) => {
    const entry = findEntry(entries, source);
    if (entry === undefined) return undefined;
    found = entry;
    return withNames(entries, entry, [canonical(withDefaultTag(reference))]);
  });
  if (found === undefined) throw noSuchImage(source);
  const { id, manifest } = found;
  const name = familiar(withDefaultTag(reference));
  recordImageEvent(store, 'tag', { id: id ?? manifest.digest, name, labels: labelsOf(store, manifest.digest) });
}

function readName(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    const message = `Error parsing reference: "${text}" is not a valid repository/tag: ${error.message}`;
    throw new WherryError('invalid', message, { cause: error });
  }
}
