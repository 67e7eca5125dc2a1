import { describe, expect, test } from 'vitest';
import { choosePruned } from '#engine/build-prune.ts';
import type { CacheUsage } from '#engine/build-usage.ts';

const HOUR = 3_600_000;
let number = 0;
const usage = (hours: number, size: number, more: Partial<CacheUsage> = {}): CacheUsage => {
  number += 1;
  const used = new Date(Date.now() - hours * HOUR).toISOString();
  const plain = { inUse: false, shared: false, mutable: false, description: '', parents: [], uses: 1 };
  return { id: `${number}`, type: 'regular', size, created: used, used, ...plain, ...more };
};
const PLENTY = 1e15;
const sizes = (chosen: readonly CacheUsage[]) => chosen.map(({ size }) => size);

describe('without limits', () => {
  const all = [usage(1, 10), usage(2, 20, { shared: true }), usage(3, 30, { inUse: true })];

  test('all goes that no image has and no build uses', () => {
    expect(sizes(choosePruned(all, {}, PLENTY))).toEqual([10]);
  });

  test('with --all what images have goes, too', () => {
    expect(sizes(choosePruned(all, { all: true }, PLENTY))).toEqual([10, 20]);
  });
});

describe('with limits the least recently used goes first', () => {
  const all = [usage(1, 10), usage(5, 20), usage(3, 40)];

  test('until no more is left than may be used', () => {
    expect(sizes(choosePruned(all, { limits: { most: 50 } }, PLENTY))).toEqual([20]);
    expect(sizes(choosePruned(all, { limits: { most: 49 } }, PLENTY))).toEqual([20, 40]);
    expect(choosePruned(all, { limits: { most: 70 } }, PLENTY)).toEqual([]);
  });

  test('until so much of the disk is free, but not below what is reserved', () => {
    expect(sizes(choosePruned(all, { limits: { free: 100 } }, 85))).toEqual([20]);
    expect(sizes(choosePruned(all, { limits: { free: 100, reserved: 60 } }, 0))).toEqual([20]);
  });

  test('and what is younger than a filter says stays', () => {
    expect(sizes(choosePruned(all, { filters: ['until=4h'], limits: { most: 1 } }, PLENTY))).toEqual([20]);
  });

  test('what images have is not counted', () => {
    expect(choosePruned([...all, usage(9, 1000, { shared: true })], { limits: { most: 70 } }, PLENTY)).toEqual([]);
  });
});
