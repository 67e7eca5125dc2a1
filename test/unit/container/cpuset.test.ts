import { expect, test } from 'vitest';
import { checkCpuset } from '#container/cpuset.ts';

test.each(['', '0', '0-1', '1,3', '0-1,3,3', '00'])('%j fits a host with 0-1,3', (text) => {
  expect(() => checkCpuset(text, 'cpus', { available: '0-1,3' })).not.toThrow();
});

test.each([
  ['x', 'Invalid value x for cpuset cpus: invalid format: x'],
  ['1-0', 'Invalid value 1-0 for cpuset cpus: invalid format: 1-0'],
  ['0-1-2', 'Invalid value 0-1-2 for cpuset cpus: invalid format: 0-1-2'],
  ['0,,1', 'Invalid value 0,,1 for cpuset cpus: invalid format: 0,,1'],
  ['-1', 'Invalid value -1 for cpuset cpus: invalid format: -1'],
  ['0-', 'Invalid value 0- for cpuset cpus: invalid format: 0-'],
  ['0-99999999', 'Invalid value 0-99999999 for cpuset cpus: value of out range, maximum is 8192'],
  ['1-2', 'Requested CPUs are not available - requested 1-2, available: 0-1,3'],
])('%j is refused: %s', (text, message) => {
  expect(() => checkCpuset(text, 'cpus', { available: '0-1,3' })).toThrow(
    expect.objectContaining({ kind: 'invalid', message }),
  );
});

test('memory nodes are called so, and those of this host are known', () => {
  expect(() => checkCpuset('8000', 'mems')).toThrow(/^Requested memory nodes are not available - requested 8000/);
  expect(() => checkCpuset('0', 'cpus')).not.toThrow();
});
