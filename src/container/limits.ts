/** Limits of memory, CPU and processes: Docker's checks, what these cgroups can't do, and the runtime's form. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { HostConfig } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { checkCpuset } from '#container/cpuset.ts';
import type { Resources } from '#oci/spec.ts';
import type { Cgroup } from '#sys/cgroup.ts';

const LEAST_MEMORY = 6 * 1024 * 1024;
const refuse = (message: string) => new WherryError('invalid', message);

/**
 * Docker's order: what makes no sense is refused, what the cgroups can't do is discarded with a warning.
 * Changes `host`. Throws kind `invalid` in Docker's words.
 */
export function settleLimits(host: HostConfig, cgroup: Cgroup): string[] {
  const warnings: string[] = [];
  settleMemory(host, cgroup, (text) => warnings.push(text));
  settleCpu(host, cgroup, (text) => warnings.push(text));
  if ((host.PidsLimit ?? 0) !== 0 && !cgroup.controllers.has('pids')) {
    if ((host.PidsLimit ?? 0) > 0) {
      warnings.push(
        'Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.',
      );
    }
    host.PidsLimit = null;
  }
  return warnings;
}

type Warn = (text: string) => void;

function settleMemory(host: HostConfig, { controllers, swap }: Cgroup, warn: Warn): void {
  const supported = controllers.has('memory');
  if (host.Memory !== 0 && host.Memory < LEAST_MEMORY) throw refuse('Minimum memory limit allowed is 6MB');
  if (host.Memory > 0 && !supported) {
    warn('Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.');
    host.Memory = 0;
    host.MemorySwap = -1;
  }
  settleSwap(host, swap, warn);
  const reservation = host.MemoryReservation ?? 0;
  if (reservation > 0 && !supported) {
    warn(
      'Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.',
    );
    host.MemoryReservation = 0;
    return;
  }
  if (reservation > 0 && reservation < LEAST_MEMORY) throw refuse('Minimum memory reservation allowed is 6MB');
  if (host.Memory > 0 && host.Memory < reservation) {
    throw refuse('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
}

function settleSwap(host: HostConfig, supported: boolean, warn: Warn): void {
  if (host.Memory > 0 && host.MemorySwap !== -1 && !supported) {
    if ((host.MemorySwap ?? 0) > 0) {
      warn(
        'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.',
      );
    }
    host.MemorySwap = -1;
  }
  const swap = host.MemorySwap ?? 0;
  if (host.Memory > 0 && swap > 0 && swap < host.Memory) {
    throw refuse('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (host.Memory === 0 && swap > 0) {
    throw refuse('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  // By default, as much swap as memory.
  if (host.Memory > 0 && swap === 0) host.MemorySwap = host.Memory * 2;
}

function settleCpu(host: HostConfig, { controllers }: Cgroup, warn: Warn): void {
  const supported = controllers.has('cpu');
  checkNanoCpus(host, supported);
  if (host.CpuShares > 0 && !supported) {
    warn('Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.');
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
  checkCpuset(host.CpusetCpus ?? '', 'cpus');
  checkCpuset(host.CpusetMems ?? '', 'mems');
  if ((host.CpusetCpus || host.CpusetMems) && !controllers.has('cpuset')) {
    warn('Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.');
    host.CpusetCpus = '';
    host.CpusetMems = '';
  }
}

function checkNanoCpus(host: HostConfig, supported: boolean): void {
  if (host.NanoCpus > 0 && host.CpuPeriod)
    throw refuse('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (host.NanoCpus > 0 && host.CpuQuota)
    throw refuse('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (host.NanoCpus === 0) return;
  if (!supported) {
    throw refuse(
      'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
    );
  }
  const cpus = availableParallelism();
  if (host.NanoCpus < 0 || host.NanoCpus > cpus * 1e9) {
    throw refuse(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  }
}

/** The kernel's usual period of the CPU bandwidth controller, in microseconds. */
const PERIOD = 100_000;

/** The limits in the runtime's form; undefined where there are none. */
export function resources(host: HostConfig): Resources | undefined {
  const byCpus = host.NanoCpus > 0;
  const all = present({
    memory: present({
      limit: host.Memory,
      reservation: host.MemoryReservation,
      swap: host.Memory > 0 ? host.MemorySwap : 0,
    }),
    cpu: present({
      shares: host.CpuShares,
      period: byCpus ? PERIOD : host.CpuPeriod,
      quota: byCpus ? Math.floor((host.NanoCpus * PERIOD) / 1e9) : host.CpuQuota,
      cpus: host.CpusetCpus,
      mems: host.CpusetMems,
    }),
    pids: host.PidsLimit ? { limit: host.PidsLimit } : {},
  });
  return Object.keys(all).length > 0 ? (all as Resources) : undefined;
}

/** Leaves out what is 0, '', null or empty: no limit. */
function present<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const kept = Object.entries(values).filter(([, value]) =>
    typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value),
  );
  return Object.fromEntries(kept) as { [K in keyof T]?: NonNullable<T[K]> };
}

/** Where a container's cgroup is made (config-linux.md, "Cgroups Path"); undefined where there are none. */
export function cgroupsPath(id: string, host: HostConfig, cgroup: Cgroup, initial: boolean): string | undefined {
  if (cgroup.manager === 'disabled') return undefined;
  if (cgroup.manager === 'systemd') {
    return `${host.CgroupParent || (initial ? 'system.slice' : 'user.slice')}:wherry:${id}`;
  }
  return join(host.CgroupParent.startsWith('/') ? '/' : cgroup.parent, host.CgroupParent, id);
}

/** The file that counts a container's kills for want of memory; undefined where no cgroup tells. uid: the user's own. */
export function oomFile(
  id: string,
  host: HostConfig,
  cgroup: Cgroup,
  { uid, initial }: { uid: number; initial: boolean },
) {
  const root = '/sys/fs/cgroup';
  const path = cgroupsPath(id, host, cgroup, initial);
  if (path === undefined || cgroup.version !== 2 || !cgroup.controllers.has('memory')) return undefined;
  if (cgroup.manager === 'cgroupfs') return join(root, path, 'memory.events');
  const above = initial ? '' : `user.slice/user-${uid}.slice/user@${uid}.service`;
  return join(root, above, ...sliceDirectories(path.split(':')[0] ?? ''), `wherry-${id}.scope`, 'memory.events');
}

/** systemd.slice(5): `a-b.slice` is a directory in that of `a.slice`. */
function sliceDirectories(slice: string): string[] {
  const words = slice.replace(/\.slice$/, '').split('-');
  return words.map((_, index) => `${words.slice(0, index + 1).join('-')}.slice`);
}
