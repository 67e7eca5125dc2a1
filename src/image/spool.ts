/**
 * Reads an image archive that comes through a pipe, or compressed: once, front to back, for its parts stand in any order.
 * Every file is staged as a blob that may become one.
 */
import { type Archive, collection, type Part, rangePart } from '#image/parts.ts';
import { stage } from '#store/blobs.ts';
import { type Bytes, decompressed } from '#store/decompress-stream.ts';
import type { Store } from '#store/store.ts';
import { type Content, type Entry, tarReader } from '#store/tar.ts';

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
