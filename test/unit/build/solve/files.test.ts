import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestFile, sumOf } from '#build/solve/checksum.ts';
import { workOnFiles } from '#build/solve/files.ts';
import { ignoreFilter, pickOf } from '#build/solve/pick.ts';
import { matchSources, type Source } from '#build/solve/source.ts';
import { readTree } from '#build/solve/tree.ts';
import type { CopyAction } from '#build/vertex.ts';
import { placeAt } from '#store/union.ts';
import { temporaryDirectory } from '#test/support/store.ts';
import { type Planted, plant } from '#test/support/tree.ts';

const treeAt = (root: string) => readTree({ layers: [placeAt(root)], marks: false });

function sourceAt(root: string, ignore = ''): Source {
  const filter = ignoreFilter(ignore);
  return {
    tree: treeAt(root),
    digest: (_path, found) => digestFile(found),
    ...(filter === undefined ? {} : { filter }),
  };
}

const action = (source: string, target: string, more: Partial<CopyAction> = {}): CopyAction => ({
  action: 'copy',
  from: 1,
  source,
  target,
  exclude: [],
  unpack: false,
  wildcard: true,
  allowEmpty: true,
  followLinks: true,
  contentsOnly: true,
  createTarget: true,
  ...more,
});

interface Copied {
  base?: Record<string, Planted>;
  files: Record<string, Planted>;
  ignore?: string;
  actions: CopyAction[];
}

/** The layer's paths, in the order of their names. */
async function copied({ base = {}, files, ignore = '', actions }: Copied): Promise<{ root: string; paths: string[] }> {
  const [context, below, upper] = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory()];
  plant(context, files);
  plant(below, base);
  const sources = new Map([[1, sourceAt(context, ignore)]]);
  await workOnFiles(upper, { actions, base: treeAt(below), sources, pick: pickOf });
  return { root: upper, paths: readdirSync(upper, { recursive: true, encoding: 'utf8' }).sort() };
}

test('the contents of a directory are copied, a file goes into a directory that is there or ends in a slash', async () => {
  const files = { 'dir/f': 'x', 'dir/sub/g': 'y', 'a.txt': 't' };
  const actions = [
    action('/dir', '/one'),
    action('/a.txt', '/two/'),
    action('/a.txt', '/three'),
    action('/a.txt', '/q'),
  ];
  const { paths } = await copied({ base: { 'q/old': 'o' }, files, actions });
  expect(paths).toEqual(['one', 'one/f', 'one/sub', 'one/sub/g', 'q', 'q/a.txt', 'three', 'two', 'two/a.txt']);
});

test('a link in the tree below is followed inside of it, and nothing is written anywhere else', async () => {
  const base = { 'real/x': '', l: { symlink: '/real' }, out: { symlink: '../../../../../../tmp' } } as Record<
    string,
    Planted
  >;
  const { paths } = await copied({
    base,
    files: { 'a.txt': 't' },
    actions: [action('/a.txt', '/l/n/'), action('/a.txt', '/out/b')],
  });
  expect(paths).toEqual(['real', 'real/n', 'real/n/a.txt', 'tmp', 'tmp/b']);
});

test('a link of the context that leads out of it leads nowhere', () => {
  const context = temporaryDirectory();
  symlinkSync('/etc/passwd', join(context, 'abs'));
  symlinkSync('../../../../../../../../etc/passwd', join(context, 'up'));
  for (const path of ['/abs', '/up', '/../../etc/passwd']) {
    expect(() => matchSources(sourceAt(context), action(path, '/x'))).toThrow('not found');
  }
});

test('links below a directory are copied as links, and names of one file stay one file', async () => {
  const context = temporaryDirectory();
  mkdirSync(join(context, 'd'));
  writeFileSync(join(context, 'd/f'), 'x');
  linkSync(join(context, 'd/f'), join(context, 'd/g'));
  symlinkSync('f', join(context, 'd/l'));
  const upper = temporaryDirectory();
  const sources = new Map([[1, sourceAt(context)]]);
  await workOnFiles(upper, {
    actions: [action('/d', '/d')],
    base: treeAt(temporaryDirectory()),
    sources,
    pick: pickOf,
  });
  expect(readlinkSync(join(upper, 'd/l'))).toBe('f');
  expect(lstatSync(join(upper, 'd/f')).ino).toBe(lstatSync(join(upper, 'd/g')).ino);
});

test('--exclude leaves out, --parents keeps the path, a wildcard takes what it matches', async () => {
  const files = { 'a/b/1.txt': '1', 'a/b/2.md': '2', 'a/3.txt': '3' };
  const actions = [
    action('/a', '/e', { exclude: ['**/*.md'] }),
    action('/', '/p', { include: ['a/b/*.txt'] }),
    action('/a/*.txt', '/w/'),
    action('/none*', '/n/'),
  ];
  const { paths } = await copied({ files, actions });
  expect(paths).toEqual(['e', 'e/3.txt', 'e/b', 'e/b/1.txt', 'p', 'p/a', 'p/a/b', 'p/a/b/1.txt', 'w', 'w/3.txt']);
});

test('what .dockerignore names is not there, and what it takes back is, with its directories', async () => {
  const files = { 'keep/x': '', 'drop/y': '', 'drop/z': '' };
  const { paths } = await copied({ files, ignore: 'drop\n!drop/z', actions: [action('/', '/')] });
  expect(paths).toEqual(['drop', 'drop/z', 'keep', 'keep/x']);
  await expect(copied({ files, ignore: 'drop', actions: [action('/drop/y', '/')] })).rejects.toThrow(
    '"/drop/y": not found',
  );
});

test('a directory does not take the place of a file, nor a file that of a directory', async () => {
  const files = { 'd/f': 'x' };
  const into = (base: Record<string, Planted>, target: string) =>
    copied({ base, files, actions: [action('/d', target)] });
  await expect(into({ x: 'file' }, '/x')).rejects.toThrow('cannot copy to non-directory: /x');
  await expect(into({ 'y/f/z': '' }, '/y')).rejects.toThrow('cannot replace to directory /y/f with file');
});

test('an owner is looked up in the tree, an id is its group too, and who is unknown is root', async () => {
  const { ownerIn } = await import('#build/solve/owner.ts');
  const root = temporaryDirectory();
  plant(root, { 'etc/passwd': 'web:x:33:34::/:/bin/sh\n', 'etc/group': 'staff:x:50:\n' });
  const owner = (text: string) => ownerIn(treeAt(root), text);
  expect(owner('web')).toMatchObject({ uid: 33, gid: 34 });
  expect(owner('web:staff')).toEqual({ uid: 33, gid: 50 });
  expect(owner('7')).toEqual({ uid: 7, gid: 7 });
  expect(owner('7:staff')).toEqual({ uid: 7, gid: 50 });
  expect(owner('nobody-knows')).toEqual({ uid: 0, gid: 0 });
});

test('the sum of a source is that of its content: a touched file has the same, a changed one another', async () => {
  const context = temporaryDirectory();
  plant(context, { 'd/f': 'x' });
  const sum = () => sumOf(sourceAt(context), matchSources(sourceAt(context), action('/d', '/x')));
  const before = await sum();
  writeFileSync(join(context, 'd/f'), readFileSync(join(context, 'd/f')));
  expect(await sum()).toBe(before);
  writeFileSync(join(context, 'd/f'), 'y');
  expect(await sum()).not.toBe(before);
});
