/**
 * The files in an image archive, by their paths. Nothing of these paths reaches the file system: a path is a key, and
 * links lead from one key to another.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { posix } from 'node:path';
import { WherryError } from '#base/error.ts';
import { MAX_DOCUMENT } from '#oci/manifest.ts';
import { type Compression, compressionOf, MAGIC_LENGTH } from '#store/decompress.ts';
import type { Entry } from '#store/tar.ts';

/** One file of the archive, and where its bytes are. */
export interface Part {
  size: number;
  /** By its first bytes. */
  compression: Compression | undefined;
  /** The whole content of what can be a JSON document; read at each call. */
  document(): Buffer | undefined;
  /** Its content in pieces, each there until the next one is asked for. */
  content(): AsyncIterable<Buffer>;
  /** sha256:… of its content; reads it where nobody has yet. */
  digest(): string;
  /** Makes a blob of what has been staged already: then its digest is this one. False: it has to be copied. */
  keep(expected: { digest: string; size: number }): Promise<boolean>;
}

export interface Archive {
  /** For messages: the path, or `stdin`. */
  name: string;
  /** A file by its path, through links inside the archive. */
  part(path: string): Part | undefined;
  /** Lets go of everything that has not become a blob. */
  close(): void;
}

/** Links to links to links: more is a circle. */
const MAX_LINKS = 16;

/** Files and links as they come; of several with one path the last one counts. */
export interface Collection {
  /** Notes a link. False: it is something else. */
  addLink(entry: Entry): boolean;
  addFile(entry: Entry, part: Part): void;
  find(path: string): Part | undefined;
}

export function collection(replaced: (part: Part) => void = () => undefined): Collection {
  const parts = new Map<string, Part>();
  const links = new Map<string, string>();
  const find = (path: string, depth = 0): Part | undefined => {
    const target = links.get(path);
    return parts.get(path) ?? (target === undefined || depth > MAX_LINKS ? undefined : find(target, depth + 1));
  };
  return {
    addLink: ({ kind, name, linkName }) => {
      const path = clean(name);
      if (kind === 'symlink') links.set(path, clean(posix.join(posix.dirname(path), linkName)));
      else if (kind === 'link') links.set(path, clean(linkName));
      return kind === 'symlink' || kind === 'link';
    },
    addFile: ({ name }, part) => {
      const path = clean(name);
      const before = parts.get(path);
      if (before !== undefined) replaced(before);
      parts.set(path, part);
    },
    find: (path) => find(clean(path)),
  };
}

/** One spelling of a path; what climbs out of the archive ends at its root. */
function clean(path: string): string {
  return posix.normalize(`/${path}`).slice(1);
}

/** A range of a file. */
export interface Range {
  path: string;
  at: number;
  size: number;
}

/** What can be told of a file's bytes without reading all of them. */
export function rangePart(range: Range): Pick<Part, 'size' | 'compression' | 'document' | 'content'> {
  const start = readRange({ ...range, size: Math.min(MAGIC_LENGTH, range.size) });
  const isJson = start[0] === 0x7b || start[0] === 0x5b;
  return {
    size: range.size,
    compression: compressionOf(start),
    document: () => (isJson && range.size <= MAX_DOCUMENT ? readRange(range) : undefined),
    content: () => pieces(range),
  };
}

function readRange(range: Range): Buffer {
  return Buffer.concat([...readPieces(range, range.size)].map((piece) => Buffer.from(piece)));
}

/** How much is read at once. */
const PIECE = 1024 * 1024;

async function* pieces(range: Range): AsyncGenerator<Buffer> {
  for (const piece of readPieces(range, PIECE)) {
    yield piece;
    // Others are heard between two pieces only: signals, and children that unpack.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Into one buffer that is used over and over, and is no piece by itself: who gets one may give back its memory. */
export function* readPieces({ path, at, size }: Range, most = PIECE): Generator<Buffer, void, void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(most, size) + 1);
  const fd = openSync(path, 'r');
  try {
    for (let done = 0; done < size; ) {
      const count = readSync(fd, buffer, 0, Math.min(buffer.length - 1, size - done), at + done);
      if (count === 0) throw new WherryError('corrupt', `Cannot read "${path}": it was cut off meanwhile`);
      yield buffer.subarray(0, count);
      done += count;
    }
  } finally {
    closeSync(fd);
  }
}
