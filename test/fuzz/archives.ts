/** Archives to begin with: what real programs write, and what only an attacker writes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '#test/fuzz/random.ts';
import { archive, gnuLong, type Member, member } from '#test/support/archive.ts';

/** Layers as GNU tar, bsdtar and Python write them, in all their formats; what is not installed is left out. */
export function realArchives(): Buffer[] {
  const directory = mkdtempSync(join(tmpdir(), 'wherry-fuzz-'));
  try {
    fill(directory);
    const programs: [string, string[]][] = [
      ...['gnu', 'pax', 'ustar', 'v7', 'oldgnu'].map(tarWith),
      ['bsdtar', ['-cf', '-', '-C', directory, '.']],
      ...['PAX_FORMAT', 'GNU_FORMAT', 'USTAR_FORMAT'].map((format): [string, string[]] => [
        'python3',
        ['-c', PYTHON, directory, format],
      ]),
    ];
    return programs.flatMap(([program, args]) => {
      const { status, stdout } = spawnSync(program, args, { cwd: directory, maxBuffer: 2 ** 24 });
      return status === 0 && stdout.length > 0 ? [stdout] : [];
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const tarWith = (format: string): [string, string[]] => [
  'tar',
  ['--xattrs', '--sparse', '--ignore-failed-read', `--format=${format}`, '-cf', '-', '.'],
];

const PYTHON = `
import sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=getattr(tarfile, sys.argv[2])) as archive:
    archive.add(sys.argv[1], arcname='.')
`;

/** A little of everything that a layer may have; names short enough for the oldest format. */
function fill(directory: string): void {
  const at = (name: string) => join(directory, name);
  mkdirSync(at('etc/deep/er'), { recursive: true });
  mkdirSync(at('usr/bin'), { recursive: true });
  writeFileSync(at('etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(at('usr/bin/tool'), Buffer.alloc(1500, 'x'));
  chmodSync(at('usr/bin/tool'), 0o4755);
  writeFileSync(at('etc/.wh.gone'), '');
  writeFileSync(at('etc/deep/.wh..wh..opq'), '');
  writeFileSync(at('etc/deep/er/caf\u00e9'), 'caf\u00e9');
  linkSync(at('usr/bin/tool'), at('usr/bin/same'));
  symlinkSync('../etc/passwd', at('usr/link'));
  symlinkSync('/etc', at('absolute'));
  execFileSync('mkfifo', [at('usr/pipe')]);
  execFileSync('truncate', ['-s', '20000', at('usr/sparse')]);
}

const ODD_NAMES = [
  ...['', '.', '..', '/', './', '../', '//', '...', '../..', 'a/../../../b', '/etc/passwd', '../../../../etc/passwd'],
  ...['.wh.', '.wh..', '.wh...', '.wh..wh.', '.wh..wh..opq', '.wh..wh..wh..opq', '.wh.a', 'd/.wh..wh..opq', '.wh./a'],
  ...['.wh..wh.plnk', '.wh.d', 'd/.wh.a', '.wh.l', 'l/.wh.x', '.wh.\xff', 'a\nb', 'a\x1b[31mb', '\xff\xfe', '\x7f'],
  ...['a', 'b', 'd', 'l', 'd/a', 'd/', 'l/a', 'l/../a', 'd/d/d', 'dev/null', 'proc/self/root', 'a/', ' ', '-rf', '\\'],
  ...['n'.repeat(100), 'n/'.repeat(50), `${'n'.repeat(99)}/`, 'etc', 'usr/bin', 'usr/bin/tool', 'etc/deep', 'usr/link'],
];

const oddLinks = (outside: string) => [
  ...ODD_NAMES,
  ...[outside, `${outside}/file`, `../..${outside}`, `../../../../../../../..${outside}`, '/proc/self/root', 'l', '/l'],
];

const SIZES = [0, 1, 511, 512, 513, 1024, 8 ** 11 - 1, 8 ** 11, 2 ** 53, 2 ** 60];
const NUMBERS = [
  '0',
  '-1',
  '1',
  '4294967294',
  '4294967295',
  '9'.repeat(18),
  '9'.repeat(40),
  '1.5',
  '1e9',
  '',
  'x',
  '0x10',
];

/** A record of an extended header, often one that no honest program writes. */
function oddRecord(chance: Random, outside: string): [string, string | Buffer] {
  const key = chance.pick([
    ...[
      'path',
      'linkpath',
      'size',
      'uid',
      'gid',
      'mtime',
      'atime',
      'ctime',
      'uname',
      'charset',
      'hdrcharset',
      '__proto__',
    ],
    ...[
      'GNU.sparse.major',
      'GNU.sparse.map',
      'SCHILY.xattr.user.a',
      'SCHILY.xattr.',
      'SCHILY.xattr.trusted.overlay.opaque',
    ],
    ...[
      'SCHILY.xattr.security.capability',
      'SCHILY.xattr.system.posix_acl_access',
      'SCHILY.xattr.user.overlay.redirect',
    ],
    ...['SCHILY.xattr.user.n\xff', 'LIBARCHIVE.xattr.user.a', 'SCHILY.dev', 'constructor', 'comment', '\xff'],
  ]);
  if (key.endsWith('path')) return [key, chance.pick(oddLinks(outside)) + (chance.chance(0.1) ? '\0x' : '')];
  if (key.startsWith('SCHILY.xattr')) return [key, chance.bytes(chance.pick([0, 1, 20, 300, 70_000]))];
  return [key, chance.pick(NUMBERS)];
}

export function oddExtension(chance: Random, outside: string): Buffer {
  const type = chance.pick(['x', 'x', 'x', 'g', 'L', 'K', 'X']);
  if (type === 'L' || type === 'K') {
    return gnuLong(type, chance.pick([...oddLinks(outside), 'n/'.repeat(2100), 'n'.repeat(300), 'a\0b', '']));
  }
  if (chance.chance(0.3)) {
    const raw = chance.pick([
      '5 a=',
      '99999999999999999999 a=b\n',
      '0 a=b\n',
      '-5 a=b\n',
      'a=b',
      '6 a=b\n6 a=',
      '11 path=\0a\n',
    ]);
    return member({ name: 'x', type, content: raw, ...(chance.chance(0.2) ? { size: chance.pick(SIZES) } : {}) });
  }
  const records = Array.from({ length: 1 + chance.below(3) }, () => oddRecord(chance, outside));
  const pax: Record<string, string | Buffer> = Object.create(null);
  for (const [key, value] of records) pax[key] = value;
  return member({ name: 'a', type: '0', pax }).subarray(0, -512);
}

/** One member that is up to something. */
export function oddMember(chance: Random, outside: string): Buffer {
  const type = chance.pick(['0', '0', '1', '1', '2', '2', '3', '4', '5', '5', '6', '7', 'S', 'Z', '\0', 'D', 'M', 'V']);
  const content =
    ['0', '7', '\0'].includes(type) || chance.chance(0.1) ? chance.bytes(chance.pick([0, 1, 511, 512, 2000])) : '';
  const one: Member = { name: chance.pick(ODD_NAMES), type, content, link: chance.pick(oddLinks(outside)) };
  if (chance.chance(0.2)) one.mode = chance.pick([0, 0o7777, 0o4755, 0o1000]);
  if (chance.chance(0.2)) one.uid = chance.pick([0, 1, 65_534, 65_536, 2_097_151]);
  if (chance.chance(0.2)) one.major = chance.pick([0, 1, 7, 255, 4095]);
  if (chance.chance(0.1)) one.size = chance.pick(SIZES);
  if (chance.chance(0.2)) one.format = chance.pick(['gnu', 'v7']);
  const plain = member(one);
  return chance.chance(0.2) ? Buffer.concat([oddExtension(chance, outside), plain]) : plain;
}

/** An archive of nothing but mischief: links, and what is written through them. */
export function oddArchive(chance: Random, outside: string): Buffer {
  const first: Member[] = [
    { name: 'l', type: '2', link: chance.pick(oddLinks(outside)) },
    { name: 'd', type: '5' },
    { name: 'a', content: 'a' },
  ];
  const then = Array.from({ length: 1 + chance.below(8) }, () => oddMember(chance, outside));
  return archive(...first.filter(() => chance.chance(0.7)), ...then);
}
