/**
 * What is in an image archive: OCI layouts (oci-layout, index.json), docker save's own format (manifest.json), and what
 * it wrote before that.
 */
import { WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import { damaged, type Found, imageOf } from '#image/archive-image.ts';
import { readLegacyArchive } from '#image/archive-legacy.ts';
import type { Archive } from '#image/parts.ts';
import { type Descriptor, MEDIA, type Platform, parseConfig, parseDocument } from '#oci/manifest.ts';
import { choose, matches } from '#oci/platform.ts';
import { canonical, nameOnly, parseReference } from '#oci/reference.ts';
import { brief } from '#oci/shape.ts';

/**
 * Finds the images of an archive; of several platforms the wanted one. Names, digests and sizes of documents are
 * checked. Throws kind `invalid` when it is no image archive, `corrupt` when its parts don't fit together.
 */
export function readImages(archive: Archive, platform: Platform, { exact = false } = {}): Found[] {
  if (archive.part('index.json') !== undefined) return readLayout(archive, platform, exact);
  if (archive.part('manifest.json') !== undefined) return readDockerArchive(archive, platform, exact);
  if (archive.part('repositories') !== undefined) {
    const found = readLegacyArchive(archive);
    return exact ? onlyFor(archive, platform, found) : found;
  }
  throw new WherryError('invalid', `Cannot load "${archive.name}": it is not an image archive`, {
    hint: 'An image archive has an index.json or a manifest.json, as docker save and skopeo write them',
  });
}

/** A blob of an OCI layout that is a document; its digest and size are verified. */
function document(archive: Archive, { digest, size }: Descriptor): Buffer {
  const part = archive.part(blobFile(digest));
  if (part === undefined) throw damaged(archive, `the blob ${digest} is missing`);
  const bytes = part.size === size ? part.document() : undefined;
  if (part.size !== size || part.digest() !== digest) throw damaged(archive, `the blob ${digest} has another content`);
  if (bytes === undefined) throw damaged(archive, `the blob ${digest} is no JSON document`);
  return bytes;
}

const blobFile = (digest: string) => `blobs/${digest.replace(':', '/')}`;

/** image-spec, image-layout.md */
function readLayout(archive: Archive, platform: Platform, exact: boolean): Found[] {
  const bytes = archive.part('index.json')?.document() ?? Buffer.alloc(0);
  const read = parseDocument(bytes, MEDIA.index, archive.name);
  if (read.kind !== 'index') throw damaged(archive, 'its index.json is no index');
  const found = groups(read.index.manifests).map(({ names, entries }) => {
    const best = entries.length === 1 ? entries : choose(entries, platform);
    const image = first({ archive, platform, depth: 0, count: { searched: 0 } }, best);
    if (image !== undefined) return { ...image, names };
    throw noMatch(archive, platform);
  });
  if (found.length === 0) throw new WherryError('invalid', `Cannot load "${archive.name}": there is no image in it`);
  return exact ? onlyFor(archive, platform, found) : found;
}

function noMatch({ name }: Archive, platform: Platform): WherryError {
  return new WherryError('not-found', `no matching manifest for ${formatPlatform(platform)} in "${name}"`);
}

/** Where a platform was asked for, images for others are left out. */
function onlyFor(archive: Archive, platform: Platform, images: Found[]): Found[] {
  const fitting = images.filter(({ config }) => matches(platform, config));
  if (fitting.length === 0) throw noMatch(archive, platform);
  return fitting;
}

/** Entries of one name are one image's platforms; entries of one manifest are one image's names. */
function groups(manifests: readonly Descriptor[]): { names: string[]; entries: Descriptor[] }[] {
  const byKey = new Map<string, { names: Set<string>; entries: Descriptor[] }>();
  for (const entry of manifests) {
    const name = nameOf(entry);
    const same = [...byKey.values()].find(
      (group) =>
        group.entries.some((other) => other.digest === entry.digest) || (name !== undefined && group.names.has(name)),
    );
    const group = same ?? { names: new Set<string>(), entries: [] };
    if (same === undefined) byKey.set(entry.digest, group);
    if (name !== undefined) group.names.add(name);
    if (!group.entries.some((other) => other.digest === entry.digest)) group.entries.push(entry);
  }
  return [...byKey.values()].map(({ names, entries }) => ({ names: [...names], entries }));
}

/** containerd's annotation has the whole name; the specification's may be no more than a tag, which names nothing. */
function nameOf({ annotations = {} }: Descriptor): string | undefined {
  const text = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name'];
  if (text === undefined || !/[/:]/.test(text)) return undefined;
  return canonical(nameOnly(parseReference(text)));
}

type Unnamed = Omit<Found, 'names'>;

/** An index in an index in an index is allowed by the specification; nobody needs more. */
const MAX_DEPTH = 4;
/** Of indexes in indexes, each with thousands of entries, nobody sees the end. */
const MAX_SEARCHED = 1000;

interface Search {
  archive: Archive;
  platform: Platform;
  depth: number;
  /** Shared by all of one search. */
  count: { searched: number };
}

/** The first of these that is an image, or leads to one. */
function first(search: Search, entries: readonly Descriptor[]): Unnamed | undefined {
  for (const entry of entries) {
    search.count.searched += 1;
    if (search.count.searched > MAX_SEARCHED) {
      throw damaged(search.archive, `its index leads to more than ${MAX_SEARCHED} others`);
    }
    const found = descend(search, entry);
    if (found !== undefined) return found;
  }
  return undefined;
}

function descend(search: Search, entry: Descriptor): Unnamed | undefined {
  const { archive, platform, depth } = search;
  const bytes = document(archive, entry);
  const read = parseDocument(bytes, entry.mediaType, archive.name);
  if (read.kind === 'index') {
    if (depth > MAX_DEPTH) return undefined;
    return first({ ...search, depth: depth + 1 }, choose(read.index.manifests, platform));
  }
  const { manifest } = read;
  const configBytes = document(archive, manifest.config);
  return {
    descriptor: {
      mediaType: manifest.mediaType || entry.mediaType || MEDIA.manifest,
      digest: entry.digest,
      size: entry.size,
    },
    manifest,
    manifestBytes: bytes,
    config: parseConfig(configBytes, manifest.layers.length, archive.name),
    configBytes,
    files: manifest.layers.map((layer) => blobFile(layer.digest)),
  };
}

/** docker save's own format: a list of images, their layers as files. An OCI manifest is made of each. */
function readDockerArchive(archive: Archive, platform: Platform, exact: boolean): Found[] {
  let list: unknown;
  try {
    list = JSON.parse((archive.part('manifest.json')?.document() ?? Buffer.alloc(0)).toString());
  } catch (cause) {
    throw new WherryError('corrupt', `Cannot load "${archive.name}": its manifest.json is not valid JSON`, { cause });
  }
  if (!Array.isArray(list) || list.length === 0) throw damaged(archive, 'its manifest.json lists no images');
  const found = list.map((entry: unknown) => readDockerImage(archive, entry));
  return exact ? onlyFor(archive, platform, found) : found;
}

interface DockerEntry {
  Config?: unknown;
  RepoTags?: unknown;
  Layers?: unknown;
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

function readDockerImage(archive: Archive, entry: unknown): Found {
  const { Config: configFile, RepoTags: tags, Layers: layers } = (entry ?? {}) as DockerEntry;
  // An image without layers has null there, as Go writes an empty list.
  const files = layers ?? [];
  if (typeof configFile !== 'string' || !isTexts(files)) throw damaged(archive, 'its manifest.json is malformed');
  const part = archive.part(configFile);
  const configBytes = part?.document();
  if (part === undefined || configBytes === undefined) {
    throw damaged(archive, `the configuration "${brief(configFile)}" is missing`);
  }
  const config = parseConfig(configBytes, files.length, archive.name);
  return imageOf({
    names: isTexts(tags) ? tags.map((tag) => canonical(nameOnly(parseReference(tag)))) : [],
    configBytes,
    config,
    layers: files.map((file, at) => describeLayer(archive, file, config.rootfs.diff_ids[at])),
    files,
  });
}

/**
 * A layer's file as a blob. Its digest is taken from where it stands already, for it is verified when the layer is
 * copied: in the file's name, or, of what is not compressed, in the configuration.
 */
function describeLayer(archive: Archive, file: string, diffId: string | undefined): Descriptor {
  const part = archive.part(file);
  if (part === undefined) throw damaged(archive, `the layer "${brief(file)}" is missing`);
  const [, hex] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(file) ?? [];
  const stated = hex === undefined ? (part.compression === undefined ? diffId : undefined) : `sha256:${hex}`;
  const suffix = part.compression === undefined ? '' : `+${part.compression}`;
  return { mediaType: `${MEDIA.layer}${suffix}`, digest: stated ?? part.digest(), size: part.size };
}
