import { expect, test } from 'vitest';
import { makeMatcher, readIgnoreFile } from '#build/dockerfile/ignore.ts';

const FILES = [
  '!bang',
  '#hash',
  '.hidden',
  'a',
  'a.txt',
  'a\\b',
  'b.md',
  'caret^x',
  'foo/bar/baz',
  'foo/keep/me',
  'foo2/z',
  'q1',
  'q2',
  'qa',
  'sp ace/f',
  'st*r',
  'we[ird]',
  'x/.h',
  'x/a.txt',
  'x/node_modules/k',
  'x/y/a.md',
  'x/y/z.txt',
];

const ignored = (text: string) => {
  const matcher = makeMatcher(readIgnoreFile(text));
  return FILES.filter((file) => matcher.matches(file));
};

/** The answers are those of docker build's COPY of a directory with these files. */
test.each<[string, string[]]>([
  ['*.txt', ['a.txt']],
  ['**/*.txt', ['a.txt', 'x/a.txt', 'x/y/z.txt']],
  ['x/*\n!x/y', ['x/.h', 'x/a.txt', 'x/node_modules/k']],
  ['*\n!x/y/a.md', FILES.filter((file) => file !== 'x/y/a.md')],
  ['!a\n*', FILES],
  ['**', FILES],
  ['**/node_modules', ['x/node_modules/k']],
  ['/a\n./b.md', ['a', 'b.md']],
  ['q?', ['q1', 'q2', 'qa']],
  ['q[12]', ['q1', 'q2']],
  ['q[^1]', ['q2', 'qa']],
  ['\\!bang\n\\#hash', ['!bang', '#hash']],
  ['# comment\n#hash', []],
  ['st\\*r\na\\\\b\nwe\\[ird\\]', ['a\\b', 'st*r', 'we[ird]']],
  ['we[ird]', []],
  ['foo/**/baz', ['foo/bar/baz']],
  ['foo\n!foo/keep', ['foo/bar/baz']],
  ['foo/*\n!foo/keep\nfoo/keep/me', ['foo/bar/baz', 'foo/keep/me']],
  ['foo*', ['foo/bar/baz', 'foo/keep/me', 'foo2/z']],
  ['  sp ace/  ', ['sp ace/f']],
  ['../a\n.\n./', []],
  ['a/../b.md', ['b.md']],
  ['**/a*', ['a', 'a.txt', 'a\\b', 'x/a.txt', 'x/y/a.md']],
  ['caret^*', []],
  ['.*\n**/.h*', ['.hidden', 'x/.h']],
  ['\ufeffa\r\nb.md\r\n', ['a', 'b.md']],
  ['x/?/*', ['x/y/a.md', 'x/y/z.txt']],
])('%j leaves out what Docker leaves out', (text, expected) => {
  expect(ignored(text)).toEqual(expected);
});

test.each([
  ['!', 'illegal exclusion pattern: "!"'],
  ['a[', 'syntax error in pattern'],
  ['q\\', 'syntax error in pattern'],
  ['q[b-a]', 'syntax error in pattern'],
  ['[]a]', 'syntax error in pattern'],
])('%j is refused', (text, message) => {
  expect(() => ignored(text)).toThrow(message);
});

test('a directory that is left out is only entered where an exception can be below it', () => {
  const closed = (text: string, directory: string) => makeMatcher(readIgnoreFile(text)).isClosed(directory);
  expect(closed('x', 'x')).toBe(true);
  expect(closed('x\n!x/y/z', 'x')).toBe(false);
  expect(closed('x\n!x/y/z', 'x/y')).toBe(false);
  expect(closed('x\n!x/y/z', 'x/w')).toBe(true);
  expect(closed('x\n!**/z', 'x/w')).toBe(false);
  expect(closed('x\n!x/y/**', 'x/y')).toBe(false);
});

test('a hundred thousand patterns cost a look each, not a walk', () => {
  const text = Array.from({ length: 100_000 }, (_, index) => `dir/file-${index}`).join('\n');
  const matcher = makeMatcher(readIgnoreFile(text));
  const names = Array.from({ length: 20_000 }, (_, index) => `dir/file-${index * 7}`);
  expect(names.filter((name) => matcher.matches(name))).toHaveLength(Math.ceil(100_000 / 7));
});
