import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasLayer, layerPath, removeLayer } from '#store/layers.ts';
import { openStore, type Store } from '#store/store.ts';
import { openUnpacker, type Unpacker } from '#store/unpack.ts';
import { getxattr, listxattr } from '#sys/ffi.ts';
import type { Host } from '#sys/host.ts';
import { archive, END, gnuLong, type Member, member } from '#test/support/archive.ts';
import { temporaryDirectory, temporaryStore, unprivileged } from '#test/support/store.ts';

const GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** chroot(2) and chown(2) are root's: run the unit tests as root (or by unshare --map-auto --map-root-user) for these. */
describe.skipIf(unprivileged)('unpack()', () => {
  const digestOf = (tar: Buffer) => `sha256:${createHash('sha256').update(tar).digest('hex')}`;

  /** A blob whose file grows by these pieces. */
  function arriving(source: AsyncIterable<Buffer> | Iterable<Buffer>) {
    const path = join(temporaryDirectory(), 'blob');
    writeFileSync(path, '');
    async function* sizes() {
      for await (const piece of source) {
        appendFileSync(path, piece);
        yield statSync(path).size;
      }
    }
    return { path, sizes: sizes(), forget: true };
  }

  function pieces(bytes: Buffer, size = 65536) {
    const count = Math.ceil(bytes.length / size);
    return arriving(Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size)));
  }

  /** A store with one unpacker, which ends with the test. */
  async function using<T>(work: (store: Store, unpacker: Unpacker) => Promise<T>): Promise<T> {
    const store = temporaryStore();
    const unpacker = openUnpacker(store);
    try {
      return await work(store, unpacker);
    } finally {
      unpacker.close();
    }
  }

  /** Mounts for one test; false where that is not allowed (a container without CAP_SYS_ADMIN). */
  function mounted(type: string, path: string, options = 'mode=700'): boolean {
    try {
      execFileSync('mount', ['-t', type, '-o', options, type, path], { stdio: 'pipe' });
    } catch {
      return false;
    }
    onTestFinished(() => void execFileSync('umount', [path]));
    return true;
  }

  interface Given {
    blob?: Buffer;
    namespace?: string;
    pieceSize?: number;
  }

  /** What succeeds can share a store and its children, which saves half of the time. */
  const shared = new Map<string, { store: Store; unpacker: Unpacker }>();

  function sharedIn(namespace: string): { store: Store; unpacker: Unpacker } {
    const known = shared.get(namespace);
    if (known !== undefined) return known;
    const root = mkdtempSync(join(tmpdir(), 'wherry-test-'));
    const uid = process.getuid?.() ?? 0;
    const host = {
      root,
      runtime: join(root, 'run'),
      uid,
      gid: uid,
      namespace,
      bootId: 'this-boot',
      home: root,
    } as Host;
    const store = openStore(host);
    const made = { store, unpacker: openUnpacker(store) };
    shared.set(namespace, made);
    return made;
  }

  afterAll(() => {
    for (const { store, unpacker } of shared.values()) {
      unpacker.close();
      rmSync(store.root, { recursive: true, force: true });
    }
  });

  /** Unpacks an archive and gives the layer's path. */
  async function unpacked(tar: Buffer, { blob = tar, namespace = 'root', pieceSize = 65536 }: Given = {}) {
    const { store, unpacker } = sharedIn(namespace);
    await removeLayer(store, digestOf(tar));
    const { size } = await unpacker.unpack(digestOf(tar), GZIP, pieces(blob, pieceSize));
    expect(readdirSync(store.path('tmp'))).toEqual([]);
    const layer = layerPath(store, digestOf(tar));
    return { layer, size, at: (name: string) => join(layer, name) };
  }

  /** Unpacks what must be refused: one line, nothing visible, nothing left, nothing touched outside. */
  async function refusal(tar: Buffer, { blob = tar, diffId = digestOf(tar) } = {}) {
    return using(async (store, unpacker) => {
      const canary = join(store.root, '..', 'canary');
      mkdirSync(join(canary, 'deep'), { recursive: true });
      writeFileSync(join(canary, 'file'), 'untouched');
      const before = tree(canary);
      const error = await unpacker.unpack(diffId, GZIP, pieces(blob)).then(
        () => expect.unreachable('it was unpacked'),
        (reason: Error & { kind?: string; hint?: string }) => reason,
      );
      expect(error.message).toMatch(/^Cannot unpack the layer sha256:[0-9a-f]{64}/);
      expect(error.message).not.toContain('\n');
      expect(readdirSync(store.path('tmp'))).toEqual([]);
      expect(readdirSync(store.path('layers'))).toEqual([]);
      expect(tree(canary)).toEqual(before);
      return { kind: error.kind, why: error.message.replace(/^.{95}:? ?/, ''), hint: error.hint };
    });
  }

  function tree(path: string): string[] {
    return readdirSync(path, { recursive: true, withFileTypes: true }).map((entry) => {
      const stat = lstatSync(join(entry.parentPath, entry.name));
      return `${entry.parentPath}/${entry.name} ${stat.mode} ${stat.uid} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
    });
  }

  const file = (name: string, more: Partial<Member> = {}): Member => ({ name, content: `content of ${name}`, ...more });

  describe('writes', () => {
    test('files with their content, mode, owner and time, whatever the umask', async () => {
      const { at, size } = await unpacked(
        archive(
          file('plain', { mode: 0o640, uid: 12, gid: 34, modified: 1_500_000_000 }),
          file('open', { mode: 0o666 }),
          file('empty', { content: '', mode: 0o4755, uid: 7 }),
          file('setuid', { mode: 0o6711, uid: 1000, gid: 1000 }),
        ),
      );
      expect(lstatSync(at('plain'))).toMatchObject({
        mode: 0o100640,
        uid: 12,
        gid: 34,
        mtimeMs: 1.5e12,
        atimeMs: 1.5e12,
      });
      expect(readFileSync(at('plain'), 'utf8')).toBe('content of plain');
      expect(lstatSync(at('open')).mode & 0o7777).toBe(0o666);
      expect(lstatSync(at('empty'))).toMatchObject({ mode: 0o104755, uid: 7, size: 0 });
      expect(lstatSync(at('setuid'))).toMatchObject({ mode: 0o106711, uid: 1000, gid: 1000 });
      expect(size).toBe(16 + 15 + 0 + 17);
    });

    test('content of every length around a block, in pieces of any length', async () => {
      const lengths = [1, 511, 512, 513, 1024, 300_000];
      const contents = lengths.map((length) => randomBytes(length));
      const tar = archive(...contents.map((content, index) => ({ name: `f${index}`, content })));
      for (const pieceSize of [1000, 513, 1 << 20]) {
        const { at } = await unpacked(tar, { pieceSize });
        const read = contents.map((_, index) => readFileSync(at(`f${index}`)));
        expect(read.every((bytes, index) => contents[index]?.equals(bytes))).toBe(true);
      }
    });

    test('directories, whose times stay although files are made in them', async () => {
      const { at } = await unpacked(
        archive(
          { name: 'a/', type: '5', mode: 0o1777, uid: 5, modified: 1_400_000_000 },
          { name: 'a/b/', type: '5', mode: 0o2750, gid: 9, modified: 1_400_000_001 },
          file('a/b/c'),
        ),
      );
      expect(lstatSync(at('a'))).toMatchObject({ mode: 0o041777, uid: 5, mtimeMs: 1.4e12 });
      expect(lstatSync(at('a/b'))).toMatchObject({ mode: 0o042750, gid: 9, mtimeMs: 1_400_000_001_000 });
      expect(lstatSync(at('a/b/c'))).toMatchObject({ gid: 0 });
    });

    test('a directory that is named again with its new mode, and keeps what is in it', async () => {
      const { at } = await unpacked(
        archive({ name: 'a', type: '5', mode: 0o700 }, file('a/b'), { name: 'a/', type: '5', mode: 0o711, uid: 3 }),
      );
      expect(lstatSync(at('a'))).toMatchObject({ mode: 0o040711, uid: 3 });
      expect(existsSync(at('a/b'))).toBe(true);
    });

    test('parents that the archive does not name as root’s, with mode 0755', async () => {
      const { at } = await unpacked(archive(file('x/y/z', { uid: 1000, mode: 0o600 })));
      expect(lstatSync(at('x'))).toMatchObject({ mode: 0o040755, uid: 0, gid: 0 });
      expect(lstatSync(at('x/y'))).toMatchObject({ mode: 0o040755, uid: 0, gid: 0 });
    });

    test('symbolic links as they are, with owner and time of their own', async () => {
      const { at, layer } = await unpacked(
        archive(
          { name: 'absolute', type: '2', link: '/etc/passwd', uid: 4, modified: 1_300_000_000 },
          { name: 'up', type: '2', link: '../../../../etc/shadow' },
          { name: 'odd', type: '2', link: '\xff\xfe' },
        ),
      );
      expect(readlinkSync(at('absolute'))).toBe('/etc/passwd');
      expect(lstatSync(at('absolute'))).toMatchObject({ uid: 4, mtimeMs: 1.3e12 });
      expect(readlinkSync(at('up'))).toBe('../../../../etc/shadow');
      expect(readlinkSync(`${layer}/odd`, 'buffer')).toEqual(Buffer.of(0xff, 0xfe));
    });

    test('hard links as one file, also to a symbolic link, whose target is left alone', async () => {
      const { at, size } = await unpacked(
        archive(
          file('a', { mode: 0o600 }),
          { name: 'd/b', type: '1', link: 'a', mode: 0o640, uid: 8 },
          { name: 'c', type: '1', link: '/a', mode: 0o640, uid: 8, size: 9999 },
          { name: 's', type: '2', link: 'a' },
          { name: 't', type: '1', link: './s', mode: 0o777 },
        ),
      );
      expect(lstatSync(at('a'))).toMatchObject({ nlink: 3, mode: 0o100640, uid: 8, ino: lstatSync(at('d/b')).ino });
      expect(lstatSync(at('t'))).toMatchObject({ ino: lstatSync(at('s')).ino });
      expect(size).toBe('content of a'.length + 1);
    });

    test('FIFOs; devices for real root only', async () => {
      const tar = archive(
        { name: 'fifo', type: '6', mode: 0o622, uid: 2 },
        { name: 'null', type: '3', major: 1, minor: 3, mode: 0o666 },
        { name: 'disk', type: '4', major: 259, minor: 300, gid: 6 },
      );
      const root = await unpacked(tar);
      expect(lstatSync(root.at('fifo'))).toMatchObject({ mode: 0o010622, uid: 2 });
      expect(lstatSync(root.at('null'))).toMatchObject({ mode: 0o020666, rdev: 0x103 });
      expect(lstatSync(root.at('disk')).isBlockDevice()).toBe(true);
      const user = await unpacked(tar, { namespace: 'user' });
      expect(readdirSync(user.layer)).toEqual(['fifo']);
    });

    test('everything as the one id that there is, where the namespace maps a single one', async () => {
      const tar = archive(file('a', { uid: 5, gid: 6, mode: 0o4755 }), { name: 'd', type: '5', uid: 70000 });
      const { at } = await unpacked(tar, { namespace: 'single' });
      expect(lstatSync(at('a'))).toMatchObject({ uid: 0, gid: 0, mode: 0o104755 });
      expect(lstatSync(at('d')).uid).toBe(0);
    });

    test('times to the nanosecond, and those before 1970 as 1970, as Docker and podman', async () => {
      const { at } = await unpacked(
        archive(
          file('fine', { pax: { mtime: '1700000000.123456789', atime: '1700000001.5' } }),
          file('old', { pax: { mtime: '-1.25' } }),
          file('older', { pax: { mtime: '-100000000000' } }),
          file('far', { pax: { mtime: '99999999999' } }),
          file('earlier', { pax: { mtime: '1700000000', atime: '1600000000' } }),
          { name: 'd', type: '5', pax: { mtime: '1700000000.000000001' } },
          { name: 'l', type: '2', link: 'fine', pax: { mtime: '1700000000.9' } },
        ),
      );
      const times = (name: string) => {
        const { mtimeNs, atimeNs } = lstatSync(at(name), { bigint: true });
        return [mtimeNs, atimeNs];
      };
      expect(times('fine')).toEqual([1_700_000_000_123_456_789n, 1_700_000_001_500_000_000n]);
      expect(times('old')[0]).toBe(0n);
      expect(times('older')[0]).toBe(0n);
      expect(times('far')[0]).toBe(0n);
      expect(times('earlier')[1]).toBe(1_700_000_000_000_000_000n);
      expect(times('d')[0]).toBe(1_700_000_000_000_000_001n);
      expect(times('l')[0]).toBe(1_700_000_000_900_000_000n);
    });

    test('names that are long, odd, or not UTF-8, from every format', async () => {
      const long = `${'d'.repeat(200)}/${'f'.repeat(250)}`;
      const { layer } = await unpacked(
        archive(
          gnuLong('L', `${long}1`),
          file('cut', { format: 'gnu' }),
          file('pax', { pax: { path: `${long}2` } }),
          gnuLong('K', '\xe9'.repeat(300)),
          { name: 'link', type: '2', link: 'cut', format: 'gnu' },
          file('caf\xe9'),
          file('x', { pax: { path: '\xff\n "\\' } }),
          file('old', { format: 'v7' }),
          { name: 'olddir/', format: 'v7', type: '\0' },
        ),
      );
      const names = readdirSync(layer, { encoding: 'buffer' }).map((name) => name.toString('latin1'));
      expect(names.sort()).toEqual(['caf\xe9', 'd'.repeat(200), 'link', 'old', 'olddir', '\xff\n "\\'].sort());
      expect(readFileSync(join(layer, `${long}2`), 'utf8')).toBe('content of pax');
      expect(readFileSync(join(layer, `${long}1`), 'utf8')).toBe('content of cut');
      expect(readlinkSync(join(layer, 'link'), 'latin1' as 'utf8')).toBe('\xe9'.repeat(300));
      expect(statSync(join(layer, 'olddir')).isDirectory()).toBe(true);
    });

    test('extended attributes byte by byte, but no marks of the overlay and no foreign labels', async () => {
      // cap_setuid and bits above 127: what is taken for UTF-8 comes out otherwise.
      const capability = Buffer.from('0100000280000000000000000000000000000000', 'hex');
      const { at } = await unpacked(
        archive(
          file('a', {
            uid: 3,
            pax: {
              'SCHILY.xattr.security.capability': capability,
              'SCHILY.xattr.user.binary': Buffer.of(0, 0xff, 10, 0x3d),
              'SCHILY.xattr.user.empty': '',
              'SCHILY.xattr.user.overlay.opaque': 'y',
              'SCHILY.xattr.user.overlay.redirect': '/etc',
              'SCHILY.xattr.trusted.overlay.opaque': 'y',
              'SCHILY.xattr.security.selinux': 'system_u:object_r:x_t:s0',
            },
          }),
          { name: 'l', type: '2', link: 'a', pax: { 'SCHILY.xattr.user.x': '1' } },
        ),
      );
      expect(listxattr(at('a')).sort()).toEqual(['security.capability', 'user.binary', 'user.empty']);
      expect(getxattr(at('a'), 'security.capability')).toEqual(capability);
      expect(getxattr(at('a'), 'user.binary')).toEqual(Buffer.of(0, 0xff, 10, 0x3d));
      expect(getxattr(at('a'), 'user.empty')).toEqual(Buffer.alloc(0));
    });

    test('no access control list of the directory that the store is in', async () => {
      await using(async (store, unpacker) => {
        // user::rwx group::--- other::--- as a default: version 2, three entries of tag, permissions, id.
        const list = Buffer.from('0200000001000700ffffffff04000000ffffffff20000000ffffffff', 'hex');
        const { setxattr } = await import('#sys/ffi.ts');
        setxattr(store.path('tmp'), 'system.posix_acl_default', list);
        const tar = archive(file('a', { mode: 0o644 }), { name: 'd', type: '5' });
        await unpacker.unpack(digestOf(tar), GZIP, pieces(tar));
        expect(lstatSync(join(layerPath(store, digestOf(tar)), 'a')).mode & 0o777).toBe(0o644);
        expect(listxattr(join(layerPath(store, digestOf(tar)), 'd'))).toEqual([]);
      });
    });
  });

  describe('marks deletions', () => {
    const isWhiteout = (path: string) => lstatSync(path).isCharacterDevice() && lstatSync(path).rdev === 0;

    test('as the overlay wants them', async () => {
      const { at, layer } = await unpacked(
        archive(
          { name: 'etc/.wh.gone', uid: 4 },
          { name: 'var/', type: '5' },
          { name: 'var/.wh..wh..opq' },
          file('var/new'),
          { name: 'nowhere/.wh..wh..opq' },
          { name: '.wh.top', content: 'whiteouts are empty, but who knows' },
        ),
      );
      expect(isWhiteout(at('etc/gone'))).toBe(true);
      expect(lstatSync(at('etc/gone'))).toMatchObject({ uid: 4, mode: 0o020000 });
      expect(isWhiteout(at('top'))).toBe(true);
      expect(getxattr(at('var'), 'user.overlay.opaque')?.toString()).toBe('y');
      expect(getxattr(at('nowhere'), 'user.overlay.opaque')?.toString()).toBe('y');
      expect(readdirSync(at('var'))).toEqual(['new']);
      expect(readdirSync(layer).sort()).toEqual(['etc', 'nowhere', 'top', 'var']);
    });

    test('of the layers below only: what the layer itself has stays, and hides what was there', async () => {
      const { at } = await unpacked(
        archive(
          file('a'),
          { name: '.wh.a' },
          { name: 'd', type: '5' },
          file('d/x'),
          { name: '.wh.d' },
          { name: '.wh.e' },
          { name: 'e', type: '5' },
          { name: '.wh.f' },
          file('f'),
          { name: '.wh.g' },
          { name: 'g/.wh.h' },
        ),
      );
      expect(readFileSync(at('a'), 'utf8')).toBe('content of a');
      expect(readFileSync(at('f'), 'utf8')).toBe('content of f');
      expect(readFileSync(at('d/x'), 'utf8')).toBe('content of d/x');
      expect(getxattr(at('d'), 'user.overlay.opaque')?.toString()).toBe('y');
      expect(getxattr(at('e'), 'user.overlay.opaque')?.toString()).toBe('y');
      expect(isWhiteout(at('g'))).toBe(true);
    });

    test('by the archive’s own mark where the file system has no attributes of users', async () => {
      await using(async (store, unpacker) => {
        if (!mounted('ramfs', store.root)) return;
        for (const folder of ['tmp', 'layers']) mkdirSync(store.path(folder));
        const tar = archive({ name: 'var/.wh..wh..opq' }, file('a', { pax: { 'SCHILY.xattr.user.x': '1' } }));
        await unpacker.unpack(digestOf(tar), GZIP, pieces(tar));
        expect(readdirSync(join(layerPath(store, digestOf(tar)), 'var'))).toEqual(['.wh..wh..opq']);
      });
    });

    test('and leaves out what AUFS noted for itself', async () => {
      const { layer } = await unpacked(
        archive({ name: '.wh..wh.plnk', type: '5' }, file('.wh..wh.plnk/1.2'), { name: '.wh..wh.aufs' }, file('a')),
      );
      expect(readdirSync(layer)).toEqual(['a']);
    });

    test.each(['.wh.', 'a/.wh.', '.wh..', '.wh...'])('but not by %j, which names nothing', async (name) => {
      expect(await refusal(archive({ name }))).toMatchObject({
        kind: 'corrupt',
        why: `"${name}" deletes nothing that could be there`,
      });
    });
  });

  describe('keeps inside', () => {
    test('names that are absolute or climb, as Docker and podman place them', async () => {
      const { layer } = await unpacked(
        archive(file('/abs/a'), file('../../up'), file('x/../../../../y'), file('./dot/./b'), file('//twice//c')),
      );
      const all = readdirSync(layer, { recursive: true }).map(String).sort();
      expect(all).toEqual(['abs', 'abs/a', 'dot', 'dot/b', 'twice', 'twice/c', 'up', 'y']);
    });

    test('what goes through links that point out', async () => {
      await using(async (store, unpacker) => {
        const outside = join(store.root, '..', 'outside');
        mkdirSync(outside);
        writeFileSync(join(outside, 'secret'), 'secret');
        const tar = archive(
          { name: outside.slice(1), type: '5' },
          { name: 'abs', type: '2', link: outside },
          { name: 'up', type: '2', link: `../../../../../../../../../..${outside}` },
          file('abs/one'),
          file('up/two'),
          { name: 'three', type: '1', link: 'abs/one' },
        );
        await unpacker.unpack(digestOf(tar), GZIP, pieces(tar));
        expect(readdirSync(outside)).toEqual(['secret']);
        expect(readdirSync(join(layerPath(store, digestOf(tar)), outside)).sort()).toEqual(['one', 'two']);
      });
    });

    test('the layer’s root itself, which no member replaces or changes', async () => {
      const { layer } = await unpacked(
        archive(
          { name: './', type: '5', mode: 0o777, uid: 77 },
          file('.'),
          { name: '/', type: '2', link: '/etc' },
          file('a'),
        ),
      );
      expect(lstatSync(layer)).toMatchObject({ mode: 0o040755, uid: 0 });
      expect(readdirSync(layer)).toEqual(['a']);
    });

    test('the mode of what a replaced link pointed to', async () => {
      const { at } = await unpacked(
        archive(
          file('target', { mode: 0o600 }),
          { name: 'l', type: '2', link: 'target' },
          file('l', { mode: 0o777 }),
          { name: 'm', type: '2', link: 'dir' },
          { name: 'dir', type: '5', mode: 0o700 },
          { name: 'm', type: '5', mode: 0o777 },
        ),
      );
      expect(lstatSync(at('target')).mode & 0o777).toBe(0o600);
      expect(lstatSync(at('l')).isFile()).toBe(true);
      expect(lstatSync(at('dir')).mode & 0o777).toBe(0o700);
      expect(lstatSync(at('m')).isDirectory()).toBe(true);
    });
  });

  describe('replaces', () => {
    test('what an earlier member of the same name made, whatever kind it was', async () => {
      const { at, size } = await unpacked(
        archive(
          { name: 'd', type: '5' },
          file('d/\xff\xfe'),
          file('d/x/y'),
          file('d', { content: 'now a file' }),
          file('f'),
          { name: 'f', type: '5' },
          file('f/in'),
          file('twice', { content: 'the first, longer one' }),
          file('twice', { content: 'second' }),
        ),
      );
      expect(readFileSync(at('d'), 'utf8')).toBe('now a file');
      expect(lstatSync(at('f')).isDirectory()).toBe(true);
      expect(readFileSync(at('twice'), 'utf8')).toBe('second');
      expect(size).toBe('now a file'.length + 'content of f/in'.length + 'second'.length);
    });
  });

  describe('reads', () => {
    const tar = archive(file('a'), file('b', { content: randomBytes(200_000) }), { name: 'd', type: '5' });
    const halves = [tar.subarray(0, 100_000), tar.subarray(100_000)];

    test.each([
      ['no compression', tar],
      ['gzip', gzipSync(tar)],
      ['gzip in members', Buffer.concat(halves.map((half) => gzipSync(half)))],
      ['gzip with zeros after it', Buffer.concat([gzipSync(tar), Buffer.alloc(5000)])],
      ['zstd', zstdCompressSync(tar)],
      ['zstd in frames', Buffer.concat(halves.map((half) => zstdCompressSync(half)))],
      [
        'zstd with skippable frames and checksums',
        Buffer.concat([
          Buffer.from('502a4d180400000001020304', 'hex'),
          ...halves.map((half) => zstdCompressSync(half, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })),
          Buffer.from('5f2a4d1800000000', 'hex'),
        ]),
      ],
    ])('%s, whatever the media type says', async (_what, blob) => {
      for (const pieceSize of [7, 65536]) {
        const { at } = await unpacked(tar, { blob, pieceSize: pieceSize === 7 ? 1009 : pieceSize });
        expect(readFileSync(at('a'), 'utf8')).toBe('content of a');
        expect(readFileSync(at('b')).length).toBe(200_000);
      }
    });

    test.each([
      ['bzip2', '425a683931415926'],
      ['xz', 'fd377a585a000004'],
    ])('no %s, and says so', async (name, start) => {
      const blob = Buffer.from(start, 'hex');
      expect(await refusal(blob)).toMatchObject({ kind: 'unsupported', why: `it is compressed by ${name}` });
    });

    test('an archive without its end, and nothing that comes after the end', async () => {
      expect((await unpacked(member(file('a')))).size).toBe(12);
      expect((await unpacked(Buffer.alloc(0))).size).toBe(0);
      expect((await unpacked(END)).size).toBe(0);
      const after = Buffer.concat([archive(file('a')), randomBytes(100_001)]);
      const { layer } = await unpacked(after);
      expect(readdirSync(layer)).toEqual(['a']);
      const hidden = Buffer.concat([archive(file('a')), archive(file('b'))]);
      expect(readdirSync((await unpacked(hidden)).layer)).toEqual(['a']);
    });

    test('no global headers, as Docker and podman', async () => {
      const global = member({ name: 'g', type: 'g', content: '25 path=taken/over/by/all\n'.replace('25', '26') });
      const { layer } = await unpacked(archive(global, file('a')));
      expect(readdirSync(layer)).toEqual(['a']);
    });

    test('an extended header without records', async () => {
      const { at } = await unpacked(archive(member({ name: 'x', type: 'x' }), file('a'), file('b')));
      expect(readFileSync(at('b'), 'utf8')).toBe('content of b');
    });
  });

  describe('refuses, and leaves nothing', () => {
    test.each<[string, (Member | Buffer)[], string, string]>([
      [
        'a hard link to nothing',
        [{ name: 'a', type: '1', link: 'b' }],
        'corrupt',
        '"a" is a hard link to "b", which is not in the layer',
      ],
      [
        'a hard link out of the layer',
        [{ name: 'a', type: '1', link: '../../../../../../etc/passwd' }],
        'corrupt',
        '"a" is a hard link to "../../../../../../etc/passwd", which is not in the layer',
      ],
      [
        'a hard link through a symbolic link to the outside',
        [
          { name: 'l', type: '2', link: '/etc' },
          { name: 'a', type: '1', link: 'l/passwd' },
        ],
        'corrupt',
        '"a" is a hard link to "l/passwd", which is not in the layer',
      ],
      [
        'a hard link to a directory',
        [
          { name: 'd', type: '5' },
          { name: 'a', type: '1', link: 'd' },
        ],
        'corrupt',
        '"a" is a hard link to "d", which is a directory',
      ],
      ['a symbolic link to nothing', [{ name: 'a', type: '2' }], 'corrupt', '"a" is a link to nothing'],
      ['a member below a file', [file('a'), file('a/b')], 'corrupt', '"a/b": its path leads through a file'],
      [
        'a member behind a dangling link',
        [{ name: 'l', type: '2', link: '/nowhere' }, file('l/b')],
        'corrupt',
        '"l/b": its path leads through a link that points nowhere',
      ],
      [
        'a loop of links',
        [{ name: 'l', type: '2', link: 'm' }, { name: 'm', type: '2', link: 'l' }, file('l/b')],
        'corrupt',
        '"l/b": its path leads through too many links',
      ],
      [
        'a name of 256 bytes',
        [gnuLong('L', 'n'.repeat(256)), file('x')],
        'corrupt',
        `"${'n'.repeat(120)}…": its name is too long`,
      ],
      [
        'a path of more than 4096 bytes',
        [gnuLong('L', 'n/'.repeat(2100)), file('x')],
        'corrupt',
        `"${'n/'.repeat(60)}…": its name is too long`,
      ],
      [
        'a sparse file of GNU tar',
        [{ name: 'a', type: 'S', format: 'gnu' }],
        'unsupported',
        '"a" is a sparse file, or of another kind that images have not',
      ],
      [
        'a sparse file of PAX',
        [file('a', { pax: { 'GNU.sparse.major': '1' } })],
        'unsupported',
        '"a" is a sparse file, or of another kind that images have not',
      ],
      [
        'an unknown kind',
        [{ name: 'a\x1b[2J', type: 'Z' }],
        'unsupported',
        '"a?[2J" is a sparse file, or of another kind that images have not',
      ],
      [
        'an impossible owner',
        [file('a', { pax: { uid: '4294967295' } })],
        'corrupt',
        '"a" has an impossible owner: 4294967295',
      ],
      ['a negative owner', [file('a', { pax: { gid: '-1' } })], 'corrupt', '"a" has an impossible group: -1'],
      ['a time that is none', [file('a', { pax: { mtime: 'noon' } })], 'corrupt', '"a" has an impossible time: noon'],
      [
        'a name with a NUL byte',
        [file('a', { pax: { path: 'a\0b' } })],
        'corrupt',
        'the archive has a malformed extended header',
      ],
      [
        'an extended header of 4 GB',
        [member({ name: 'x', type: 'x', size: 4 * 1024 ** 3, content: 'short' })],
        'corrupt',
        'the archive has an extended header of more than 1048576 bytes',
      ],
      [
        'an extended header of 2 MB',
        [member({ name: 'x', type: 'x', content: Buffer.alloc(2 * 1024 ** 2, 'x') })],
        'corrupt',
        'the archive has an extended header of more than 1048576 bytes',
      ],
      [
        'an attribute that no file system takes',
        [file('a', { pax: { 'SCHILY.xattr.user.x': Buffer.alloc(70_000, 'x') } })],
        'unsupported',
        'an extended attribute of "a" is larger than the file system takes',
      ],
    ])('%s', async (_what, members, kind, why) => {
      expect(await refusal(archive(...members))).toMatchObject({ kind, why });
    });

    test.each<[string, Buffer, string]>([
      ['no archive', Buffer.from('<!DOCTYPE html>'.repeat(100)), 'it is not a tar archive, or a damaged one'],
      ['a cut header', member(file('a')).subarray(0, 300), 'the archive is cut off'],
      ['a cut content', member(file('a', { content: Buffer.alloc(5000) })).subarray(0, 3000), 'the archive is cut off'],
      [
        'a file that is announced and does not come',
        member(file('a', { size: 8 * 1024 ** 3 })),
        'the archive is cut off',
      ],
      ['a cut gzip', gzipSync(archive(file('a'))).subarray(0, 60), 'the compressed data is cut off'],
      ['a gzip without its checksum', gzipSync(archive(file('a'))).subarray(0, -8), 'the compressed data is cut off'],
      ['a cut zstd', zstdCompressSync(archive(file('a'))).subarray(0, 60), 'the compressed data is cut off'],
      [
        'garbage after gzip',
        Buffer.concat([gzipSync(archive(file('a'))), Buffer.from('garbage')]),
        'the compressed data is damaged: incorrect header check',
      ],
    ])('%s', async (_what, blob, why) => {
      expect(await refusal(blob)).toMatchObject({ kind: 'corrupt', why });
    });

    test('a gzip with a flipped bit', async () => {
      const blob = gzipSync(archive(file('a', { content: randomBytes(5000) })));
      blob.writeUInt8((blob[2000] ?? 0) ^ 0x10, 2000);
      expect(await refusal(blob)).toMatchObject({ kind: 'corrupt' });
    });

    test('a layer with another diff ID than the image says', async () => {
      const tar = archive(file('a'));
      const { kind, why } = await refusal(tar, { diffId: `sha256:${'0'.repeat(64)}` });
      expect(kind).toBe('corrupt');
      expect(why).toBe(`its content is ${digestOf(tar)}`);
    });
  });

  describe('ends in one line, and leaves nothing', () => {
    /** A source that gives one piece and then waits; `meanwhile` is called when the child has made the file of it. */
    async function* waiting(store: Store, meanwhile: (directory: string) => void) {
      yield Buffer.concat([member(file('a')), member({ name: 'b', size: 1000 })]);
      for (;;) {
        const [staged] = readdirSync(store.path('tmp'));
        if (staged !== undefined && existsSync(store.path('tmp', staged, 'a'))) {
          meanwhile(store.path('tmp', staged));
          break;
        }
        await new Promise(setImmediate);
      }
      await new Promise(() => undefined);
    }

    test('when it is aborted', async () => {
      await using(async (store, unpacker) => {
        const abort = new AbortController();
        const source = waiting(store, () => abort.abort(new Error('enough')));
        await expect(unpacker.unpack(digestOf(END), GZIP, arriving(source), { abort: abort.signal })).rejects.toThrow(
          'enough',
        );
        expect(readdirSync(store.path('tmp'))).toEqual([]);
      });
    });

    test('when its process is killed; the next layer gets another', async () => {
      await using(async (store, unpacker) => {
        const source = waiting(store, (directory) => {
          for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
            if (rootOf(pid) === directory) process.kill(Number(pid), 'SIGKILL');
          }
        });
        await expect(unpacker.unpack(digestOf(END), GZIP, arriving(source))).rejects.toMatchObject({
          kind: 'unavailable',
          message: `Cannot unpack the layer ${digestOf(END)}: its process ended before it was done: SIGKILL`,
        });
        expect(readdirSync(store.path('tmp'))).toEqual([]);
        await unpacker.unpack(digestOf(END), GZIP, pieces(END));
        expect(hasLayer(store, digestOf(END))).toBe(true);
      });
    });

    test('when the command is killed: its child ends and takes away what it has made', async () => {
      const store = temporaryStore();
      const path = join(temporaryDirectory(), 'blob');
      writeFileSync(path, member(file('a')));
      // The command, which never gets to an end.
      const script = `
        import { openUnpacker } from '#store/unpack.ts';
        const host = ${JSON.stringify(store.host)};
        const store = { root: host.root, host, path: (...parts) => [host.root, ...parts].join('/') };
        async function* endless() {
          yield 1024;
          await new Promise(() => setInterval(() => undefined, 1000));
        }
        await openUnpacker(store).unpack('${digestOf(END)}', '', { path: '${path}', sizes: endless() });`;
      const command = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
      const staged = () => readdirSync(store.path('tmp'))[0];
      const until = async (condition: () => boolean) => {
        while (!condition()) await new Promise(setImmediate);
      };
      await until(() => existsSync(store.path('tmp', staged() ?? 'nothing', 'a')));
      command.kill('SIGKILL');
      await until(() => staged() === undefined);
    });

    test('when the source breaks, with what the source says', async () => {
      await using(async (store, unpacker) => {
        async function* broken() {
          yield member(file('a'));
          throw new Error('connection reset');
        }
        await expect(unpacker.unpack(digestOf(END), GZIP, arriving(broken()))).rejects.toThrow('connection reset');
        expect(readdirSync(store.path('tmp'))).toEqual([]);
      });
    });

    test('when the disk is full', async () => {
      await using(async (store, unpacker) => {
        if (!mounted('tmpfs', store.path('tmp'), 'size=2m')) return;
        // A bomb: 64 MB of zeros in 64 KB.
        const tar = archive({ name: 'zeros', content: Buffer.alloc(64 * 1024 ** 2) });
        await expect(unpacker.unpack(digestOf(tar), GZIP, pieces(gzipSync(tar)))).rejects.toMatchObject({
          kind: 'unavailable',
          message: `Cannot unpack the layer ${digestOf(tar)} in "${store.root}": no space left on the device`,
        });
        expect(readdirSync(store.path('tmp'))).toEqual([]);
        expect(readdirSync(store.path('layers'))).toEqual([]);
      });
    });
  });

  function rootOf(pid: string): string | undefined {
    try {
      return readlinkSync(`/proc/${pid}/root`);
    } catch {
      return undefined;
    }
  }

  describe('several at once', () => {
    test('are all unpacked, also the same one twice, and one that fails does not touch the others', async () => {
      await using(async (store, unpacker) => {
        const tars = Array.from({ length: 12 }, (_, index) =>
          archive(file(`only-${index}`), { name: 'b', content: randomBytes(100_000) }),
        );
        const bad = gzipSync(tars[0] ?? END).subarray(0, 1000);
        const all = await Promise.allSettled([
          ...[...tars, ...tars].map((tar) => unpacker.unpack(digestOf(tar), GZIP, pieces(gzipSync(tar)))),
          unpacker.unpack(digestOf(END), GZIP, pieces(bad)),
        ]);
        expect(all.map(({ status }) => status)).toEqual([...Array(24).fill('fulfilled'), 'rejected']);
        expect(readdirSync(store.path('layers')).length).toBe(12);
        tars.forEach((tar, index) => {
          expect(readdirSync(layerPath(store, digestOf(tar))).sort()).toEqual(['b', `only-${index}`]);
        });
        expect(readdirSync(store.path('tmp'))).toEqual([]);
      });
    });
  });
});
