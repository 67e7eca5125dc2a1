import { describe, expect, test } from 'vitest';
import { hexOf } from '#store/digest.ts';

const HEX = 'a'.repeat(64);

describe('hexOf()', () => {
  test('gives the part that names a file', () => {
    expect(hexOf(`sha256:${HEX}`)).toBe(HEX);
  });

  test.each([
    ['', 'corrupt'],
    ['sha256:', 'corrupt'],
    ['sha256:../../../../etc/passwd', 'corrupt'],
    [`sha256:${HEX}0`, 'corrupt'],
    [`sha256:${HEX.toUpperCase()}`, 'corrupt'],
    [`sha256:${HEX}\n`, 'corrupt'],
    [HEX, 'corrupt'],
    [`sha512:${HEX}${HEX}`, 'unsupported'],
  ])('refuses %j, which could lead out of the store, as %s', (digest, kind) => {
    expect(() => hexOf(digest)).toThrow(expect.objectContaining({ kind }));
  });
});
