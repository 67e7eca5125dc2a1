import { randomBytes } from 'node:crypto';
import { constants, createZstdDecompress, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { zstdFrames } from '#store/zstd-frames.ts';

const contents = [Buffer.alloc(300_000, 'a'), randomBytes(20_000), Buffer.alloc(0), Buffer.from('x')];
const skippable = [Buffer.from('502a4d180400000001020304', 'hex'), Buffer.from('5f2a4d1800000000', 'hex')];
const frames = contents.flatMap((content, index) => [
  zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: index % 2 } }),
  ...skippable,
]);

async function decompressed(pieces: Buffer[]): Promise<Buffer> {
  const through = createZstdDecompress();
  for (const piece of pieces) through.write(piece);
  through.end();
  const out: Buffer[] = [];
  for await (const chunk of through) out.push(chunk);
  return Buffer.concat(out);
}

describe('zstdFrames()', () => {
  test.each([1, 7, 1000, 65536, 10_000_000])(
    'cuts a stream in chunks of %d so that all of it is read',
    async (size) => {
      const stream = Buffer.concat(frames);
      const cut = zstdFrames();
      const pieces: Buffer[] = [];
      for (let at = 0; at < stream.length; at += size) pieces.push(...cut(stream.subarray(at, at + size)));
      expect(Buffer.concat(pieces).equals(stream)).toBe(true);
      expect((await decompressed(pieces)).equals(Buffer.concat(contents))).toBe(true);
    },
  );

  test('cuts exactly where a frame ends', () => {
    expect(zstdFrames()(Buffer.concat(frames))).toEqual(frames);
  });

  test('passes what is not zstd for the decompressor to judge', () => {
    const cut = zstdFrames();
    expect(cut(Buffer.from('not zstd'))).toEqual([Buffer.from('not zstd')]);
    expect(cut(frames[0] ?? Buffer.alloc(0))).toHaveLength(1);
  });
});
