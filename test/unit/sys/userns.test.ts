import { expect, test } from 'vitest';
import { isMapped, lastOfRun, parseIdMap, userNamespace } from '#sys/userns.ts';

const ranges = parseIdMap(
  '         0       1001          1\n         1     100000      65536\n    100000     300000         10\n',
);

test('a map is read as the kernel shows it', () => {
  expect(ranges[1]).toEqual({ inside: 1, outside: 100000, count: 65536 });
  expect(parseIdMap('')).toEqual([]);
});

test.each([
  [0, true],
  [65536, true],
  [65537, false],
  [100009, true],
  [100010, false],
])('id %i: %j', (id, mapped) => {
  expect(isMapped(ranges, id)).toBe(mapped);
});

test('the run of ids from 0 ends at the first gap', () => {
  expect(lastOfRun(ranges)).toBe(65536);
  expect(lastOfRun([])).toBe(-1);
});

test('our own namespace is read', () => {
  expect(userNamespace().uids.length).toBeGreaterThan(0);
});
