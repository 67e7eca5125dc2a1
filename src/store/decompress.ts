/** What a layer's blob is compressed with is read from its first bytes: media types in the wild are often wrong. */
import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { WherryError } from '#base/error.ts';
import { zstdFrames } from '#store/zstd-frames.ts';

/** Large enough that the threads change hands seldom, small enough that several children together stay small. */
const CHUNK = 128 * 1024;

/** No magic that is known here is longer. */
export const MAGIC_LENGTH = 6;

export interface Decompressor {
  /** Absent for a plain archive, whose bytes are taken as they come. */
  through?: Transform;
  /** Cuts the compressed bytes into what `through` takes in one write. */
  cut: (chunk: Buffer) => Buffer[];
}

const whole = (chunk: Buffer) => [chunk];

/**
 * How to decompress a stream that begins with these bytes (at least MAGIC_LENGTH, unless the stream is shorter).
 * Concatenated gzip members and zstd frames are one stream (RFC 1952, RFC 8878); zeros after a gzip member are padding.
 * Throws kind `unsupported` for bzip2 and xz, which Docker once took.
 */
export function decompressor(start: Buffer): Decompressor {
  if (begins(start, 0x1f, 0x8b)) return { through: createGunzip({ chunkSize: CHUNK }), cut: whole };
  if (isZstd(start)) return { through: createZstdDecompress({ chunkSize: CHUNK }), cut: zstdFrames() };
  const foreign = begins(start, 0x42, 0x5a, 0x68)
    ? 'bzip2'
    : begins(start, 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)
      ? 'xz'
      : undefined;
  if (foreign === undefined) return { cut: whole };
  throw new WherryError('unsupported', `it is compressed by ${foreign}`, {
    hint: 'Have the image pushed with gzip or zstd layers',
  });
}

function begins(bytes: Buffer, ...magic: number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/** A frame, or a skippable frame (zstd:chunked and pzstd begin with one). */
function isZstd(bytes: Buffer): boolean {
  if (begins(bytes, 0x28, 0xb5, 0x2f, 0xfd)) return true;
  return ((bytes[0] ?? 0) & 0xf0) === 0x50 && bytes.subarray(1, 4).equals(Buffer.of(0x2a, 0x4d, 0x18));
}
