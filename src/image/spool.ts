/**
 * Reads an image archive that comes through a pipe, or compressed: once, front to back, for its parts stand in any order.
 * Every file is staged as a blob that may become one.
 */
import { type Archive, collection, type Part, rangePart } from '#image/parts.ts';
import { stage } from '#store/blobs.ts';
import { compressionOf, decompressor, MAGIC_LENGTH } from '#store/decompress.ts';
import type { Store } from '#store/store.ts';
import { type Content, type Entry, tarReader } from '#store/tar.ts';

export type Bytes = AsyncIterable<Buffer>;

/**
 * Takes in all of an archive, plain or compressed. Throws kind `corrupt` when it is none, `unsupported` where the program
 * that decompresses it is not installed.
 */
export async function spool(store: Store, name: string, source: Bytes, abort?: AbortSignal): Promise<Archive> {
  const staged = new Set<() => void>();
  const found = collection();
  const close = () => {
    for (const discard of staged) discard();
  };
  const take = async (entry: Entry, content: Content) => {
    if (found.addLink(entry) || entry.kind !== 'file') return;
    const stagedFile = await stage(store, { limit: entry.size });
    staged.add(stagedFile.discard);
    if (entry.size > 0) await fill(stagedFile.write, content);
    found.addFile(entry, stagedPart(stagedFile, entry.size));
  };
  try {
    await readArchive(source, take, abort);
    return { name, part: found.find, close };
  } catch (error) {
    close();
    throw error;
  }
}

function stagedPart(staged: Awaited<ReturnType<typeof stage>>, size: number): Part {
  return {
    ...rangePart({ path: staged.path, at: 0, size }),
    digest: staged.digest,
    keep: async (expected) => {
      await staged.commit(expected);
      return true;
    },
  };
}

function fill(write: (chunk: Buffer) => void, content: Content): Promise<void> {
  return new Promise((resolve, reject) => {
    content.onData((chunk) => {
      try {
        write(chunk);
      } catch (error) {
        reject(error);
      }
    });
    content.onEnd(resolve);
  });
}

type Take = (entry: Entry, content: Content) => Promise<void>;

async function readArchive(source: Bytes, take: Take, abort: AbortSignal | undefined): Promise<void> {
  let last: Promise<void> | undefined;
  const reader = tarReader((entry, content, next) => {
    last = take(entry, content);
    last.then(() => next(), next);
  });
  for await (const piece of decompressed(source)) {
    abort?.throwIfAborted();
    await reader.write(piece);
  }
  reader.end();
  await last;
}

/** The archive itself may be compressed, as `docker save | gzip` makes it. What Node can't decompress, programs do. */
async function* decompressed(source: Bytes): AsyncGenerator<Buffer> {
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
