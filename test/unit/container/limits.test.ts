import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { HostConfig } from '#base/api.ts';
import { cgroupsPath, oomFile, resources, settleLimits } from '#container/limits.ts';
import { ID, plainHost, rootful, rootless } from '#test/support/requests.ts';

const able = rootful.cgroup;
const unable = rootless.cgroup;

function settled(more: Partial<HostConfig>, cgroup = able) {
  const host = { ...plainHost, ...more };
  const warnings = settleLimits(host, cgroup);
  return { host, warnings };
}

const MB = 1024 * 1024;

test('a limit of memory allows as much swap again, unless something else is said', () => {
  expect(settled({ Memory: 10 * MB }).host.MemorySwap).toBe(20 * MB);
  expect(settled({ Memory: 10 * MB, MemorySwap: -1 }).host.MemorySwap).toBe(-1);
  expect(settled({ Memory: 10 * MB, MemorySwap: 15 * MB }).host.MemorySwap).toBe(15 * MB);
});

test.each<[Partial<HostConfig>, RegExp]>([
  [
    { Memory: 10 * MB },
    /^Your kernel does not support memory limit capabilities or the cgroup is not mounted\. Limitation discarded\.$/,
  ],
  [{ MemoryReservation: 10 * MB }, /memory soft limit capabilities/],
  [{ CpuShares: 5 }, /CPU shares.*Shares discarded\.$/],
  [{ CpuQuota: 5000 }, /CPU CFS scheduler\. CPU period\/quota discarded\.$/],
  [{ CpusetCpus: '0' }, /cpuset.*Cpuset discarded\.$/],
  [{ PidsLimit: 5 }, /PIDs limit discarded\.$/],
])('without cgroups %j is discarded with a warning', (limit, warning) => {
  const { host, warnings } = settled(limit, unable);
  expect(warnings).toEqual([expect.stringMatching(warning)]);
  expect(resources(host)).toBeUndefined();
});

test('with cgroups nothing is warned of', () => {
  expect(settled({ Memory: 10 * MB, CpuShares: 5, PidsLimit: 5, CpusetCpus: '0' }).warnings).toEqual([]);
});

test('where swap cannot be limited, memory is', () => {
  const { host, warnings } = settled({ Memory: 10 * MB, MemorySwap: 20 * MB }, { ...able, swap: false });
  expect(warnings).toEqual([expect.stringMatching(/Memory limited without swap\.$/)]);
  expect(resources(host)).toEqual({ memory: { limit: 10 * MB, swap: -1 } });
});

test.each<[Partial<HostConfig>, string]>([
  [{ Memory: MB }, 'Minimum memory limit allowed is 6MB'],
  [{ MemoryReservation: MB }, 'Minimum memory reservation allowed is 6MB'],
  [
    { Memory: 10 * MB, MemoryReservation: 11 * MB },
    'Minimum memory limit can not be less than memory reservation limit, see usage',
  ],
  [{ Memory: 10 * MB, MemorySwap: 9 * MB }, 'Minimum memoryswap limit should be larger than memory limit, see usage'],
  [{ MemorySwap: 9 * MB }, 'You should always set the Memory limit when using Memoryswap limit, see usage'],
  [{ NanoCpus: 1, CpuPeriod: 1 }, 'Conflicting options: Nano CPUs and CPU Period cannot both be set'],
  [{ NanoCpus: 1, CpuQuota: 1 }, 'Conflicting options: Nano CPUs and CPU Quota cannot both be set'],
  [{ NanoCpus: 1e15 }, `range of CPUs is from 0.01 to ${availableParallelism()}.00`],
  [{ CpuPeriod: 10 }, 'CPU cfs period can not be less than 1ms'],
  [{ CpuQuota: 10 }, 'CPU cfs quota can not be less than 1ms'],
])('%j is refused in the words of Docker', (limit, message) => {
  expect(() => settled(limit)).toThrow(message);
});

test('a share of a CPU is refused where there is nothing to hold it', () => {
  expect(() => settled({ NanoCpus: 5e8 }, unable)).toThrow(/^NanoCPUs can not be set, as your kernel/);
});

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
