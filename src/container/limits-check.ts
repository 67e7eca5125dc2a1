/**
 * Limits as the daemon takes them (moby, verifyPlatformContainerResources): in its order and words, what makes no sense
 * is refused, and what the cgroups here can't do is discarded with a warning.
 */
import { availableParallelism } from 'node:os';
import type { HostConfig } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { checkCpuset } from '#container/cpuset.ts';
import { type Abilities, abilitiesOf, type Cgroup } from '#sys/cgroup.ts';

const LEAST_MEMORY = 6 * 1024 * 1024;
const refuse = (message: string) => new WherryError('invalid', message);
const unsupported = (what: string, then: string) =>
  `Your kernel does not support ${what} or the cgroup is not mounted. ${then}`;

/** What is there to hold a limit, and whom to tell of what is not. */
interface Ground {
  controllers: ReadonlySet<string>;
  swap: boolean;
  able: Abilities;
  warn: (text: string) => void;
}

export interface CheckOptions {
  /** Of a container that is there: its other limits are not known here, so less can contradict. */
  update?: boolean;
  abilities?: Abilities;
}

/** Checks limits, and takes out of `host` what can't be had; gives the warnings. Throws kind `invalid` in Docker's words. */
export function settleLimits(
  host: HostConfig,
  cgroup: Cgroup,
  { update = false, abilities = abilitiesOf(cgroup) }: CheckOptions = {},
): string[] {
  const warnings: string[] = [];
  const { controllers, swap } = cgroup;
  const ground: Ground = { controllers, swap, able: abilities, warn: (text) => warnings.push(text) };
  checkRealtime(host, ground);
  settleMemory(host, ground, update);
  settleOomKiller(host, ground);
  settlePids(host, ground);
  settleCpu(host, ground);
  settleCpuset(host, ground);
  settleBlock(host, ground);
  // By default, as much swap as memory.
  if (!update && host.Memory > 0 && !host.MemorySwap) host.MemorySwap = host.Memory * 2;
  return warnings;
}

function checkRealtime(
  { CpuRealtimePeriod: period = 0, CpuRealtimeRuntime: runtime = 0 }: HostConfig,
  { able }: Ground,
) {
  if ((period !== 0 || runtime !== 0) && !able.realtime) {
    throw refuse('kernel does not support CPU real-time scheduler');
  }
  if (period !== 0 && runtime !== 0 && runtime > period) {
    throw refuse('cpu real-time runtime cannot be higher than cpu real-time period');
  }
}

function settleMemory(host: HostConfig, { controllers, swap, able, warn }: Ground, update: boolean): void {
  const supported = controllers.has('memory');
  if (host.Memory !== 0 && host.Memory < LEAST_MEMORY) throw refuse('Minimum memory limit allowed is 6MB');
  if (host.Memory > 0 && !supported) {
    warn(unsupported('memory limit capabilities', 'Limitation discarded.'));
    host.Memory = 0;
    host.MemorySwap = -1;
  }
  settleSwap(host, { supported: swap, warn, update });
  settleSwappiness(host, able.swappiness, warn);
  if ((host.MemoryReservation ?? 0) > 0 && !supported) {
    warn(unsupported('memory soft limit capabilities', 'Limitation discarded.'));
    host.MemoryReservation = 0;
  }
  const reservation = host.MemoryReservation ?? 0;
  if (reservation > 0 && reservation < LEAST_MEMORY) throw refuse('Minimum memory reservation allowed is 6MB');
  if (host.Memory > 0 && host.Memory < reservation) {
    throw refuse('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
}

interface SwapGround extends Pick<Ground, 'warn'> {
  supported: boolean;
  update: boolean;
}

function settleSwap(host: HostConfig, { supported, warn, update }: SwapGround): void {
  const asked = host.MemorySwap ?? 0;
  if (host.Memory > 0 && asked !== -1 && !supported) {
    if (asked > 0) warn(unsupported('swap limit capabilities', 'Memory limited without swap.'));
    host.MemorySwap = -1;
  }
  const swap = host.MemorySwap ?? 0;
  if (host.Memory > 0 && swap > 0 && swap < host.Memory) {
    throw refuse('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (host.Memory === 0 && swap > 0 && !update) {
    throw refuse('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
}

function settleSwappiness(host: HostConfig, supported: boolean, warn: Ground['warn']): void {
  if (host.MemorySwappiness === undefined) return;
  if (supported) return;
  warn(unsupported('memory swappiness capabilities', 'Memory swappiness discarded.'));
  delete host.MemorySwappiness;
}

function settleOomKiller(host: HostConfig, { able, warn }: Ground): void {
  if (!host.OomKillDisable) return;
  if (!able.oomKillDisable) {
    warn('Your kernel does not support OomKillDisable. OomKillDisable discarded.');
    delete host.OomKillDisable;
  } else if (host.Memory === 0) {
    warn(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    );
  }
}

function settlePids(host: HostConfig, { controllers, warn }: Ground): void {
  const limit = host.PidsLimit ?? 0;
  if (limit === 0 || controllers.has('pids')) return;
  if (limit > 0) warn(unsupported('PIDs limit capabilities', 'PIDs limit discarded.'));
  host.PidsLimit = null;
}

function settleCpu(host: HostConfig, { controllers, warn }: Ground): void {
  const supported = controllers.has('cpu');
  checkNanoCpus(host, supported);
  if (host.CpuShares < 0) throw refuse(`invalid CPU shares (${host.CpuShares}): value must be a positive integer`);
  if (host.CpuShares > 0 && !supported) {
    warn(unsupported('CPU shares', 'Shares discarded.'));
    host.CpuShares = 0;
  }
  if ((host.CpuPeriod || host.CpuQuota) && !supported) {
    warn('Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.');
    host.CpuPeriod = 0;
    host.CpuQuota = 0;
  }
  const { CpuPeriod: period = 0, CpuQuota: quota = 0 } = host;
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    throw refuse('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (quota > 0 && quota < 1000) throw refuse('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  if (host.CpuPercent) {
    warn('linux does not support CPU percent. Percent discarded.');
    delete host.CpuPercent;
  }
}

function checkNanoCpus(host: HostConfig, supported: boolean): void {
  if (host.NanoCpus > 0 && (host.CpuPeriod ?? 0) > 0) {
    throw refuse('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  }
  if (host.NanoCpus > 0 && (host.CpuQuota ?? 0) > 0) {
    throw refuse('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  }
  if (host.NanoCpus > 0 && !supported) {
    throw refuse(
      'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
    );
  }
  const cpus = availableParallelism();
  if (host.NanoCpus < 0 || host.NanoCpus > cpus * 1e9) {
    throw refuse(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  }
}

function settleCpuset(host: HostConfig, { controllers, warn }: Ground): void {
  // Docker discards before it looks; a list that is none is a mistake on any machine.
  checkCpuset(host.CpusetCpus ?? '', 'cpus');
  checkCpuset(host.CpusetMems ?? '', 'mems');
  if ((!host.CpusetCpus && !host.CpusetMems) || controllers.has('cpuset')) return;
  warn(unsupported('cpuset', 'Cpuset discarded.'));
  host.CpusetCpus = '';
  host.CpusetMems = '';
}

const THROTTLES = [
  ['BlkioDeviceReadBps', 'BPS Block I/O read limit', 'Block I/O BPS read limit discarded.'],
  ['BlkioDeviceWriteBps', 'BPS Block I/O write limit', 'Block I/O BPS write limit discarded.'],
  ['BlkioDeviceReadIOps', 'IOPS Block read limit', 'Block I/O IOPS read limit discarded.'],
  ['BlkioDeviceWriteIOps', 'IOPS Block write limit', 'Block I/O IOPS write limit discarded.'],
] as const;

function settleBlock(host: HostConfig, { able, warn }: Ground): void {
  if ((host.BlkioWeight ?? 0) > 0 && !able.blockWeight) {
    warn(unsupported('Block I/O weight', 'Weight discarded.'));
    host.BlkioWeight = 0;
  }
  const weight = host.BlkioWeight ?? 0;
  if (weight > 0 && (weight < 10 || weight > 1000)) throw refuse('Range of blkio weight is from 10 to 1000');
  if (host.BlkioWeightDevice?.length && !able.blockWeightDevice) {
    warn(unsupported('Block I/O weight_device', 'Weight-device discarded.'));
    delete host.BlkioWeightDevice;
  }
  for (const [key, what, then] of THROTTLES) {
    if (!host[key]?.length || able.blockThrottle) continue;
    warn(unsupported(what, then));
    delete host[key];
  }
}

/** `default` is all that there is on Linux. Throws kind `invalid` in Docker's words. */
export function checkIsolation({ Isolation: isolation = '' }: HostConfig): void {
  if (isolation === '' || isolation.toLowerCase() === 'default') return;
  throw refuse(`invalid isolation (${isolation}): linux only supports 'default'`);
}

/** What a container may open of the host's devices is a rule of its cgroup, and the kernel takes such rules from root. */
export function settleDeviceRules(host: HostConfig, initial: boolean): string[] {
  if (!host.DeviceCgroupRules?.length || initial) return [];
  delete host.DeviceCgroupRules;
  return [
    'Only root may set device cgroup rules. Rules discarded: the container can open the devices that --device gives it, as far as you can yourself.',
  ];
}

/** Where the container's group and its files are to be. Throws kind `invalid` or `unsupported` in Docker's words. */
export function checkPlace({ CgroupParent: parent, StorageOpt: options = {} }: HostConfig, { manager }: Cgroup): void {
  if (manager === 'systemd' && parent !== '' && (parent.length <= 6 || !parent.endsWith('.slice'))) {
    throw refuse('cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"');
  }
  for (const name of Object.keys(options)) {
    if (name.toLowerCase() !== 'size') throw refuse(`Unknown option ${name}`);
    throw new WherryError(
      'invalid',
      "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
      {
        hint: 'Project quotas are for root to set; give a volume of limited size (--tmpfs PATH:size=1g) to what may grow',
      },
    );
  }
}
