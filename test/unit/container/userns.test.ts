import { describe, expect, test } from 'vitest';
import { autoMaps, checkUserns, insideId, mapsOf, outsideId, parseUserns } from '#container/userns.ts';

/** As newuidmap makes it for user 1001 with 65536 subordinate ids. */
const RANGES = [
  { inside: 0, outside: 1001, count: 1 },
  { inside: 1, outside: 100_000, count: 65_536 },
];
const OURS = { initial: false, uids: RANGES, gids: RANGES };
const SINGLE = { initial: false, uids: RANGES.slice(0, 1), gids: RANGES.slice(0, 1) };
const ROOT_RANGES = [{ inside: 0, outside: 0, count: 0xffff_ffff }];
const ROOT = { initial: true, uids: ROOT_RANGES, gids: ROOT_RANGES };

const uids = (mode: string, ours = OURS) =>
  mapsOf(parseUserns(mode), undefined, ours)?.uids.map(({ inside, outside, count }) => [inside, outside, count]);

// What podman 5.8 makes of them, in /proc/self/uid_map.
test.each([
  ['', undefined],
  ['host', undefined],
  ['nomap', [[0, 1, 65_536]]],
  [
    'keep-id',
    [
      [0, 1, 1001],
      [1001, 0, 1],
      [1002, 1002, 64_535],
    ],
  ],
  [
    'keep-id:uid=200,gid=300',
    [
      [0, 1, 200],
      [200, 0, 1],
      [201, 201, 65_336],
    ],
  ],
  [
    'keep-id:uid=0',
    [
      [0, 0, 1],
      [1, 1, 65_536],
    ],
  ],
  [
    'private',
    [
      [0, 0, 1],
      [1, 1, 65_536],
    ],
  ],
])('--userns %j maps %j', (mode, maps) => {
  expect(uids(mode)).toEqual(maps);
});

test('with a single id keep-id has that one alone, and nomap nothing', () => {
  expect(uids('keep-id', SINGLE)).toEqual([[1001, 0, 1]]);
  expect(() => uids('nomap', SINGLE)).toThrow(/your user namespace has no other/);
});

test.each([
  ['nonsense', 'invalid user namespace mode: nonsense'],
  ['keep-id:foo=1', 'unknown option specified: "foo"'],
  ['keep-id:uid=x', 'strconv.ParseUint: parsing "x": invalid syntax'],
  ['auto:size=x', 'strconv.ParseUint: parsing "x": invalid syntax'],
  ['auto:foo=1', 'unknown option specified: "foo"'],
])('--userns %s is refused', (mode, words) => {
  expect(() => parseUserns(mode)).toThrow(words);
});

test('for real root keep-id and nomap make no sense', () => {
  expect(() => checkUserns({ kind: 'keep-id' }, undefined, ROOT)).toThrow('keep-id is only supported in rootless mode');
});

describe('--uidmap', () => {
  const given = (uidmap: string[], gidmap: string[] = []) =>
    mapsOf({ kind: 'host' }, { uids: uidmap, gids: gidmap }, OURS);

  test('stands for groups, too, where there is no --gidmap', () => {
    expect(given(['0:5:100'])).toEqual({
      uids: [{ inside: 0, outside: 5, count: 100 }],
      gids: [{ inside: 0, outside: 5, count: 100 }],
    });
  });

  test.each([
    ['0:70000:10', 'Cannot map UIDs 70000 to 70009'],
    ['0:1:x', 'strconv.ParseUint: parsing "x": invalid syntax'],
    ['0', 'invalid id map "0"'],
    ['0:1:0', 'it maps nothing'],
  ])('%s is refused', (map, words) => {
    expect(() => given([map])).toThrow(words);
  });

  test('goes with no mode that has maps of its own', () => {
    expect(() => checkUserns({ kind: 'nomap' }, { uids: ['0:1:1'], gids: [] }, OURS)).toThrow(/mutually exclusive/);
  });
});

describe('--userns auto', () => {
  const auto = (size: number, used: readonly (readonly [number, number])[] = [], text = 'auto') => {
    const maps = used.map(([outside, count]) => [{ inside: 0, outside, count }]);
    const mode = parseUserns(text);
    if (mode.kind !== 'auto') throw new Error('not auto');
    return autoMaps(mode, size, { ours: OURS, used: maps.map((one) => ({ uids: one, gids: one })) }).uids;
  };

  test('gives the first range that is free, and never the user’s own id', () => {
    expect(auto(1024)).toEqual([{ inside: 0, outside: 1, count: 1024 }]);
    expect(auto(1024, [[1, 1024]])).toEqual([{ inside: 0, outside: 1025, count: 1024 }]);
  });

  test('fills a gap that is large enough', () => {
    const used = [
      [1, 100],
      [201, 100],
    ] as const;
    expect(auto(100, used)).toEqual([{ inside: 0, outside: 101, count: 100 }]);
    expect(auto(101, used)).toEqual([{ inside: 0, outside: 301, count: 101 }]);
  });

  test('ends where no range is left', () => {
    expect(() => auto(70_000)).toThrow('not enough unused IDs in user namespace');
    expect(() => auto(40_000, [[30_000, 10]])).toThrow('not enough unused IDs in user namespace');
  });

  test('leaves a mapping that was asked for as it is', () => {
    expect(auto(10, [], 'auto:uidmapping=3:50:2')).toEqual([
      { inside: 0, outside: 1, count: 3 },
      { inside: 3, outside: 50, count: 2 },
      { inside: 5, outside: 4, count: 5 },
    ]);
  });
});

test('ids are found both ways', () => {
  const maps = mapsOf(parseUserns('keep-id'), undefined, OURS)?.uids ?? [];
  expect([outsideId(maps, 0), outsideId(maps, 1001), outsideId(maps, 70_000)]).toEqual([1, 0, undefined]);
  expect([insideId(maps, 1), insideId(maps, 0)]).toEqual([0, 1001]);
});
