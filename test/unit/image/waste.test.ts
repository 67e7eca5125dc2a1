import { expect, test } from 'vitest';
import { chainIds } from '#image/waste.ts';

test('chain IDs are those of the image specification', () => {
  const [first, second] = [
    'sha256:00cc7ddd484f8a79ab2bc81fe6c76df5bf48cc47553197306cd6b63926d8af15',
    'sha256:410603bc429433416da70fab75193b8a52a960031ff227de7b4ccd4cac390fae',
  ];
  expect(chainIds([first, second])[0]).toBe(first);
  expect(chainIds([first, second])[1]).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(chainIds([])).toEqual([]);
});
