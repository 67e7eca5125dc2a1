import { randomBytes } from 'node:crypto';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decompressor } from '#store/decompress.ts';

const contents = [Buffer.alloc(1_500_000, 'a'), randomBytes(20_000), Buffer.alloc(0), Buffer.from('x')];
const whole = Buffer.concat(contents);
const skippable = [Buffer.from('502a4d180400000001020304', 'hex'), Buffer.from('5f2a4d1800000000', 'hex')];
const zstd = contents.flatMap((content, index) => [
  ...skippable,
  zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: index % 2 } }),
]);

/** The pieces that come out when so many bytes go in at once. */
function through(bytes: Buffer, size: number): Buffer[] {
  const stream = decompressor();
  const pieces: Buffer[] = [];
  const take = (some: Iterable<Buffer>) => {
    for (const piece of some) pieces.push(Buffer.from(piece));
  };
  for (let at = 0; at < bytes.length; at += size) take(stream.push(bytes.subarray(at, at + size)));
  take(stream.end());
  return pieces;
}

describe.each([1, 7, 1000, 65536, 10_000_000])('decompressor(), fed with %d bytes at once', (size) => {
  test.each<[string, Buffer, Buffer]>([
    ['nothing', Buffer.alloc(0), Buffer.alloc(0)],
    ['a plain text', Buffer.from('a plain text'), Buffer.from('a plain text')],
    ['a few bytes', Buffer.from([0x1f]), Buffer.from([0x1f])],
    ['gzip', gzipSync(whole), whole],
    ['members of gzip', Buffer.concat(contents.map((content) => gzipSync(content))), whole],
    ['gzip with zeros after it', Buffer.concat([gzipSync(whole), Buffer.alloc(1000)]), whole],
    ['zstd', zstdCompressSync(whole), whole],
    ['frames of zstd', Buffer.concat(zstd), whole],
  ])('gives back %s', (_what, bytes, wanted) => {
    const pieces = through(bytes, size);
    expect(Buffer.concat(pieces).equals(wanted)).toBe(true);
    expect(pieces.every((piece) => piece.length > 0)).toBe(true);
  });

  test.each<[string, Buffer, string]>([
    ['a cut gzip', gzipSync(whole).subarray(0, -1), 'cut off'],
    ['a gzip whose second member is cut', Buffer.concat([gzipSync(whole), gzipSync(whole).subarray(0, 30)]), 'cut off'],
    ['garbage after gzip', Buffer.concat([gzipSync(whole), Buffer.from('garbage')]), 'damaged: incorrect header check'],
    ['a cut zstd', zstdCompressSync(whole).subarray(0, -1), 'cut off'],
    ['garbage after zstd', Buffer.concat([...zstd, Buffer.from('garbage')]), 'damaged: Unknown frame descriptor'],
    ['a damaged gzip', gzipSync(whole).fill(0xff, 40, 60), 'damaged'],
    ['a damaged zstd', zstdCompressSync(whole).fill(0xff, 40, 60), 'damaged'],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => through(bytes, size)).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining(message) }),
    );
  });
});

test.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
])('a bomb of %s comes out in pieces', (_what, compress) => {
  const stream = decompressor();
  let [total, largest] = [0, 0];
  for (const piece of stream.push(compress(Buffer.alloc(200_000_000)))) {
    total += piece.length;
    largest = Math.max(largest, piece.length);
  }
  expect(total).toBe(200_000_000);
  expect(largest).toBeLessThanOrEqual(256 * 1024);
});

test.each([
  ['bzip2', '425a68'],
  ['xz', 'fd377a585a00'],
])('%s is refused by its name', (name, magic) => {
  const bytes = Buffer.concat([Buffer.from(magic, 'hex'), Buffer.alloc(10)]);
  expect(() => through(bytes, 100)).toThrow(`it is compressed by ${name}`);
});
