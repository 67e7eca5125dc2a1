/** Files that a context is opened from. */
import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { reasonOf } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { asStorageError } from '#sys/file.ts';

/** What tells an archive: twice a tar header. */
export const ARCHIVE_START = 1024;

/** No honest one is larger. */
const MAX_DEFINITION = 64 * 1024 * 1024;

/** A small file's text. Throws kind `invalid` in BuildKit's words. */
export function readDefinition(path: string, shown = basename(path)): string {
  const refuse = (why: string, cause?: unknown) =>
    new WherryError('invalid', `failed to solve: failed to read dockerfile: ${why}`, { cause });
  try {
    const found = statSync(path);
    // What is no file may have no end, or nobody at its other end.
    if (!found.isFile()) throw refuse(`read ${shown}: ${found.isDirectory() ? 'is a directory' : 'not a file'}`);
    if (found.size > MAX_DEFINITION) throw refuse(`read ${shown}: larger than ${MAX_DEFINITION} bytes`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const why = reasonOf(cause);
    if (why === undefined) throw cause;
    throw refuse(`open ${shown}: ${why}`, cause);
  }
}

export function isDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    if (hasCode(error, 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EACCES')) return false;
    throw error;
  }
}

/** All of a stream in a file; the beginning of it. */
export async function spool(stream: Readable, path: string, abort: AbortSignal | undefined): Promise<Buffer> {
  const fd = openSync(path, 'wx', 0o600);
  const stop = () => stream.destroy(abort?.reason);
  abort?.addEventListener('abort', stop, { once: true });
  let start: Buffer = Buffer.alloc(0);
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      if (start.length < ARCHIVE_START) start = Buffer.concat([start, piece]).subarray(0, ARCHIVE_START);
      for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
    }
    return start;
  } catch (error) {
    throw asStorageError(error, path);
  } finally {
    abort?.removeEventListener('abort', stop);
    closeSync(fd);
  }
}
