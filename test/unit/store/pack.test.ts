import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Packable, packTree } from '#store/pack.ts';
import { type Entry, tarReader } from '#store/tar.ts';
import { members, openUnion, placeAt } from '#store/union.ts';
import { setxattr } from '#sys/ffi.ts';
import { temporaryDirectory, unprivileged } from '#test/support/store.ts';
import { plant } from '#test/support/tree.ts';

interface Read extends Partial<Entry> {
  content?: string;
}

/** An archive's members by name, with their content. */
function readBack(archive: Buffer): Map<string, Read> {
  const found = new Map<string, Read>();
  const tar = tarReader((entry, content, next) => {
    const parts: Buffer[] = [];
    const done = () => {
      found.set(entry.name, { ...entry, content: Buffer.concat(parts).toString('latin1') });
      next();
    };
    if (entry.size === 0) return done();
    content.onData((chunk) => parts.push(Buffer.from(chunk)));
    content.onEnd(done);
  });
  void tar.write(archive);
  tar.end();
  return found;
}

/** The archive of a directory; `meanwhile` is called before each of its files is packed. */
function pack(root: string, meanwhile: (path: string) => void = () => undefined): Buffer {
  using top = openUnion({ layers: [placeAt(root, { live: true })], marks: false });
  function* files(): Generator<Packable> {
    for (const member of members(top)) {
      meanwhile(member.path);
      yield member;
    }
  }
  return Buffer.concat(Array.from(packTree(files()), (piece) => Buffer.from(piece)));
}

test('an archive has what was there: kinds, modes, times, contents, names in no encoding', () => {
  const root = plant(temporaryDirectory(), {
    'a/file': 'content',
    'a/empty': '',
    link: { symlink: '/a/file' },
    pipe: { fifo: true },
    d: { directory: true },
  });
  chmodSync(join(root, 'a/file'), 0o4755);
  chmodSync(join(root, 'd'), 0o1777);
  utimesSync(join(root, 'a/file'), 1_111_111_111.9, 1_111_111_111.9);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0x61, 0xff)]), 'raw');
  const found = readBack(pack(root));
  expect([...found.keys()]).toEqual(['a/', 'a/empty', 'a/file', 'a\xff', 'd/', 'link', 'pipe']);
  expect(found.get('a/file')).toMatchObject({ kind: 'file', mode: 0o4755, content: 'content', size: 7 });
  // Docker's archives have no fractions of seconds.
  expect(found.get('a/file')?.modified).toEqual({ seconds: 1_111_111_111, nanoseconds: 0 });
  expect(found.get('d/')).toMatchObject({ kind: 'directory', mode: 0o1777 });
  expect(found.get('link')).toMatchObject({ kind: 'symlink', linkName: '/a/file' });
  expect(found.get('pipe')).toMatchObject({ kind: 'fifo' });
  expect(found.get('a\xff')).toMatchObject({ content: 'raw' });
});

test('GNU tar lists and unpacks an archive, large files whole', () => {
  const root = plant(temporaryDirectory(), { 'x/y': 'z' });
  writeFileSync(join(root, 'large'), Buffer.alloc(3_000_001, 'ab'));
  truncateSync(join(root, 'x/y'), 2_000_000);
  const target = temporaryDirectory();
  const archive = join(temporaryDirectory(), 'archive.tar');
  writeFileSync(archive, pack(root));
  expect(execFileSync('tar', ['-tf', archive], { encoding: 'utf8' })).toBe('large\nx/\nx/y\n');
  execFileSync('tar', ['-x', '-f', archive, '-C', target]);
  expect(execFileSync('diff', ['-r', root, target], { encoding: 'utf8' })).toBe('');
});

test('a file with several names is there once, and then as links to the first', () => {
  const root = plant(temporaryDirectory(), { 'b/one': 'x', 'a/two': { link: 'b/one' }, c: { link: 'b/one' } });
  const found = readBack(pack(root));
  expect(found.get('a/two')).toMatchObject({ kind: 'file', content: 'x' });
  expect(found.get('b/one')).toMatchObject({ kind: 'link', linkName: 'a/two' });
  expect(found.get('c')).toMatchObject({ kind: 'link', linkName: 'a/two' });
});

test('sockets are left out', async () => {
  const root = plant(temporaryDirectory(), { file: 'x' });
  const server = createServer().listen(join(root, 'socket'));
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  expect([...readBack(pack(root)).keys()]).toEqual(['file']);
});

test.skipIf(unprivileged)("owners, capabilities and users' attributes go with a file, those of overlays do not", () => {
  const root = plant(temporaryDirectory(), { file: 'x', d: { directory: 'opaque' } });
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  chownSync(join(root, 'file'), 3_000_000, 12);
  setxattr(join(root, 'file'), 'security.capability', capability);
  setxattr(join(root, 'file'), 'user.colour', Buffer.of(0, 0xff));
  setxattr(join(root, 'file'), 'user.overlay.origin', Buffer.of(1));
  const found = readBack(pack(root));
  expect(found.get('file')).toMatchObject({ uid: 3_000_000, gid: 12 });
  expect(new Map(found.get('file')?.attributes)).toEqual(
    new Map([
      ['security.capability', capability.toString('latin1')],
      ['user.colour', '\0\xff'],
    ]),
  );
  expect(found.get('d/')?.attributes).toEqual([]);
});

test('a file that shrinks or grows while it is packed leaves the archive whole', () => {
  const root = plant(temporaryDirectory(), { z: 'last' });
  const size = 5_000_000;
  writeFileSync(join(root, 'grows'), Buffer.alloc(size, 'g'));
  writeFileSync(join(root, 'shrinks'), Buffer.alloc(size, 's'));
  using top = openUnion({ layers: [placeAt(root, { live: true })], marks: false });
  const pieces: Buffer[] = [];
  for (const piece of packTree(members(top))) {
    pieces.push(Buffer.from(piece));
    if (pieces.length === 1) appendFileSync(join(root, 'grows'), 'more');
    if (pieces.length === 6) truncateSync(join(root, 'shrinks'), 10);
  }
  const found = readBack(Buffer.concat(pieces));
  expect(found.get('grows')?.content).toBe('g'.repeat(size));
  expect(found.get('shrinks')).toMatchObject({ size });
  expect(found.get('shrinks')?.content?.endsWith('\0')).toBe(true);
  expect(found.get('z')).toMatchObject({ content: 'last' });
});

test('a file that goes, or that becomes a link or a pipe, before it is packed is left out', () => {
  const root = plant(temporaryDirectory(), { gone: 'x', link: 'x', pipe: 'x', stays: 'x' });
  const archive = pack(root, (path) => {
    if (path === 'stays') return;
    rmSync(join(root, path));
    if (path === 'link') symlinkSync('/etc/passwd', join(root, path));
    if (path === 'pipe') plant(root, { pipe: { fifo: true } });
  });
  expect([...readBack(archive).keys()]).toEqual(['stays']);
});

test('entries without a file are written as they are given', () => {
  const archive = Array.from(packTree([{ kind: 'file', name: 'etc/.wh.gone' }]), (piece) => Buffer.from(piece));
  expect([...readBack(Buffer.concat(archive)).keys()]).toEqual(['etc/.wh.gone']);
});
