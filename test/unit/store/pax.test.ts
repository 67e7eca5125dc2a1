import { describe, expect, test } from 'vitest';
import { readPax } from '#store/pax.ts';
import { paxRecords } from '#test/support/archive.ts';

describe('readPax()', () => {
  test('reads values as bytes, line ends and equals signs included', () => {
    const records = { path: 'a=b\nc', 'SCHILY.xattr.user.x': '\0\xff=\n', mtime: '1.5' };
    expect({ ...readPax(paxRecords(records)) }).toEqual(records);
  });

  test('takes a key back by an empty value, but not an attribute, which may be empty', () => {
    expect({ ...readPax(paxRecords({ path: '', 'SCHILY.xattr.user.x': '' })) }).toEqual({ 'SCHILY.xattr.user.x': '' });
  });

  test('gives the last of several records with one key', () => {
    expect(readPax(Buffer.concat([paxRecords({ path: 'a' }), paxRecords({ path: 'b' })])).path).toBe('b');
  });

  test('has no keys but those that were written', () => {
    expect(readPax(paxRecords({ path: 'a' })).constructor).toBeUndefined();
    expect(readPax(paxRecords({ __proto__: 'a' } as Record<string, string>)).path).toBeUndefined();
  });

  test.each([
    ['a length that is none', 'x path=a\n'],
    ['a length of zero, which would never end', '0 path=a\n'],
    ['a length beyond the end', '99 path=a\n'],
    ['a length that does not end the line', '8 path=a\n'],
    ['no equals sign', '8 path a\n'],
    ['no key', '6 =abc\n'.replace('6', '7')],
    ['a NUL byte in a name', '12 path=a\0bc\n'],
    ['zeros', '\0\0\0\0'],
  ])('refuses %s', (_what, text) => {
    expect(() => readPax(Buffer.from(text, 'latin1'))).toThrow('the archive has a malformed extended header');
  });
});
