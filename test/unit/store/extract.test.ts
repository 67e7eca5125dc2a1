import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { archive, END, gnuLong, type Member, member, resized } from '#test/support/archive.ts';
import { temporaryDirectory, unprivileged } from '#test/support/store.ts';

const UNPACK = fileURLToPath(new URL('../../fuzz/unpack.ts', import.meta.url));

/** Unpacks a blob in a process of its own. */
function unpack(blob: Buffer) {
  const directory = temporaryDirectory();
  const { stdout, stderr } = spawnSync(process.execPath, [UNPACK, directory], { input: blob });
  expect(stderr.toString()).toBe('');
  return { directory, ...JSON.parse(stdout.toString()) };
}

const MEGABYTE = 1024 * 1024;

describe.skipIf(unprivileged)('a layer that was found by fuzzing', () => {
  const DAMAGED = 'it is not a tar archive, or a damaged one';
  const file = member({ name: 'a', content: 'a' });
  test.each<[string, (Member | Buffer)[], string]>([
    ['with a size that is no number is refused, not waited for', [resized(file, '\x81')], DAMAGED],
    ['with a negative size', [resized(file, '\xff')], DAMAGED],
    ['with an extension of a negative size', [resized(member({ name: 'x', type: 'x' }), '\xff'), file, file], DAMAGED],
    ['with an extension of a size that is no number', [resized(member({ name: 'x', type: 'L' }), '\xc0')], DAMAGED],
    [
      'with a size of which only the beginning is a number',
      [{ name: 'a', content: 'a', pax: { size: '1e9' } }],
      DAMAGED,
    ],
    [
      'with directories deeper than their path can say, of which the size has to be found out',
      [...deeper(3), { name: 'a', content: 'a' }, { name: 'a', content: 'b' }],
      'its directories lie deeper than a path can say',
    ],
  ])('%s', (_, members, message) => {
    expect(unpack(archive(...members))).toMatchObject({ kind: 'corrupt', message });
  });

  /** Directories below 300 others, each time through a link to where the last ones end. */
  function deeper(rounds: number): (Member | Buffer)[] {
    const path = `${'n'.repeat(9)}/`.repeat(300);
    const members = Array.from({ length: rounds }, (_, at) => {
      const through = at === 0 ? '' : `l${at - 1}/`;
      const link = [gnuLong('K', `${through}${path}`), { name: `l${at}`, type: '2' }];
      return [gnuLong('L', `${through}${path}`), { name: 'x', type: '5' }, ...link];
    });
    return members.flat();
  }

  test.each<[string, Member]>([
    ['a file', { name: 'd', content: 'x' }],
    ['a link to nothing', { name: 'd', type: '2', link: 'none' }],
    ['a link to itself', { name: 'd', type: '2', link: 'd' }],
  ])('whose directory becomes %s, with directories in it, is unpacked', (_, member) => {
    const { directory, size } = unpack(archive({ name: 'd', type: '5' }, { name: 'd/e', type: '5' }, member));
    expect(readdirSync(directory)).toEqual(['d']);
    expect(lstatSync(join(directory, 'd')).isDirectory()).toBe(false);
    expect(size).toBe((member.content ?? member.link)?.length);
  });

  const MUCH = 500;
  const LIMIT_KIB = 400 * 1024;
  const zeros = () => Buffer.alloc(MEGABYTE);
  const gzip = () => createGzip({ level: 1 });
  const window = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_compressionLevel]: 1 };
  const zstd = () => createZstdCompress({ params: window });
  const attributes = { 'SCHILY.xattr.trusted.a': Buffer.alloc(MEGABYTE - 100, 'x') };
  const deletion = member({ name: '.wh.a', size: MUCH * MEGABYTE });
  test.each<[string, () => NodeJS.ReadWriteStream, (at: number) => Buffer]>([
    ['zeros after the end', zstd, zeros],
    ['a deletion with content', gzip, (at) => (at === 0 ? deletion : zeros())],
    ['attributes of directories', gzip, (at) => member({ name: `d${at}`, type: '5', pax: attributes })],
    ['long names', zstd, () => gnuLong('L', 'n'.repeat(MEGABYTE - 10))],
  ])('that expands to 500 MB of %s does not fill the memory', async (_, compressor, piece) => {
    const blob = await buffer(Readable.from(times(MUCH, piece)).pipe(compressor()));
    expect(blob.length).toBeLessThan(5 * MEGABYTE);
    expect(unpack(blob).peak).toBeLessThan(LIMIT_KIB);
  });

  function* times(count: number, make: (at: number) => Buffer): Generator<Buffer> {
    for (let at = 0; at <= count; at += 1) yield make(at);
    yield END;
  }
});
