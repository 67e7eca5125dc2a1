/** Archives that may be compressed, as `docker save | gzip` makes them. What Node can't decompress, programs do. */
import { compressionOf, decompressor, MAGIC_LENGTH } from '#store/decompress.ts';

export type Bytes = AsyncIterable<Buffer>;

/**
 * What a stream is, plain or compressed by gzip, zstd, bzip2 or xz. Throws kind `corrupt` where it is damaged, `unsupported`
 * where the program that decompresses it is not installed.
 */
export async function* decompressed(source: Bytes): AsyncGenerator<Buffer> {
  const { start, all } = await peek(source);
  const compression = compressionOf(start);
  if (compression === 'bzip2' || compression === 'xz') {
    const { throughProgram } = await import('#sys/filter.ts');
    yield* throughProgram(compression, ['-dc'], all);
    return;
  }
  const stream = decompressor();
  for await (const chunk of all) yield* stream.push(chunk);
  yield* stream.end();
}

/** The first bytes, and all of it with them. */
async function peek(source: Bytes): Promise<{ start: Buffer; all: Bytes }> {
  const chunks = source[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  for (let size = 0; size < MAGIC_LENGTH; ) {
    const { value, done } = await chunks.next();
    if (done) break;
    first.push(Buffer.from(value));
    size += value.length;
  }
  const start = Buffer.concat(first);
  async function* all() {
    if (start.length > 0) yield start;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { start, all: all() };
}
