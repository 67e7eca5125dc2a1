import { describe, expect, test } from 'vitest';
import { cleanName, parentOf, raw } from '#store/tree.ts';

describe('cleanName()', () => {
  test.each([
    ['a/b', 'a/b'],
    ['./a/b/', 'a/b'],
    ['/a//b', 'a/b'],
    ['a/./b', 'a/b'],
    ['a/../b', 'b'],
    ['../../b', 'b'],
    ['a/b/..', 'a'],
    ['..', ''],
    ['.', ''],
    ['/', ''],
    ['', ''],
    ['...', '...'],
    ['.a/..b/c.', '.a/..b/c.'],
  ])('takes %j for %j', (name, path) => {
    expect(cleanName(name)).toBe(path);
  });
});

test('parentOf() stops at the root', () => {
  expect(['a/b/c', 'a', ''].map(parentOf)).toEqual(['a/b', '', '']);
});

test('raw() gives bytes only where a string would become other bytes', () => {
  expect(raw('plain name')).toBe('plain name');
  expect(raw('caf\xe9')).toEqual(Buffer.of(0x63, 0x61, 0x66, 0xe9));
  expect(raw('')).toBe('.');
});
