/**
 * Opens image archives. One that is a plain tar archive in a file is looked through by its headers alone: what is in it
 * is read where it lies, once, when it is needed. Everything else is spooled.
 */
import { closeSync, createReadStream, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { hasCode, WherryError } from '#base/error.ts';
import { type Archive, collection, type Part, type Range, rangePart, readPieces } from '#image/parts.ts';
import { compressionOf, MAGIC_LENGTH } from '#store/decompress.ts';
import type { Store } from '#store/store.ts';
import { tarReader } from '#store/tar.ts';

/**
 * source: a path, or a stream: standard input, or any other.
 * Throws kind `invalid` when it can't be opened or is no tar archive.
 */
export async function openArchive(store: Store, source: string | Readable, abort?: AbortSignal): Promise<Archive> {
  const name = typeof source === 'string' ? source : 'stdin';
  try {
    abort?.throwIfAborted();
    const file = plainFile(typeof source === 'string' ? source : fileOfStdin(source));
    if (file !== undefined) return await scan(name, file, abort);
    const stream = typeof source === 'string' ? createReadStream(source, { highWaterMark: 256 * 1024 }) : source;
    return await spoolStream(store, name, stream, abort);
  } catch (error) {
    throw aboutArchive(error, name);
  }
}

async function spoolStream(store: Store, name: string, stream: Readable, abort?: AbortSignal): Promise<Archive> {
  const { spool } = await import('#image/spool.ts');
  // A pipe that nobody writes to would be waited for.
  const stop = () => stream.destroy(abort?.reason);
  abort?.addEventListener('abort', stop, { once: true });
  try {
    return await spool(store, name, stream, abort);
  } finally {
    abort?.removeEventListener('abort', stop);
    stream.destroy();
  }
}

/** `load <file`: the file, where it is read from its beginning. */
function fileOfStdin(source: Readable): string | undefined {
  if ((source as { fd?: number }).fd !== 0 || !fstatSync(0).isFile()) return undefined;
  return /^pos:\s*0$/m.test(readFileSync('/proc/self/fdinfo/0', 'latin1')) ? '/proc/self/fd/0' : undefined;
}

/** A regular file that is not compressed. Throws as open(2) and read(2) do. */
function plainFile(path: string | undefined): Range | undefined {
  if (path === undefined) return undefined;
  let fd: number;
  try {
    // What is a FIFO must not be waited for here.
    fd = openSync(path, 'r');
  } catch (error) {
    // Standard input may be a file that we can read and not open.
    if (path.startsWith('/proc/self/') && hasCode(error, 'EACCES')) return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() && !stat.isDirectory()) return undefined;
    const start = Buffer.alloc(MAGIC_LENGTH);
    readSync(fd, start, 0, MAGIC_LENGTH, 0);
    return compressionOf(start) === undefined ? { path, at: 0, size: stat.size } : undefined;
  } finally {
    closeSync(fd);
  }
}

const BLOCK = 512;
/** Signals are heard after so many headers. */
const REST_EVERY = 4096;

/** Reads the headers. In place of the contents, which are stepped over, the reader gets zeros. */
async function scan(name: string, { path, size: end }: Range, abort?: AbortSignal): Promise<Archive> {
  const found = collection();
  let content = 0;
  let at = 0;
  const reader = tarReader((entry, body, next) => {
    if (!found.addLink(entry) && entry.kind === 'file') found.addFile(entry, filePart({ path, at, size: entry.size }));
    content = entry.size;
    if (content === 0) return next();
    body.onData(() => undefined);
    body.onEnd(next);
  });
  const block = Buffer.alloc(BLOCK);
  const zeros = Buffer.alloc(256 * 1024);
  const fd = openSync(path, 'r');
  try {
    for (let count = 1; at < end; count += 1) {
      const read = readSync(fd, block, 0, BLOCK, at);
      at += read;
      content = 0;
      await reader.write(block.subarray(0, read));
      const padded = Math.ceil(content / BLOCK) * BLOCK;
      if (read === 0 || at + content > end) throw new WherryError('corrupt', 'the archive is cut off');
      for (let left = padded; left > 0; left -= zeros.length) await reader.write(zeros.subarray(0, left));
      at += padded;
      if (count % REST_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
      abort?.throwIfAborted();
    }
    reader.end();
  } finally {
    closeSync(fd);
  }
  return { name, part: found.find, close: () => undefined };
}

function filePart(range: Range): Part {
  let digest: string | undefined;
  const read = () => {
    const { createHash } = process.getBuiltinModule('node:crypto');
    const hash = createHash('sha256');
    for (const piece of readPieces(range)) hash.update(piece);
    return `sha256:${hash.digest('hex')}`;
  };
  return {
    ...rangePart(range),
    digest: () => {
      digest ??= read();
      return digest;
    },
    keep: async () => false,
  };
}

/** The reason, in Docker's words where it has some. */
function aboutArchive(error: unknown, name: string): unknown {
  const invalid = (message: string) => new WherryError('invalid', message, { cause: error });
  if (hasCode(error, 'ENOENT')) return invalid(`open ${name}: no such file or directory`);
  if (hasCode(error, 'ENOTDIR')) return invalid(`open ${name}: not a directory`);
  if (hasCode(error, 'EISDIR')) return invalid(`read ${name}: is a directory`);
  if (hasCode(error, 'EACCES')) return invalid(`open ${name}: permission denied`);
  if (!(error instanceof WherryError) || error.message.startsWith('Cannot')) return error;
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new WherryError('invalid', `Cannot load "${name}": ${error.message}`, { ...hint, cause: error });
}
