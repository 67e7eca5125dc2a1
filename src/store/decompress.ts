/**
 * Decompressing layers, told apart by their first bytes: media types in the wild are often wrong.
 *
 * Node's streams hand each piece to another thread and back, and allocate for each: a layer takes three times as long as
 * it takes zlib. So its zlib is driven here as node-tar (minizlib) does it, by the synchronous call behind the streams,
 * which is not public. The installed Node is pinned, and the tests hold it. Unlike there, never more than one piece of
 * output is in memory, whatever a hostile layer expands to.
 */
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { WherryError } from '#base/error.ts';

/** The most that comes out at once. */
const PIECE = 256 * 1024;

/** No magic that is known here is longer. */
export const MAGIC_LENGTH = 6;

export interface Decompressor {
  /** What these bytes become: pieces that each are there until the next one is asked for. All of them must be taken. */
  push(chunk: Buffer): Iterable<Buffer>;
  /** What is left at the end. Throws kind `corrupt` when the stream is cut off. */
  end(): Iterable<Buffer>;
}

/**
 * Decompresses one stream of gzip, zstd, or neither. Concatenated gzip members and zstd frames are one stream (RFC 1952,
 * RFC 8878); zeros after a gzip member are padding. Throws kind `corrupt` for damaged data, `unsupported` for bzip2 and
 * xz, which Docker once took.
 */
export function decompressor(): Decompressor {
  let start: Buffer = Buffer.alloc(0);
  let method: Decompressor | undefined;
  const choose = () => {
    method = methodFor(start);
    return method.push(start);
  };
  return {
    push: (chunk) => {
      if (method !== undefined) return method.push(chunk);
      start = Buffer.concat([start, chunk]);
      return start.length < MAGIC_LENGTH ? [] : choose();
    },
    end: function* () {
      if (method === undefined) yield* choose();
      yield* method?.end() ?? [];
    },
  };
}

function methodFor(start: Buffer): Decompressor {
  const compression = compressionOf(start);
  if (compression === undefined) return { push: (chunk) => (chunk.length === 0 ? [] : [chunk]), end: () => [] };
  if (compression === 'gzip') {
    return inflating(createGunzip() as unknown as Behind, constants.Z_NO_FLUSH, constants.Z_FINISH);
  }
  if (compression === 'zstd') {
    return inflating(createZstdDecompress() as unknown as Behind, constants.ZSTD_e_continue, constants.ZSTD_e_end);
  }
  throw new WherryError('unsupported', `it is compressed by ${compression}`, {
    hint: 'Have the image pushed with gzip or zstd layers',
  });
}

export type Compression = 'gzip' | 'zstd' | 'bzip2' | 'xz';

/** What the first MAGIC_LENGTH bytes say of a stream. */
export function compressionOf(start: Buffer): Compression | undefined {
  if (begins(start, 0x1f, 0x8b)) return 'gzip';
  if (isZstd(start)) return 'zstd';
  if (begins(start, 0x42, 0x5a, 0x68)) return 'bzip2';
  return begins(start, 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0) ? 'xz' : undefined;
}

function begins(bytes: Buffer, ...magic: number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/** A frame, or a skippable frame (zstd:chunked and pzstd begin with one). */
function isZstd(bytes: Buffer): boolean {
  if (begins(bytes, 0x28, 0xb5, 0x2f, 0xfd)) return true;
  return ((bytes[0] ?? 0) & 0xf0) === 0x50 && bytes.subarray(1, 4).equals(Buffer.of(0x2a, 0x4d, 0x18));
}

/** What is behind a stream of node:zlib (lib/zlib.js, processChunkSync). */
interface Behind {
  _handle: {
    writeSync(flush: number, from: Buffer, at: number, left: number, to: Buffer, toAt: number, room: number): void;
    onerror(message: string, errno: number, code: string): void;
  };
  /** After a call: the room that is left in the output, the bytes that are left of the input. */
  _writeState: Uint32Array;
}

function inflating({ _handle: handle, _writeState: state }: Behind, going: number, ending: number): Decompressor {
  // One for all: memory that nobody has touched yet costs a virtual machine more than to decompress into it.
  const out = Buffer.allocUnsafe(PIECE);
  let broken: WherryError | undefined;
  handle.onerror = (message, _errno, code) => {
    broken = damage(message, code);
  };
  function* inflate(chunk: Buffer, flush: number): Generator<Buffer, void, void> {
    for (let at = 0; ; ) {
      const left = chunk.length - at;
      handle.writeSync(flush, chunk, at, left, out, 0, PIECE);
      if (broken !== undefined) throw broken;
      const [room = 0, unread = 0] = state;
      at += left - unread;
      if (room < PIECE) yield out.subarray(0, PIECE - room);
      // zstd pauses after each frame; of what gzip does not take, it takes nothing: it is beyond the end.
      const stuck = unread === left && room === PIECE;
      if (room > 0 && (unread === 0 || stuck)) return;
    }
  }
  return { push: (chunk) => inflate(chunk, going), end: () => inflate(Buffer.alloc(0), ending) };
}

function damage(message: string, code: string): WherryError {
  if (code === 'Z_BUF_ERROR') return new WherryError('corrupt', 'the compressed data is cut off');
  return new WherryError('corrupt', `the compressed data is damaged: ${message}`);
}
