import { expect, test } from 'vitest';
import type { Entry } from '#image/catalog.ts';
import { chainIds, findWaste } from '#image/waste.ts';

test('chain IDs are those of the image specification', () => {
  const [first, second] = [
    'sha256:00cc7ddd484f8a79ab2bc81fe6c76df5bf48cc47553197306cd6b63926d8af15',
    'sha256:410603bc429433416da70fab75193b8a52a960031ff227de7b4ccd4cac390fae',
  ];
  expect(chainIds([first, second])[0]).toBe(first);
  expect(chainIds([first, second])[1]).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(chainIds([])).toEqual([]);
});

test('no layer is waste while there is a container of which nobody can tell what it needs', () => {
  const one = { manifest: { digest: 'm', mediaType: '', size: 1 } } as Entry;
  const read = () => ({ blobs: ['b'], diffIds: ['l'], sizes: new Map([['l', 7]]), damaged: false });
  const held = { blobs: new Set<string>(), diffIds: new Set<string>() };
  const waste = { blobs: ['b'], layers: ['l'], chainIds: ['l'], size: 7 };
  expect(findWaste(read, [one], { kept: [], users: [], held })).toEqual(waste);
  const users = [{ diffIds: [], isUnknown: true }];
  expect(findWaste(read, [one], { kept: [], users, held })).toEqual({ ...waste, layers: [], chainIds: [], size: 0 });
});
