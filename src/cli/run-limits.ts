/** The flags of run and create that limit what a container may use, and what becomes of them in the request. */
import type { HostConfig, ThrottleDevice, WeightDevice } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { parseBytes } from '#base/units.ts';
import type { Flags, Values } from '#cli/command.ts';
import {
  boolean,
  bytes,
  decimal,
  integer,
  type Kind,
  list,
  pairs,
  several,
  swapBytes,
  text,
  uint16,
  ulimit,
  unsigned,
} from '#cli/values.ts';
import { DEVICE_RULE } from '#container/devices.ts';

const invalid = (reason: string) => new WherryError('invalid', reason);

/** A device's path and what stands behind the colon. */
function splitDevice(value: string): [path: string, rest: string] {
  const at = value.indexOf(':');
  if (at < 0) throw invalid(`bad format: ${value}`);
  if (!value.startsWith('/dev/')) throw invalid(`bad format for device path: ${value}`);
  return [value.slice(0, at), value.slice(at + 1)];
}

/** --blkio-weight-device: `/dev/sda:300`. */
const weightDevice: Kind<WeightDevice[]> = several(
  'list',
  (value) => {
    const [Path, weight] = splitDevice(value);
    const Weight = /^\d+$/.test(weight) ? Number(weight) : Number.NaN;
    if (Weight > 0xffff || Number.isNaN(Weight) || (Weight > 0 && (Weight < 10 || Weight > 1000))) {
      throw invalid(`invalid weight for device: ${value}`);
    }
    return { Path, Weight };
  },
  '[]',
);

/** --device-read-bps and its like: `/dev/sda:1mb`. */
function throttle(read: (rate: string) => number, format: string): Kind<ThrottleDevice[]> {
  const Rate = (rate: string, value: string) => {
    try {
      return read(rate);
    } catch (cause) {
      throw new WherryError('invalid', `invalid rate for device: ${value}. The correct format is ${format}`, { cause });
    }
  };
  return several(
    'list',
    (value) => {
      const [Path, rate] = splitDevice(value);
      return { Path, Rate: Rate(rate, value) };
    },
    '[]',
  );
}

const bytesPerSecond = throttle(
  parseBytes,
  '<device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb',
);

const operationsPerSecond = throttle((rate) => {
  if (/^\d+$/.test(rate)) return Number(rate);
  throw invalid(rate);
}, '<device-path>:<number>. Number must be a positive integer');

/** --device-cgroup-rule: `c 1:3 rwm`. */
const deviceRule: Kind<string[]> = several('list', (value) => {
  if (!DEVICE_RULE.test(value)) throw invalid(`invalid device cgroup format '${value}'`);
  return value;
});

/** What Docker has for daemons on Windows: known, and refused. */
const WINDOWS_FLAGS = {
  'cpu-count': { as: integer, summary: 'CPU count (Windows only)', hidden: true },
  'cpu-percent': { as: integer, summary: 'CPU percent (Windows only)', hidden: true },
  'io-maxbandwidth': {
    as: bytes,
    summary: 'Maximum IO bandwidth limit for the system drive (Windows only)',
    hidden: true,
  },
  'io-maxiops': { as: unsigned, summary: 'Maximum IOps limit for the system drive (Windows only)', hidden: true },
} as const satisfies Flags;

export const LIMIT_FLAGS = {
  ...WINDOWS_FLAGS,
  'blkio-weight': {
    as: uint16,
    summary: 'Block IO (relative weight), between 10 and 1000, or 0 to disable',
  },
  'blkio-weight-device': { as: weightDevice, summary: 'Block IO weight (relative device weight)' },
  'cgroup-parent': { as: text, summary: 'Optional parent cgroup for the container' },
  'cpu-period': { as: integer, summary: 'Limit CPU CFS (Completely Fair Scheduler) period' },
  'cpu-quota': { as: integer, summary: 'Limit CPU CFS (Completely Fair Scheduler) quota' },
  'cpu-rt-period': { as: integer, summary: 'Limit CPU real-time period in microseconds' },
  'cpu-rt-runtime': { as: integer, summary: 'Limit CPU real-time runtime in microseconds' },
  'cpu-shares': { short: 'c', as: integer, summary: 'CPU shares (relative weight)' },
  cpus: { as: decimal, summary: 'Number of CPUs' },
  'cpuset-cpus': { as: text, summary: 'CPUs in which to allow execution (0-3, 0,1)' },
  'cpuset-mems': { as: text, summary: 'MEMs in which to allow execution (0-3, 0,1)' },
  'device-cgroup-rule': { as: deviceRule, summary: 'Add a rule to the cgroup allowed devices list' },
  'device-read-bps': { as: bytesPerSecond, summary: 'Limit read rate (bytes per second) from a device' },
  'device-read-iops': { as: operationsPerSecond, summary: 'Limit read rate (IO per second) from a device' },
  'device-write-bps': { as: bytesPerSecond, summary: 'Limit write rate (bytes per second) to a device' },
  'device-write-iops': { as: operationsPerSecond, summary: 'Limit write rate (IO per second) to a device' },
  isolation: { as: text, summary: 'Container isolation technology' },
  'kernel-memory': { as: bytes, summary: 'Kernel memory limit' },
  memory: { short: 'm', as: bytes, summary: 'Memory limit' },
  'memory-reservation': { as: bytes, summary: 'Memory soft limit' },
  'memory-swap': { as: swapBytes, summary: "Swap limit equal to memory plus swap: '-1' to enable unlimited swap" },
  'memory-swappiness': { as: integer, default: '-1', summary: 'Tune container memory swappiness (0 to 100)' },
  'oom-kill-disable': { as: boolean, summary: 'Disable OOM Killer' },
  'oom-score-adj': { as: integer, summary: "Tune host's OOM preferences (-1000 to 1000)" },
  'pids-limit': { as: integer, summary: 'Tune container pids limit (set -1 for unlimited)' },
  'storage-opt': { as: list, summary: 'Storage driver options for the container' },
  ulimit: { as: ulimit, summary: 'Ulimit options' },
} as const satisfies Flags;

export type LimitValues = Values<typeof LIMIT_FLAGS>;

/** Docker's client says this bare, with status 1, before it does anything. */
export function windowsMistake(given: ReadonlySet<string>): string | undefined {
  const asked = Object.keys(WINDOWS_FLAGS).filter((name) => given.has(name));
  if (asked.length === 0) return undefined;
  const line = (name: string) =>
    `"--${name}" is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux`;
  return asked.map(line).join('\n');
}

export type Limits = Pick<
  HostConfig,
  | 'Ulimits'
  | 'OomScoreAdj'
  | 'OomKillDisable'
  | 'Memory'
  | 'MemoryReservation'
  | 'MemorySwap'
  | 'MemorySwappiness'
  | 'NanoCpus'
  | 'CpuShares'
  | 'CpuPeriod'
  | 'CpuQuota'
  | 'CpuRealtimePeriod'
  | 'CpuRealtimeRuntime'
  | 'CpusetCpus'
  | 'CpusetMems'
  | 'BlkioWeight'
  | 'BlkioWeightDevice'
  | 'BlkioDeviceReadBps'
  | 'BlkioDeviceWriteBps'
  | 'BlkioDeviceReadIOps'
  | 'BlkioDeviceWriteIOps'
  | 'DeviceCgroupRules'
  | 'PidsLimit'
  | 'CgroupParent'
  | 'Isolation'
  | 'StorageOpt'
>;

/** Throws kind `invalid` in the words of Docker's client. --kernel-memory is taken and, as with Docker, has no effect. */
export function limitsFrom(values: LimitValues): Limits {
  return {
    Ulimits: values.ulimit.toSorted((one, other) => (one.Name < other.Name ? -1 : 1)),
    OomScoreAdj: values.oomScoreAdj ?? 0,
    ...(values.oomKillDisable ? { OomKillDisable: true } : {}),
    ...memoryFrom(values),
    ...cpuFrom(values),
    ...blockFrom(values),
    ...(values.deviceCgroupRule.length === 0 ? {} : { DeviceCgroupRules: values.deviceCgroupRule }),
    PidsLimit: (values.pidsLimit ?? 0) > 0 ? (values.pidsLimit ?? 0) : null,
    CgroupParent: values.cgroupParent ?? '',
    ...(values.isolation ? { Isolation: values.isolation } : {}),
    ...(values.storageOpt.length === 0 ? {} : { StorageOpt: storageOptions(values.storageOpt) }),
  };
}

function memoryFrom(values: LimitValues) {
  const { memorySwappiness: swappiness } = values;
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw invalid(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  }
  return {
    Memory: values.memory ?? 0,
    MemoryReservation: values.memoryReservation ?? 0,
    MemorySwap: values.memorySwap ?? 0,
    ...(swappiness === -1 ? {} : { MemorySwappiness: swappiness }),
  };
}

type CpuFlags = 'cpus' | 'cpu-shares' | 'cpu-period' | 'cpu-quota' | 'cpu-rt-period' | 'cpu-rt-runtime';
type CpusetFlags = 'cpuset-cpus' | 'cpuset-mems';

/** What update has as well. */
export function cpuFrom(values: Values<Pick<typeof LIMIT_FLAGS, CpuFlags | CpusetFlags>>) {
  return {
    NanoCpus: values.cpus ?? 0,
    CpuShares: values.cpuShares ?? 0,
    CpuPeriod: values.cpuPeriod ?? 0,
    CpuQuota: values.cpuQuota ?? 0,
    CpuRealtimePeriod: values.cpuRtPeriod ?? 0,
    CpuRealtimeRuntime: values.cpuRtRuntime ?? 0,
    CpusetCpus: values.cpusetCpus ?? '',
    CpusetMems: values.cpusetMems ?? '',
  };
}

function blockFrom(values: LimitValues) {
  return {
    BlkioWeight: values.blkioWeight ?? 0,
    BlkioWeightDevice: values.blkioWeightDevice,
    BlkioDeviceReadBps: values.deviceReadBps,
    BlkioDeviceWriteBps: values.deviceWriteBps,
    BlkioDeviceReadIOps: values.deviceReadIops,
    BlkioDeviceWriteIOps: values.deviceWriteIops,
  };
}

function storageOptions(options: readonly string[]): Record<string, string> {
  if (options.some((option) => !option.includes('='))) throw invalid('invalid storage option');
  return pairs(options);
}
