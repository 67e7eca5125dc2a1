import { describe, expect, test } from 'vitest';
import { cgroupsPath, oomFile, resources } from '#container/limits.ts';
import { ID, plainHost, rootful, rootless } from '#test/support/requests.ts';

const able = rootful.cgroup;
const unable = rootless.cgroup;

describe('the file that counts kills for want of memory', () => {
  const user = { uid: 1000, initial: false };

  test.each([
    ['', `/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/user.slice/wherry-${ID}.scope/memory.events`],
    [
      'a-b.slice',
      `/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/a.slice/a-b.slice/wherry-${ID}.scope/memory.events`,
    ],
  ])('with the parent "%s" is in the slices of the user', (CgroupParent, path) => {
    expect(oomFile(ID, { ...plainHost, CgroupParent }, able, user)).toBe(path);
  });

  test('is in the directory that was made', () => {
    const cgroup = { ...able, manager: 'cgroupfs', parent: '/d/wherry' } as const;
    expect(oomFile(ID, plainHost, cgroup, user)).toBe(`/sys/fs/cgroup/d/wherry/${ID}/memory.events`);
  });

  test('is not there without cgroups, or where they do not know of memory', () => {
    expect(oomFile(ID, plainHost, unable, user)).toBeUndefined();
    expect(oomFile(ID, plainHost, { ...able, controllers: new Set(['pids']) }, user)).toBeUndefined();
  });
});

test.each([
  ['', `/p/${ID}`],
  ['mine', `/p/mine/${ID}`],
  ['/mine', `/mine/${ID}`],
])('with the parent "%s" a directory is made at %s', (CgroupParent, path) => {
  const cgroup = { ...able, manager: 'cgroupfs', parent: '/p' } as const;
  expect(cgroupsPath(ID, { ...plainHost, CgroupParent }, cgroup, false)).toBe(path);
});

test('limits of devices go to the runtime by the numbers of the devices', () => {
  const limits = resources({
    ...plainHost,
    BlkioWeight: 300,
    BlkioWeightDevice: [{ Path: '/dev/null', Weight: 20 }],
    BlkioDeviceReadBps: [{ Path: '/dev/zero', Rate: 1024 }],
    BlkioDeviceWriteIOps: [{ Path: '/dev/null', Rate: 5 }],
  });
  expect(limits).toEqual({
    blockIO: {
      weight: 300,
      weightDevice: [{ major: 1, minor: 3, weight: 20 }],
      throttleReadBpsDevice: [{ major: 1, minor: 5, rate: 1024 }],
      throttleWriteIOPSDevice: [{ major: 1, minor: 3, rate: 5 }],
    },
  });
});

test('a device that is not there is named at the start, with the status of Docker', () => {
  const act = () => resources({ ...plainHost, BlkioDeviceReadBps: [{ Path: '/dev/no-such', Rate: 1 }] });
  expect(act).toThrow(
    expect.objectContaining({ message: 'stat /dev/no-such: no such file or directory', exitCode: 127 }),
  );
});

test('a swappiness of 0 is a value', () => {
  expect(resources({ ...plainHost, MemorySwappiness: 0 })).toEqual({ memory: { swappiness: 0 } });
});
