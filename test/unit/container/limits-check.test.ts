import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import type { HostConfig } from '#base/api.ts';
import { resources } from '#container/limits.ts';
import {
  type CheckOptions,
  checkIsolation,
  checkPlace,
  settleDeviceRules,
  settleLimits,
} from '#container/limits-check.ts';
import type { Abilities } from '#sys/cgroup.ts';
import { plainHost, rootful, rootless } from '#test/support/requests.ts';

const able = rootful.cgroup;
const unable = rootless.cgroup;

const everything: Abilities = {
  swappiness: true,
  oomKillDisable: true,
  realtime: true,
  blockWeight: true,
  blockWeightDevice: true,
  blockThrottle: true,
};

function settled(more: Partial<HostConfig>, cgroup = able, options: CheckOptions = {}) {
  const host = { ...plainHost, ...more };
  const warnings = settleLimits(host, cgroup, options);
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
  [{ CpuPercent: 50 }, /^linux does not support CPU percent\. Percent discarded\.$/],
  [{ CpusetCpus: '0' }, /cpuset.*Cpuset discarded\.$/],
  [{ PidsLimit: 5 }, /PIDs limit discarded\.$/],
  [{ MemorySwappiness: 5 }, /Memory swappiness discarded\.$/],
  [{ OomKillDisable: true }, /OomKillDisable discarded\.$/],
  [{ BlkioWeight: 5 }, /Block I\/O weight or .* Weight discarded\.$/],
  [{ BlkioWeightDevice: [{ Path: '/dev/x', Weight: 10 }] }, /Weight-device discarded\.$/],
  [{ BlkioDeviceReadBps: [{ Path: '/dev/x', Rate: 10 }] }, /Block I\/O BPS read limit discarded\.$/],
  [{ BlkioDeviceWriteBps: [{ Path: '/dev/x', Rate: 10 }] }, /Block I\/O BPS write limit discarded\.$/],
  [{ BlkioDeviceReadIOps: [{ Path: '/dev/x', Rate: 10 }] }, /Block I\/O IOPS read limit discarded\.$/],
  [{ BlkioDeviceWriteIOps: [{ Path: '/dev/x', Rate: 10 }] }, /Block I\/O IOPS write limit discarded\.$/],
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
  [{ CpuShares: -1 }, 'invalid CPU shares (-1): value must be a positive integer'],
  [{ BlkioWeight: 5 }, 'Range of blkio weight is from 10 to 1000'],
  [{ CpuRealtimeRuntime: 2, CpuRealtimePeriod: 1 }, 'cpu real-time runtime cannot be higher than cpu real-time period'],
])('%j is refused in the words of Docker', (limit, message) => {
  expect(() => settled(limit, able, { abilities: everything })).toThrow(message);
});

test('the real-time scheduler is refused where it can have no limits', () => {
  expect(() => settled({ CpuRealtimePeriod: 1000 })).toThrow('kernel does not support CPU real-time scheduler');
});

test('what makes no sense in itself is said of the memory first, as Docker does', () => {
  expect(() => settled({ Memory: MB, NanoCpus: 1e15, OomScoreAdj: 5000 })).toThrow(/^Minimum memory limit/);
});

test('who keeps the kernel from killing without any limit is warned', () => {
  const { warnings, host } = settled({ OomKillDisable: true }, able, { abilities: everything });
  expect(warnings).toEqual([expect.stringMatching(/^OOM killer is disabled for the container, but no memory limit/)]);
  expect(resources(host)).toEqual({ memory: { disableOOMKiller: true } });
});

test('an update may set the swap alone: the memory may have a limit already', () => {
  expect(settled({ MemorySwap: 90 * MB }, able, { update: true }).host.MemorySwap).toBe(90 * MB);
  expect(settled({ Memory: 90 * MB }, able, { update: true }).host.MemorySwap).toBeUndefined();
});

test.each(['hyperv', 'x'])('the isolation %s is none of Linux', (Isolation) => {
  expect(() => checkIsolation({ ...plainHost, Isolation })).toThrow(
    `invalid isolation (${Isolation}): linux only supports 'default'`,
  );
  expect(() => checkIsolation({ ...plainHost, Isolation: 'default' })).not.toThrow();
});

test('rules for devices are discarded with a warning where a user makes them', () => {
  const host = { ...plainHost, DeviceCgroupRules: ['c 1:3 rwm'] };
  expect(settleDeviceRules(host, true)).toEqual([]);
  expect(settleDeviceRules(host, false)).toEqual([expect.stringMatching(/^Only root may set device cgroup rules/)]);
  expect(host.DeviceCgroupRules).toBeUndefined();
});

test.each([
  [{ StorageOpt: { size: '1G' } }, "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"],
  [{ StorageOpt: { foo: '1' } }, 'Unknown option foo'],
  [{ CgroupParent: 'x' }, 'cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"'],
])('%j is refused where it can not be had', (more, message) => {
  expect(() => checkPlace({ ...plainHost, ...more }, { ...able, manager: 'systemd' })).toThrow(message);
});

test('a share of a CPU is refused where there is nothing to hold it', () => {
  expect(() => settled({ NanoCpus: 5e8 }, unable)).toThrow(/^NanoCPUs can not be set, as your kernel/);
});
