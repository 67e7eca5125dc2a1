import { expect, test } from 'vitest';
import type { DeviceRequest } from '#base/api.ts';
import { deviceNames } from '#container/requests.ts';

const request = (change: Partial<DeviceRequest>): DeviceRequest => ({
  Driver: '',
  Count: 0,
  DeviceIDs: null,
  Capabilities: [['gpu']],
  Options: {},
  ...change,
});
const names = (change: Partial<DeviceRequest>, ...kinds: string[]) =>
  deviceNames(request(change), { kinds: new Set(kinds) });

test.each([
  [{ Count: -1 }, ['nvidia.com/gpu'], ['nvidia.com/gpu=all']],
  [{ Count: 2 }, ['nvidia.com/gpu'], ['nvidia.com/gpu=0', 'nvidia.com/gpu=1']],
  [{ DeviceIDs: ['0', 'GPU-1'] }, ['nvidia.com/gpu'], ['nvidia.com/gpu=0', 'nvidia.com/gpu=GPU-1']],
  [{ Count: -1 }, ['amd.com/gpu'], ['amd.com/gpu=all']],
  [{ Count: 1, Driver: 'nvidia' }, ['nvidia.com/gpu', 'amd.com/gpu'], ['nvidia.com/gpu=0']],
  [{ Driver: 'cdi', DeviceIDs: ['v.com/c=n'] }, [], ['v.com/c=n']],
])('%j with files of %j is %j', (change, kinds, expected) => {
  expect(names(change, ...kinds)).toEqual(expected);
});

test.each([
  [{ Count: -1 }, 'could not select device driver "" with capabilities: [[gpu]]'],
  [{ Driver: 'amd' }, 'could not select device driver "amd" with capabilities: [[gpu]]'],
  [{ Capabilities: [['compute', 'gpu']] }, 'could not select device driver "" with capabilities: [[compute gpu]]'],
])('%j without any file is refused in the words of Docker', (change, words) => {
  expect(() => names(change, 'other.com/thing')).toThrow(words);
});
