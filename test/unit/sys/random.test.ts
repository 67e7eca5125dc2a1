import { expect, test } from 'vitest';
import { randomHex } from '#sys/random.ts';

test('random digits are two a byte, and others each time', () => {
  expect(randomHex(32)).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(Array.from({ length: 100 }, () => randomHex(8))).size).toBe(100);
});
