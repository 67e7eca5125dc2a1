/** Layers on their way into the store: unpacked while they arrive, each downloaded by one process only. */
import { statSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import type { LayerStatus, Progress } from '#base/progress.ts';
import type { Descriptor, ImageConfig, Manifest } from '#oci/manifest.ts';
import { blobPath, hasBlob, type Stage, stage } from '#store/blobs.ts';
import { hexOf } from '#store/digest.ts';
import { hasLayer } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { takeTurn } from '#store/turns.ts';
import type { Unpacker } from '#store/unpack.ts';

/** One layer of an image. */
export interface Layer {
  blob: Descriptor;
  diffId: string;
}

/** An image's layers, lowest first. */
export function layersOf({ manifest, config }: { manifest: Manifest; config: ImageConfig }): Layer[] {
  return manifest.layers.map((blob, at) => ({ blob, diffId: config.rootfs.diff_ids[at] ?? '' }));
}

type Bytes = AsyncIterable<Buffer>;

export interface LayerOptions {
  unpacker: () => Unpacker;
  /** Opens the compressed layer at its source. */
  source: (blob: Descriptor) => Bytes;
  progress?: ((event: Progress) => void) | undefined;
  abort: AbortSignal;
}

/** A layer that was built here and whose archive is not compressed can be packed again when its blob is asked for. */
export function isPresent(store: Store, { blob, diffId }: Layer): boolean {
  return hasLayer(store, diffId) && (blob.digest === diffId || hasBlob(store, blob.digest));
}

/**
 * Brings one layer into the store, both as it came and unpacked; what is there already is not fetched again.
 * Nothing is visible before the blob has its digest and size and the tree its diff ID.
 * @returns the unpacked size, where it was unpacked here
 */
export async function bringLayer(store: Store, layer: Layer, options: LayerOptions): Promise<number | undefined> {
  const report = reporter(layer.blob, options.progress);
  using _mine = await takeTurn(store, `pull-${hexOf(layer.blob.digest)}`, {
    abort: options.abort,
    waiting: () => report('Waiting'),
  });
  if (isPresent(store, layer)) {
    report('Pull complete');
    return undefined;
  }
  const size = hasBlob(store, layer.blob.digest)
    ? await unpackKept(store, layer, options)
    : await fetchLayer(store, layer, { ...options, report });
  report('Pull complete');
  return size;
}

type Report = (status: LayerStatus, current?: number) => void;

/** Frequent counts are thinned out: a terminal can't show more. */
const SHOW_EVERY = 80;

function reporter({ digest, size: total }: Descriptor, progress: LayerOptions['progress']): Report {
  const id = hexOf(digest).slice(0, 12);
  let shown = 0;
  return (status, current) => {
    if (current === undefined) progress?.({ kind: 'layer', id, status });
    else if (Date.now() - shown >= SHOW_EVERY) {
      shown = Date.now();
      progress?.({ kind: 'layer', id, status, current, total });
    }
  };
}

async function unpackKept(store: Store, { blob, diffId }: Layer, { unpacker, abort }: LayerOptions): Promise<number> {
  const path = blobPath(store, blob.digest);
  const { size } = await unpacker().unpack(diffId, blob.mediaType, { path, sizes: [statSync(path).size] }, { abort });
  return size;
}

/** Downloads; what has come is unpacked from the blob's file at the same time. */
async function fetchLayer(
  store: Store,
  { blob, diffId }: Layer,
  { unpacker, source, abort, report }: LayerOptions & { report: Report },
): Promise<number | undefined> {
  report('Downloading', 0);
  const broken: unknown[] = [];
  const staged = await stage(store, { limit: blob.size, forget: true });
  try {
    const sizes = kept(source(blob), { staged, blob, report, failed: (error) => broken.push(error) });
    const size = hasLayer(store, diffId)
      ? await drain(sizes)
      : (await unpacker().unpack(diffId, blob.mediaType, { path: staged.path, sizes, forget: true }, { abort })).size;
    await staged.commit(blob);
    return size;
  } catch (error) {
    // What broke the download says more than what the unpacker made of it.
    throw broken[0] ?? error;
  } finally {
    staged.discard();
  }
}

async function drain(sizes: AsyncIterable<number>): Promise<undefined> {
  for await (const _size of sizes) {
    // The stage has taken it.
  }
}

/**
 * Keeps what comes, and says how much that is by now. The end comes only when the digest is right: so a layer whose blob
 * is wrong is never finished, even where its tree would be right.
 */
async function* kept(source: Bytes, { staged, blob, report, failed }: Keep): AsyncGenerator<number> {
  try {
    for await (const chunk of source) {
      staged.write(chunk);
      free(chunk);
      report('Downloading', staged.size);
      yield staged.size;
    }
    verify(staged, blob, report);
  } catch (error) {
    failed(error);
    throw error;
  }
  report('Download complete');
  report('Extracting');
}

/**
 * What came from a socket has memory of its own: left to the garbage collector, a layer of 70 MB has it look through all of
 * the heap six times. Smaller pieces may be of the pool that Node cuts for everybody.
 */
function free({ buffer, byteLength }: Buffer): void {
  const own = byteLength === buffer.byteLength && byteLength > Buffer.poolSize;
  if (own && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

interface Keep {
  staged: Stage;
  blob: Descriptor;
  report: Report;
  failed: (error: unknown) => void;
}

function verify(staged: Stage, blob: Descriptor, report: Report): void {
  report('Verifying Checksum');
  const digest = staged.digest();
  if (digest !== blob.digest || staged.size !== blob.size) {
    throw new WherryError('corrupt', `filesystem layer verification failed for digest ${blob.digest}`, {
      hint: 'The registry, or something on the way to it, sent another content: try again',
    });
  }
}
