import { describe, expect, test } from 'vitest';
import { effectiveCapabilities, fromMask, normalize } from '#container/capabilities.ts';

const ALL = fromMask('000001ffffffffff');

const granted = (add: string[], drop: string[], privileged = false) =>
  effectiveCapabilities({ add, drop, privileged }, ALL);

test('a mask of the kernel is read bit by bit, unknown bits passed over', () => {
  expect(fromMask('0000000000000021')).toEqual(['CAP_CHOWN', 'CAP_KILL']);
  expect(ALL).toHaveLength(41);
  expect(fromMask('ffffffffffffffff')).toHaveLength(41);
});

describe('a container', () => {
  test('has 14 without a word', () => {
    expect(granted([], [])).toHaveLength(14);
  });

  test.each([
    ['one more', ['net_admin'], [], 15],
    ['one that it has already', ['CAP_CHOWN'], [], 14],
    ['one less', [], ['chown'], 13],
    ['one dropped and added', ['chown'], ['chown'], 14],
    ['all but one', ['all'], ['sys_admin'], 40],
    ['none', [], ['ALL'], 0],
    ['one alone', ['kill'], ['ALL'], 1],
    ['all, although all are dropped', ['ALL'], ['ALL'], 41],
  ])('has %s', (_what, add, drop, count) => {
    const made = granted(add, drop);
    expect(made).toHaveLength(count);
    expect(new Set(made).size).toBe(count);
  });

  test('has all that we have when it is privileged, whatever is dropped', () => {
    expect(granted([], ['ALL'], true)).toEqual(ALL);
  });
});

test.each([
  [['foo'], 'invalid CapAdd: unknown capability: "CAP_FOO"'],
  [
    ['bpf'],
    'invalid CapAdd: capability not supported by your kernel or not available in the current environment: "CAP_BPF"',
  ],
])('adding %j is refused where we have only CAP_CHOWN', (words, message) => {
  expect(() => normalize(words, ['CAP_CHOWN'], 'CapAdd')).toThrow(message);
});

test('dropping what we do not have is no mistake', () => {
  expect(normalize(['bpf', 'all'], ['CAP_CHOWN'], 'CapDrop')).toEqual(['CAP_BPF', 'ALL']);
});
