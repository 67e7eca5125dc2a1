import { describe, expect, test } from 'vitest';
import {
  followed,
  insidePath,
  keepEnding,
  memberName,
  planCopy,
  renamer,
  splitCopyArgument,
  splitPath,
} from '#container/copy-paths.ts';

test.each([
  ['web:/etc', 'web', '/etc'],
  ['web:', 'web', ''],
  ['web:a:b', 'web', 'a:b'],
  ['/a:b', '', '/a:b'],
  ['./a:b', '', './a:b'],
  ['../a:b', '', '../a:b'],
  ['plain', '', 'plain'],
  ['-', '', '-'],
])('splitCopyArgument() takes %o for %o and %o', (argument, container, path) => {
  expect(splitCopyArgument(argument)).toEqual({ container, path });
});

test.each([
  ['/a/b', '/a/b', '/a/b'],
  ['/a/b', 'x/', '/a/b/'],
  ['/a/b', 'x/.', '/a/b/.'],
  ['/', '/.', '/.'],
  ['/', '/', '/'],
  ['/a', '.', '/a/.'],
])('keepEnding(%o) of %o is %o', (cleaned, original, kept) => {
  expect(keepEnding(cleaned, original)).toBe(kept);
});

test.each([
  ['/a/b', '/a', 'b'],
  ['/a/b/', '/a', 'b'],
  ['/a/b/.', '/a/b', '.'],
  ['/a', '/', 'a'],
  ['/', '/', '/'],
  ['/.', '/', '.'],
  ['a', '.', 'a'],
])('splitPath(%o) is %o and %o', (path, directory, entry) => {
  expect(splitPath(path)).toEqual({ directory, entry });
});

test.each([
  ['/', '/'],
  ['a', '/a'],
  ['../../a', '/a'],
  ['/a/../b/', '/b/'],
  ['/a/.', '/a/.'],
  ['.', '/.'],
])('insidePath(%o) is %o in the container', (path, inside) => {
  expect(insidePath(path)).toBe(inside);
});

test('insidePath() refuses nothing at all, as Docker does', () => {
  expect(() => insidePath('')).toThrow('bad parameter: pathcannot be empty');
});

test.each([
  ['/link', '/real', '/real', 'link'],
  ['/link/', '/real', '/real/', 'link'],
  ['/link/.', '/real', '/real/.', undefined],
  ['/a/same', '/b/same', '/b/same', undefined],
])('what %o leads to, %o, is copied as %o and named %o', (path, target, end, rename) => {
  expect(followed(path, target)).toEqual(rename === undefined ? { path: end } : { path: end, rename });
});

/** Docker's table of sources and destinations: into which directory, and under which name; or why not. */
describe('planCopy()', () => {
  const at = (path: string, what: 'file' | 'directory' | 'nothing') => ({
    path,
    exists: what !== 'nothing',
    isDirectory: what === 'directory',
  });
  test.each([
    ['/s/file', 'file', '/d/x', 'nothing', '/d', 'file>x'],
    ['/s/file', 'file', '/d/x/', 'nothing', 'no such directory', ''],
    ['/s/file', 'file', '/d/x/.', 'nothing', 'no such directory', ''],
    ['/s/file', 'file', '/d/x', 'file', '/d', 'file>x'],
    ['/s/file', 'file', '/d/x', 'directory', '/d/x', ''],
    ['/s/dir', 'directory', '/d/x', 'nothing', '/d', 'dir>x'],
    ['/s/dir', 'directory', '/d/x/', 'nothing', '/d', 'dir>x'],
    ['/s/dir', 'directory', '/d/x/.', 'nothing', '/d/x', 'dir>.'],
    ['/s/dir/.', 'directory', '/d/x', 'nothing', '/d', '.>x'],
    ['/s/dir', 'directory', '/d/x', 'file', 'cannot copy directory', ''],
    ['/s/dir/.', 'directory', '/d/x', 'file', 'cannot copy directory', ''],
    ['/s/dir', 'directory', '/d/x', 'directory', '/d/x', ''],
    ['/s/dir/.', 'directory', '/d/x', 'directory', '/d/x', ''],
    ['/', 'directory', '/d/x', 'nothing', '/d', '/>x'],
  ] as const)('%s (a %s) to %s (a %s) goes to %s %s', (source, kind, destination, there, directory, names) => {
    const plan = () => planCopy({ path: source, isDirectory: kind === 'directory' }, at(destination, there));
    if (!directory.startsWith('/')) {
      expect(plan).toThrow(directory);
      return;
    }
    const [from = '', to = ''] = names.split('>');
    expect(plan()).toEqual(names === '' ? { directory } : { directory, renaming: { from, to } });
  });

  test('gives a followed link its own name', () => {
    const source = { path: '/s/real', isDirectory: false, rename: 'link' };
    expect(planCopy(source, at('/d/x', 'nothing')).renaming).toEqual({ from: 'link', to: 'x' });
  });
});

test.each([
  ['dir', 'x', 'dir', 'x'],
  ['dir', 'x', 'dir/a', 'x/a'],
  ['dir', 'x', 'directory', 'directory'],
  ['.', 'x', './a', 'x/a'],
  ['/', 'x', '/etc/passwd', 'x/etc/passwd'],
  ['/', 'x', '/', 'x/'],
  ['dir', '.', 'dir/a', './a'],
])('renamer() from %o to %o makes %o of it: %o', (from, to, name, renamed) => {
  expect(renamer({ from, to })(name)).toBe(renamed);
});

test.each([
  ['dir', '', 'dir'],
  ['dir', 'a/b', 'dir/a/b'],
  ['.', 'a', './a'],
  ['/', '', '/'],
  ['/', 'a', '/a'],
])('memberName(%o, %o) is %o', (top, below, name) => {
  expect(memberName(top, below)).toBe(name);
});
