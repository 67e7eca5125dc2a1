/** The files of an archive of images: the store's blobs, and the documents of an OCI layout and of docker save about them. */
import { statSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import type { Entry } from '#image/catalog.ts';
import { readPieces } from '#image/parts.ts';
import { type Descriptor, type ImageConfig, type Manifest, MEDIA, type Platform } from '#oci/manifest.ts';
import type { Document } from '#oci/push.ts';
import { canonical, familiar, familiarName, type Reference } from '#oci/reference.ts';
import { blobPath, hasBlob } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';
import { END_OF_ARCHIVE, padding, tarHeader } from '#store/tar-write.ts';

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

/** An image that goes into the archive. */
export interface Chosen {
  entry: Entry;
  manifest: Manifest;
  config: ImageConfig;
  /** With tags, each once, in the order in which they were asked for. */
  tags: Reference[];
}

export function partsOf({ entry, manifest }: Pick<Chosen, 'entry' | 'manifest'>): Descriptor[] {
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
export function membersOf(
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

export function* archiveOf(members: readonly Member[]): Generator<Buffer, void, void> {
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
