/** Limits of memory, CPU, disks and processes in the runtime's form, and where the group is that holds them. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { HostConfig, ThrottleDevice } from '#base/api.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { numbersOf } from '#container/devices.ts';
import type { BlockDevice, BlockIo, Resources } from '#oci/spec.ts';
import type { Cgroup } from '#sys/cgroup.ts';

/** The kernel's usual period of the CPU bandwidth controller, in microseconds. */
const PERIOD = 100_000;

/**
 * The limits in the runtime's form; undefined where there are none. Throws kind `not-found` for a device to be limited
 * that is not there.
 */
export function resources(host: HostConfig): Resources | undefined {
  const byCpus = host.NanoCpus > 0;
  const all = present({
    memory: {
      ...present({
        limit: host.Memory,
        reservation: host.MemoryReservation,
        swap: host.Memory > 0 ? host.MemorySwap : 0,
        disableOOMKiller: host.OomKillDisable,
      }),
      // Here 0 is a value.
      ...(host.MemorySwappiness === undefined ? {} : { swappiness: host.MemorySwappiness }),
    },
    cpu: present({
      shares: host.CpuShares,
      period: byCpus ? PERIOD : host.CpuPeriod,
      quota: byCpus ? Math.floor((host.NanoCpus * PERIOD) / 1e9) : host.CpuQuota,
      cpus: host.CpusetCpus,
      mems: host.CpusetMems,
      realtimePeriod: host.CpuRealtimePeriod,
      realtimeRuntime: host.CpuRealtimeRuntime,
    }),
    blockIO: blockIo(host),
    pids: host.PidsLimit ? { limit: host.PidsLimit } : {},
  });
  return Object.keys(all).length > 0 ? (all as Resources) : undefined;
}

function blockIo(host: HostConfig): BlockIo {
  return present({
    weight: host.BlkioWeight,
    weightDevice: (host.BlkioWeightDevice ?? []).map(({ Path, Weight }) => ({ ...deviceAt(Path), weight: Weight })),
    throttleReadBpsDevice: throttled(host.BlkioDeviceReadBps),
    throttleWriteBpsDevice: throttled(host.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: throttled(host.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: throttled(host.BlkioDeviceWriteIOps),
  });
}

const throttled = (devices: readonly ThrottleDevice[] = []) =>
  devices.map(({ Path, Rate }) => ({ ...deviceAt(Path), rate: Rate }));

function deviceAt(path: string): BlockDevice {
  try {
    return numbersOf(statSync(path).rdev);
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause;
    throw new WherryError('not-found', `stat ${path}: no such file or directory`, { cause, exitCode: 127 });
  }
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
