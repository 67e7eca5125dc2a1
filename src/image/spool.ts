/**
 * Reads an image archive once, front to back, for it may come through a pipe and its parts stand in any order. Every
 * file is staged as a blob that may become one; nothing of the archive's paths reaches the file system.
 */
import { createReadStream } from 'node:fs';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { hasCode, WherryError } from '#base/error.ts';
import { type Stage, stage } from '#store/blobs.ts';
import { decompressor, MAGIC_LENGTH } from '#store/decompress.ts';
import type { Store } from '#store/store.ts';
import { type Content, type Entry, tarReader } from '#store/tar.ts';

/** One file of the archive. */
interface Part {
  staged: Stage;
  size: number;
  /** Its first bytes: enough to know gzip and zstd. */
  start: Buffer;
  /** The whole content of what can be a JSON document. */
  document: Buffer | undefined;
}

export interface Archive {
  /** For messages: the path, or `stdin`. */
  name: string;
  /** A file by its path, through links inside the archive. */
  part(path: string): Part | undefined;
  /** Removes all that has not become a blob. */
  discard(): void;
}

const MAX_DOCUMENT = 4 * 1024 * 1024;
/** Links to links to links: more is a circle. */
const MAX_LINKS = 16;

/** Reads a tar archive, plain or compressed. Throws kind `invalid` when it can't be opened or is none. */
export async function spool(store: Store, source: string | Readable, abort?: AbortSignal): Promise<Archive> {
  const parts = new Map<string, Part>();
  const links = new Map<string, string>();
  const name = typeof source === 'string' ? source : 'stdin';
  const discard = () => {
    for (const { staged } of parts.values()) staged.discard();
  };
  const take = async (entry: Entry, content: Content) => {
    const path = clean(entry.name);
    if (entry.kind === 'symlink') links.set(path, posix.join(posix.dirname(path), entry.linkName));
    else if (entry.kind === 'link') links.set(path, clean(entry.linkName));
    else if (entry.kind === 'file') {
      parts.get(path)?.staged.discard();
      const part: Part = {
        staged: await stage(store, { limit: entry.size }),
        size: entry.size,
        start: Buffer.alloc(0),
        document: undefined,
      };
      parts.set(path, part);
      if (entry.size > 0) await fill(part, content);
    }
  };
  try {
    await readArchive(open(source), take, abort);
  } catch (error) {
    discard();
    throw aboutArchive(error, name);
  }
  const follow = (path: string, depth = 0): Part | undefined => {
    const found = parts.get(path);
    const target = links.get(path);
    return found ?? (target === undefined || depth > MAX_LINKS ? undefined : follow(target, depth + 1));
  };
  return { name, part: (path) => follow(clean(path)), discard };
}

/** One spelling of a path; what climbs out of the archive ends at its root. */
function clean(path: string): string {
  return posix.normalize(`/${path}`).slice(1);
}

function open(source: string | Readable): Readable {
  return typeof source === 'string' ? createReadStream(source, { highWaterMark: 256 * 1024 }) : source;
}

function fill(part: Part, content: Content): Promise<void> {
  const document: Buffer[] = [];
  return new Promise((resolve, reject) => {
    content.onData((chunk) => {
      try {
        if (part.start.length < MAGIC_LENGTH) part.start = Buffer.concat([part.start, chunk.subarray(0, MAGIC_LENGTH)]);
        part.staged.write(chunk);
        if (part.size <= MAX_DOCUMENT && isJson(part.start)) document.push(Buffer.from(chunk));
      } catch (error) {
        reject(error);
      }
    });
    content.onEnd(() => {
      if (document.length > 0) part.document = Buffer.concat(document);
      resolve();
    });
  });
}

const isJson = (start: Buffer) => start[0] === 0x7b || start[0] === 0x5b;

type Take = (entry: Entry, content: Content) => Promise<void>;

async function readArchive(source: Readable, take: Take, abort: AbortSignal | undefined): Promise<void> {
  let last: Promise<void> | undefined;
  const reader = tarReader((entry, content, next) => {
    last = take(entry, content);
    last.then(() => next(), next);
  });
  const stop = () => source.destroy(abort?.reason);
  abort?.throwIfAborted();
  abort?.addEventListener('abort', stop, { once: true });
  try {
    // The archive itself may be compressed, as `docker save | gzip` makes it.
    const stream = decompressor();
    for await (const chunk of source) for (const piece of stream.push(chunk)) await reader.write(piece);
    for (const piece of stream.end()) await reader.write(piece);
    reader.end();
    await last;
  } finally {
    abort?.removeEventListener('abort', stop);
    source.destroy();
  }
}

function aboutArchive(error: unknown, name: string): unknown {
  if (hasCode(error, 'ENOENT'))
    return new WherryError('invalid', `open ${name}: no such file or directory`, { cause: error });
  if (hasCode(error, 'EISDIR')) return new WherryError('invalid', `read ${name}: is a directory`, { cause: error });
  if (hasCode(error, 'EACCES')) return new WherryError('invalid', `open ${name}: permission denied`, { cause: error });
  if (!(error instanceof WherryError) || error.message.startsWith('Cannot')) return error;
  return new WherryError('invalid', `Cannot load "${name}": ${error.message}`, { cause: error });
}
