/** Compressing the layers that are made here. */
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';

/**
 * A third of the time of zlib's usual level 6, and a tenth more bytes: a layer that is committed is mostly not pushed, and
 * somebody waits for it.
 */
const LEVEL = 1;

/** What comes out at once. */
const PIECE = 256 * 1024;

/** The bytes in gzip's format, compressed by another thread; each piece of the source need be there for its turn only. */
export async function* gzipped(source: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  const gzip = createGzip({ level: LEVEL, chunkSize: PIECE });
  // What goes wrong is thrown by the stream that is read here.
  pipeline(Readable.from(copies(source), { objectMode: false }), gzip, () => undefined);
  yield* gzip as AsyncIterable<Buffer>;
}

async function* copies(source: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  for await (const piece of source) yield Buffer.from(piece);
}
