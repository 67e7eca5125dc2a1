/** Images that are made here: a new layer on top of others, a configuration, and the names. */
import { WherryError } from '#base/error.ts';
import { changeCatalog, holdImage, readCatalog, withNames } from '#image/catalog.ts';
import { isPresent } from '#image/layers.ts';
import { findImage, type Image } from '#image/names.ts';
import { layerSizes } from '#image/sizes.ts';
import { type Compression, layerType } from '#oci/compression.ts';
import { describe } from '#oci/digest.ts';
import { type Descriptor, type ImageConfig, type Manifest, MEDIA } from '#oci/manifest.ts';
import { canonical, parseReference, withDefaultTag } from '#oci/reference.ts';
import { putBlob, stage } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';
import { openUnpacker } from '#store/unpack.ts';

/** A layer's archive as it will be kept. */
export interface NewLayer {
  /** Each piece is there until the next one is asked for. */
  bytes: AsyncIterable<Uint8Array>;
  compression: Exclude<Compression, 'uncompressed'>;
}

export interface ImageMaking {
  /** What it is built on: an image that is here, and is held. */
  parent?: Image;
  /** Absent: nothing but the configuration is new. */
  layer?: NewLayer;
  /** The configuration but for its layers. */
  config: Omit<ImageConfig, 'rootfs'>;
  /** Canonical. */
  names: readonly string[];
  /** The image is for this command alone: without a name it is there until this is disposed of, and then dropTransient() called. */
  transient?: DisposableStack;
  abort?: AbortSignal;
}

/** Layer by layer, lowest first. */
export interface Stack {
  layers: Descriptor[];
  diffIds: string[];
  /** Of what is new. */
  sizes: Map<string, number>;
}

/**
 * Makes an image and gives its ID. Names that other images had move. Nothing is visible before all of it is there.
 * Throws kind `unavailable` when another command takes the parent away, and what the layer's source throws.
 */
export async function makeImage(store: Store, making: ImageMaking): Promise<string> {
  const { parent } = making;
  const below: Stack = { layers: (parent?.layers ?? []).map(asOci), diffIds: parent?.diffIds ?? [], sizes: new Map() };
  using held = new DisposableStack();
  const hold = async ({ layers, diffIds }: Stack) => {
    held.use(await holdImage(store, { blobs: layers.map(({ digest }) => digest), diffIds }));
  };
  await hold(below);
  needLayers(store, below);
  const stack = making.layer === undefined ? below : await addLayer(store, making.layer, { ...making, below, hold });
  return (await enterImage(store, stack, making)).id;
}

/** An image's identity. */
export interface Made {
  /** The configuration's digest. */
  id: string;
  manifest: Descriptor;
}

/**
 * Makes an image of layers that are here, and gives it its names, which other images lose.
 * Throws kind `unavailable` when another command takes a layer away.
 */
export async function assembleImage(store: Store, stack: Stack, making: Entering): Promise<Made> {
  return enterImage(store, { ...stack, layers: stack.layers.map(asOci) }, making);
}

type Entering = Pick<ImageMaking, 'config' | 'names' | 'transient'>;

async function enterImage(store: Store, stack: Stack, making: Entering): Promise<Made> {
  const { manifest, id, bytes } = documentsOf(making.config, stack);
  const { transient } = making;
  // Before it is looked for: another command that ends leaves it then.
  transient?.use(await holdImage(store, { blobs: [id], diffIds: [] }));
  const known = readCatalog(store).filter((entry) => entry.id === id);
  const [first] = known;
  const isNamed = making.names.every((name) => known.some((entry) => entry.name === name));
  const isToStay = first?.transient === true && transient === undefined;
  if (first !== undefined && isNamed && !isToStay && missingLayer(store, stack) === undefined) {
    return { id, manifest: first.manifest };
  }
  using _held = await holdImage(store, {
    blobs: [id, manifest.digest, ...stack.layers.map(({ digest }) => digest)],
    diffIds: stack.diffIds,
  });
  for (const [type, document] of first === undefined ? bytes : []) await putBlob(store, document, type);
  const sizes = layerSizes(store, stack.diffIds, stack.sizes);
  let made = manifest;
  await changeCatalog(store, async (entries) => {
    needLayers(store, stack);
    // The same image may be here with other layers' blobs, compressed by a push: its manifest stays.
    const same = entries.find((entry) => entry.id === id);
    made = same?.manifest ?? manifest;
    if (same === undefined) for (const [type, document] of bytes) await putBlob(store, document, type);
    const image = same ?? { manifest, id, sizes, created: making.config.created };
    const isTransient = transient !== undefined && (same === undefined || same.transient === true);
    return withNames(entries, { ...image, transient: isTransient }, making.names);
  });
  return { id, manifest: made };
}

/** An image that is here whole, so that another can be built on it. Throws kind `not-found` in Docker's words. */
export function needParent(store: Store, id: string): Image {
  const image = findImage(store, id);
  if (image !== undefined) return image;
  throw new WherryError('not-found', `No such image: ${id}`, {
    hint: 'The image was removed, and its container has kept the files only: pull or load it again',
  });
}

/**
 * The canonical name that a new image is to have, if it is to have one. Throws kind `invalid` in Docker's words for what
 * is no name; `refusal` for one with a digest, which only the image's bytes can give.
 */
export function newNames(text: string | undefined, refusal: WherryError): string[] {
  if (!text) return [];
  const reference = parseReference(text);
  if (reference.digest !== undefined) throw refusal;
  return [canonical(withDefaultTag(reference))];
}

function missingLayer(store: Store, { layers, diffIds }: Stack): Descriptor | undefined {
  return layers.find((blob, at) => !isPresent(store, { blob, diffId: diffIds[at] ?? '' }));
}

function needLayers(store: Store, stack: Stack): void {
  const missing = missingLayer(store, stack);
  if (missing === undefined) return;
  throw new WherryError('unavailable', `Cannot make the image: the layer ${missing.digest} is no longer there`, {
    hint: 'Another command removed images meanwhile, or the store is damaged: pull the image again',
  });
}

interface Addition {
  below: Stack;
  hold: (stack: Stack) => Promise<void>;
  abort?: AbortSignal;
}

/** The layer becomes a blob, and is unpacked as it grows. */
async function addLayer(
  store: Store,
  { bytes, compression }: NewLayer,
  { below, hold, abort }: Addition,
): Promise<Stack> {
  const staged = await stage(store, { forget: true });
  const unpacker = openUnpacker(store);
  const mediaType = layerType(compression);
  const withThis = (diffId: string): Stack => ({
    layers: [...below.layers, { mediaType, digest: staged.digest(), size: staged.size }],
    diffIds: [...below.diffIds, diffId],
    sizes: new Map(),
  });
  async function* sizes() {
    for await (const piece of bytes) {
      abort?.throwIfAborted();
      staged.write(piece);
      yield staged.size;
    }
  }
  try {
    const source = { path: staged.path, sizes: sizes(), forget: true };
    const named = (diffId: string) => hold(withThis(diffId));
    const { diffId, size } = await unpacker.unpackNew(source, named, abort === undefined ? {} : { abort });
    const stack = withThis(diffId);
    await staged.commit();
    return { ...stack, sizes: new Map([[diffId, size]]) };
  } finally {
    staged.discard();
    unpacker.close();
  }
}

/** Docker's types have the same meaning under other names; a manifest should have them of one kind. */
function asOci({ mediaType, digest, size }: Descriptor): Descriptor {
  const docker = /^application\/vnd\.docker\.image\.rootfs\.(foreign\.)?diff\.tar(?:\.(gzip|zstd))?$/.exec(mediaType);
  if (docker === null) return { mediaType, digest, size };
  const [, foreign, compression] = docker;
  const type = foreign === undefined ? MEDIA.layer : MEDIA.layer.replace('.v1.', '.nondistributable.v1.');
  return { mediaType: compression === undefined ? type : `${type}+${compression}`, digest, size };
}

function documentsOf(config: Omit<ImageConfig, 'rootfs'>, { layers, diffIds }: Stack) {
  const configuration = Buffer.from(JSON.stringify({ ...config, rootfs: { type: 'layers', diff_ids: diffIds } }));
  const configDescriptor = describe(MEDIA.config, configuration);
  const content: Manifest = { schemaVersion: 2, mediaType: MEDIA.manifest, config: configDescriptor, layers };
  const document = Buffer.from(JSON.stringify(content));
  return {
    manifest: describe(MEDIA.manifest, document),
    id: configDescriptor.digest,
    bytes: [
      [MEDIA.config, configuration],
      [MEDIA.manifest, document],
    ] as const,
  };
}
