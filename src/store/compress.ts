/** Compressing the layers that are made here. */
import { pipeline, Readable } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { Compression, Packing } from '#oci/compression.ts';

/**
 * A third of the time of zlib's usual level 6, and a tenth more bytes: a layer that is committed is mostly not pushed, and
 * somebody waits for it.
 */
const LEVEL = 1;

/** What comes out at once. */
const PIECE = 256 * 1024;

type Pieces = Iterable<Buffer> | AsyncIterable<Buffer>;
type Compressed = AsyncGenerator<Buffer, void, void>;

/** The bytes in gzip's format, compressed by another thread; each piece of the source need be there for its turn only. */
export const gzipped = (source: Pieces): Compressed => compressed(source, 'gzip');

/** The same in other formats. Each takes its own levels; without one it is a quick one. */
export async function* compressed(
  source: Pieces,
  format: Compression,
  { level }: Pick<Packing, 'level'> = {},
): Compressed {
  if (format === 'uncompressed') {
    yield* copies(source);
    return;
  }
  const params = { [constants.ZSTD_c_compressionLevel]: level ?? 3 };
  const compressor =
    format === 'gzip'
      ? createGzip({ level: level ?? LEVEL, chunkSize: PIECE })
      : createZstdCompress({ params, chunkSize: PIECE });
  // What goes wrong is thrown by the stream that is read here.
  pipeline(Readable.from(copies(source), { objectMode: false }), compressor, () => undefined);
  yield* compressor as AsyncIterable<Buffer>;
}

async function* copies(source: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  for await (const piece of source) yield Buffer.from(piece);
}
