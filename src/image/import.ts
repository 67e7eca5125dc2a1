/** import: an archive of files, from wherever, becomes an image of one layer. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { reasonOf } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { makeImage, type NewLayer } from '#image/make.ts';
import type { ContainerDefaults, Platform } from '#oci/manifest.ts';
import { type Compression, compressionOf, MAGIC_LENGTH } from '#store/decompress.ts';
import type { Store } from '#store/store.ts';

type Bytes = AsyncIterable<Buffer>;

export interface ImportOptions {
  /** RFC 3339. */
  created: string;
  platform: Platform;
  comment: string;
  settings: ContainerDefaults;
  /** Canonical. */
  names: readonly string[];
  abort?: AbortSignal;
}

/**
 * Makes an image of an archive's bytes: a tar archive, plain or compressed by gzip, zstd, bzip2 or xz; the last two need
 * the program of that name. Gives the image's ID. Throws kind `corrupt` for what is no archive, `unsupported` where the
 * program is missing.
 */
export async function importImage(store: Store, source: Bytes, options: ImportOptions): Promise<string> {
  const { created, platform, comment, settings, names, abort } = options;
  return makeImage(store, {
    layer: await asLayer(source),
    config: { created, ...platform, config: settings as ContainerDefaults, history: [{ created, comment }] },
    names,
    ...(abort === undefined ? {} : { abort }),
  });
}

/** A local file; it is opened when it is read. Throws kind `invalid` in Docker's words where that can't be done. */
export async function* readFile(path: string): Bytes {
  try {
    yield* createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>;
  } catch (cause) {
    const action = hasCode(cause, 'EISDIR') ? 'read' : 'open';
    const why = reasonOf(cause);
    if (why === undefined) throw cause;
    throw new WherryError('invalid', `${action} ${path}: ${why}`, { cause });
  }
}

/** A stream's bytes. An abort ends them, also where nobody writes to the other end. */
export async function* readStream(stream: Readable, abort?: AbortSignal): Bytes {
  const stop = () => stream.destroy(abort?.reason);
  abort?.addEventListener('abort', stop, { once: true });
  try {
    yield* stream as AsyncIterable<Buffer>;
  } finally {
    abort?.removeEventListener('abort', stop);
  }
}

/** As it came where a registry takes it so; all else is compressed here. */
async function asLayer(source: Bytes): Promise<NewLayer> {
  const { start, bytes } = await peek(source);
  const compression = compressionOf(start);
  if (compression === 'gzip' || compression === 'zstd') return { bytes, compression };
  const { gzipped } = await import('#store/compress.ts');
  const plain = compression === undefined ? padded(bytes) : decompressed(bytes, compression);
  return { bytes: gzipped(plain), compression: 'gzip' };
}

async function* decompressed(bytes: Bytes, compression: Exclude<Compression, 'gzip' | 'zstd'>): Bytes {
  const { throughProgram } = await import('#sys/filter.ts');
  yield* throughProgram(compression, ['--decompress', '--stdout'], bytes);
}

/** Nothing at all is an archive of nothing, as for Docker. */
async function* padded(bytes: Bytes): Bytes {
  let isEmpty = true;
  for await (const chunk of bytes) {
    isEmpty &&= chunk.length === 0;
    yield chunk;
  }
  if (!isEmpty) return;
  const { END_OF_ARCHIVE } = await import('#store/tar-write.ts');
  yield END_OF_ARCHIVE;
}

/** The first bytes, and all of them. */
async function peek(source: Bytes): Promise<{ start: Buffer; bytes: Bytes }> {
  const chunks = source[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  while (start.length < MAGIC_LENGTH) {
    const { done, value } = await chunks.next();
    if (done) break;
    start = Buffer.concat([start, value]);
  }
  async function* all(): Bytes {
    yield start;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { start, bytes: all() };
}
