/** What happens to an archive on its way from an attacker: bytes, blocks and fields that are other than they were. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { oddArchive, oddExtension, oddMember } from '#test/fuzz/archives.ts';
import type { Random } from '#test/fuzz/random.ts';
import { signed } from '#test/support/archive.ts';

const BLOCK = 512;

type Change = (tar: Buffer, chance: Random, outside: string) => Buffer;

/** Some bits are other ones. */
const flipBits: Change = (bytes, chance) => {
  const changed = Buffer.from(bytes);
  for (let left = 1 + chance.below(8); left > 0 && changed.length > 0; left -= 1) {
    const at = chance.below(changed.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << chance.below(8));
  }
  return changed;
};

const truncate: Change = (bytes, chance) =>
  bytes.subarray(0, chance.chance(0.5) ? chance.below(bytes.length + 1) : BLOCK * chance.below(bytes.length / BLOCK));

/** Where members begin, as far as the archive can be read. */
function headersOf(tar: Buffer): number[] {
  const headers: number[] = [];
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    headers.push(at);
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    at += BLOCK + (size > 0 ? Math.ceil(size / BLOCK) * BLOCK : 0);
  }
  return headers;
}

/** A stretch of blocks is there twice, elsewhere, or not at all. */
const moveBlocks: Change = (tar, chance) => {
  const places = chance.chance(0.6)
    ? headersOf(tar)
    : Array.from({ length: tar.length / BLOCK }, (_, at) => at * BLOCK);
  if (places.length < 2) return tar;
  const from = chance.below(places.length);
  const start = places[from] ?? 0;
  const end = places[from + 1 + chance.below(4)] ?? tar.length;
  const piece = tar.subarray(start, end);
  const rest = chance.chance(0.5) ? tar : Buffer.concat([tar.subarray(0, start), tar.subarray(end)]);
  if (chance.chance(0.3)) return rest;
  const to = Math.min(chance.pick(places), rest.length);
  return Buffer.concat([rest.subarray(0, to), piece, rest.subarray(to)]);
};

/** What stands between the members that were there. */
const insert =
  (make: (chance: Random, outside: string) => Buffer): Change =>
  (tar, chance, outside) => {
    const at = chance.pick([0, ...headersOf(tar)]);
    return Buffer.concat([tar.subarray(0, at), make(chance, outside), tar.subarray(at)]);
  };

/** Offset and length of a header's fields (pax(1), "ustar Interchange Format"). */
const FIELDS: [at: number, length: number][] = [
  ...([
    [0, 100],
    [100, 8],
    [108, 8],
    [116, 8],
    [124, 12],
    [124, 12],
    [124, 12],
    [136, 12],
    [156, 1],
    [156, 1],
  ] as const),
  ...([
    [157, 100],
    [257, 8],
    [329, 8],
    [337, 8],
    [345, 155],
  ] as const),
].map(([at, length]) => [at, length]);

/** Numbers at their ends: octal, in base 256 with either sign, and what is no number. */
const EXTREMES = [
  '7'.repeat(12),
  '-1',
  '0',
  '',
  ' ',
  '8',
  'x',
  '\x80',
  '\xff',
  '\x81',
  '\xfe',
  '1',
  '777\0',
  '\0\0\0',
  '/',
];

const setField: Change = (tar, chance) => {
  const headers = headersOf(tar);
  if (headers.length === 0) return tar;
  const changed = Buffer.from(tar);
  const header = chance.pick(headers);
  const [at, length] = chance.pick(FIELDS);
  const filler = chance.pick([0, 0, 0x20, 0x30, 0xff, chance.below(256)]);
  changed.fill(filler, header + at, header + at + length);
  const text = at === 156 ? chance.pick([...'01234567LKxgSXDMVZ\0\xff']) : chance.pick(EXTREMES);
  changed.write(text.slice(0, length), header + at, 'latin1');
  if (length === 12 && chance.chance(0.3)) chance.bytes(4).copy(changed, header + at + 8);
  signed(changed.subarray(header, header + BLOCK));
  return changed;
};

const CHANGES: Change[] = [
  ...[setField, setField, setField, insert(oddMember), insert(oddMember), insert(oddExtension), insert(oddExtension)],
  ...[moveBlocks, moveBlocks, flipBits, truncate],
  // Damage below a checksum that is right.
  (tar, chance, outside) => {
    const changed = Buffer.from(flipBits(tar, chance, outside));
    for (const header of headersOf(changed)) signed(changed.subarray(header, header + BLOCK));
    return changed;
  },
];

export interface Case {
  blob: Buffer;
  /** The archive in it, where the blob is an honest compression of it. */
  tar: Buffer | undefined;
  /** So many bytes come at once. */
  piece: number;
}

/** An archive that has gone through one change. */
export function oddBlob(tar: Buffer, chance: Random, outside: string): Buffer {
  return chance.pick(CHANGES)(tar, chance, outside);
}

/** One layer blob. outside: a directory that it shall not reach. */
export function layerCase(chance: Random, real: readonly Buffer[], outside: string): Case {
  let tar = chance.chance(0.4) ? oddArchive(chance, outside) : chance.pick(real);
  const changes = chance.pick([0, 1, 1, 2, 3, 5]);
  for (let left = changes; left > 0; left -= 1) tar = chance.pick(CHANGES)(tar, chance, outside);
  const packed = chance.pick<(bytes: Buffer) => Buffer>([
    (bytes) => bytes,
    (bytes) => bytes,
    gzipSync,
    (bytes) => zstdCompressSync(bytes),
    (bytes) => Buffer.concat([gzipSync(bytes.subarray(0, 700)), gzipSync(bytes.subarray(700))]),
  ])(tar);
  const piece = chance.pick([1, 7, 511, 512, 4096, 65_536, 65_536].slice(packed.length > 20_000 ? 2 : 0));
  if (packed === tar || chance.chance(0.8)) return { blob: packed, tar, piece };
  const damage = chance.pick([flipBits, truncate, (bytes: Buffer) => Buffer.concat([bytes, chance.bytes(20)])]);
  return { blob: damage(packed, chance, outside), tar: undefined, piece };
}
