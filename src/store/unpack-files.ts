/** Archives of files that are no layers: a build's context, and what ADD is given. */
import { closeSync, createReadStream, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { type ErrorKind, WherryError } from '#base/error.ts';
import { compressionOf, decompressor, MAGIC_LENGTH } from '#store/decompress.ts';
import { stageFile, stagingName } from '#store/staging.ts';
import type { Store } from '#store/store.ts';
import { childPool } from '#store/unpack-process.ts';
import type { Path } from '#sys/ffi.ts';

/** A tar header's length. */
const HEADER = 512;

/** Is it a tar archive, or compressed as archives are? start: its first kilobyte, or all of it. */
export function isArchive(start: Buffer): boolean {
  return compressionOf(start) !== undefined || hasTarHeader(start);
}

/** Is what is in the file a tar archive, once it is decompressed? ADD unpacks such files alone. */
export function isArchiveFile(path: Path): boolean {
  const fd = openSync(path, 'r');
  try {
    const start = Buffer.alloc(64 * 1024);
    const piece = start.subarray(0, readSync(fd, start, 0, start.length, 0));
    const compression = compressionOf(piece);
    // What only a program can decompress is believed.
    if (compression === 'bzip2' || compression === 'xz') return true;
    return compression === undefined ? hasTarHeader(piece) : hasTarHeader(firstOf(piece));
  } finally {
    closeSync(fd);
  }
}

function firstOf(piece: Buffer): Buffer {
  const out: Buffer[] = [];
  let size = 0;
  try {
    for (const bytes of decompressor().push(piece)) {
      out.push(Buffer.from(bytes));
      size += bytes.length;
      if (size >= HEADER) break;
    }
  } catch {
    // Damaged: whoever unpacks it says so.
  }
  return Buffer.concat(out);
}

/** The header's checksum is right, its own field taken as spaces (pax(1), "ustar Interchange Format"). */
function hasTarHeader(start: Buffer): boolean {
  if (start.length < HEADER) return false;
  const stated = Number.parseInt(start.toString('latin1', 148, 156).replaceAll('\0', ' ').trim(), 8);
  let sum = 8 * 0x20;
  for (let at = 0; at < HEADER; at += 1) if (at < 148 || at >= 156) sum += start[at] ?? 0;
  return sum === stated && sum !== 8 * 0x20;
}

/**
 * Unpacks an archive, plain or compressed by gzip, zstd, bzip2 or xz, into an empty directory, whose children keep the
 * owners that the archive says. Throws kind `corrupt` for what is damaged, `unsupported` where the program that
 * decompresses it is not installed, `unavailable` on a full disk.
 */
export async function unpackFiles(
  store: Store,
  archive: string,
  directory: string,
  { abort }: { abort?: AbortSignal | undefined } = {},
): Promise<void> {
  const pool = childPool();
  let spooled: string | undefined;
  try {
    spooled = await decompressedByProgram(store, archive);
    const path = spooled ?? archive;
    const child = await pool.take(abort);
    const answer = await child
      .ask({ directory, namespace: store.host.namespace }, { path, sizes: [statSync(path).size], plain: true }, abort)
      .catch(async (error: unknown) => {
        await child.end();
        throw error;
      });
    pool.give(child);
    if ('defect' in answer) throw new Error(`unpacking an archive: ${answer.defect}`);
    if (!('kind' in answer)) return;
    throw new WherryError(
      answer.kind as ErrorKind,
      answer.message,
      answer.hint === undefined ? {} : { hint: answer.hint },
    );
  } finally {
    pool.close();
    if (spooled !== undefined) rmSync(spooled, { force: true });
  }
}

/** Undefined where Node can do it. */
async function decompressedByProgram(store: Store, archive: string): Promise<string | undefined> {
  const start = Buffer.alloc(MAGIC_LENGTH);
  const fd = openSync(archive, 'r');
  const compression = compressionOf(start.subarray(0, readSync(fd, start, 0, start.length, 0)));
  closeSync(fd);
  if (compression !== 'bzip2' && compression !== 'xz') return undefined;
  const { throughProgram } = await import('#sys/filter.ts');
  const path = store.path('tmp', stagingName('blob'));
  const out = stageFile(path);
  try {
    const source = createReadStream(archive, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>;
    for await (const piece of throughProgram(compression, ['-dc'], source)) {
      for (let at = 0; at < piece.length; ) at += writeSync(out, piece, at);
    }
    return path;
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(out);
  }
}
