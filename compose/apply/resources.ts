/** What a service may use, as HostConfig has it: limits, devices, ulimits (docker compose's getDeployResources). */
import type { DeviceRequest as EngineRequest, HostConfig, Ulimit } from '#base/api.ts';
import { given } from '#base/given.ts';
import { parseBytes } from '#base/units.ts';
import type { BlkioConfig, DeviceRequest, Resource, Service, ThrottleDevice } from '#compose/model/project.ts';

type Resources = Pick<
  HostConfig,
  | 'Memory'
  | 'MemoryReservation'
  | 'MemorySwap'
  | 'MemorySwappiness'
  | 'OomKillDisable'
  | 'NanoCpus'
  | 'CpuCount'
  | 'CpuPercent'
  | 'CpuPeriod'
  | 'CpuQuota'
  | 'CpuRealtimePeriod'
  | 'CpuRealtimeRuntime'
  | 'CpuShares'
  | 'CpusetCpus'
  | 'PidsLimit'
  | 'BlkioWeight'
  | 'BlkioWeightDevice'
  | 'BlkioDeviceReadBps'
  | 'BlkioDeviceReadIOps'
  | 'BlkioDeviceWriteBps'
  | 'BlkioDeviceWriteIOps'
  | 'DeviceCgroupRules'
  | 'Devices'
  | 'DeviceRequests'
  | 'Ulimits'
  | 'CgroupParent'
>;

/** The limits of `deploy` stand above those of the service. */
export function resourcesOf(service: Service): Resources {
  const { limits, reservations } = service.deploy?.resources ?? {};
  const { devices, cdi } = splitDevices(service);
  const requests = [...reserved(reservations), ...cdi, ...(service.gpus ?? []).map(gpuRequest)];
  return {
    Memory: bytes(limits?.memory) || bytes(service.mem_limit),
    NanoCpus: nanoCpus(limits?.cpus) || nanoCpus(service.cpus),
    CpuShares: service.cpu_shares ?? 0,
    CgroupParent: service.cgroup_parent ?? '',
    PidsLimit: limits?.pids || service.pids_limit || null,
    Devices: devices,
    Ulimits: ulimitsOf(service.ulimits),
    ...given({
      MemoryReservation: bytes(reservations?.memory) || bytes(service.mem_reservation) || undefined,
      MemorySwap: bytes(service.memswap_limit) || undefined,
      MemorySwappiness: bytes(service.mem_swappiness) || undefined,
      OomKillDisable: service.oom_kill_disable || undefined,
      CpuCount: service.cpu_count,
      CpuPercent: service.cpu_percent,
      CpuPeriod: service.cpu_period,
      CpuQuota: service.cpu_quota,
      CpuRealtimePeriod: service.cpu_rt_period,
      CpuRealtimeRuntime: service.cpu_rt_runtime,
      CpusetCpus: service.cpuset,
      DeviceCgroupRules: service.device_cgroup_rules,
    }),
    ...(requests.length === 0 ? {} : { DeviceRequests: requests }),
    ...blockIo(service.blkio_config),
  };
}

/** -1 is a number, too: no limit. */
function bytes(text: string | number | undefined): number {
  if (text === undefined) return 0;
  return /^-?\d+$/.test(`${text}`) ? Number(text) : parseBytes(`${text}`);
}

const nanoCpus = (cpus: string | number | undefined) => Math.trunc(Number((Number(cpus ?? 0) * 1e9).toPrecision(7)));

/** A CDI device's whole name stands where else a path is. */
const QUALIFIED = /^[A-Za-z][\w.-]*\/[A-Za-z][\w.-]*=[\w.:-]+$/;

function splitDevices({ devices = [] }: Service) {
  const isNamed = ({ source = '', target }: { source?: string; target?: string }) =>
    source === target && QUALIFIED.test(source);
  const names = devices.filter(isNamed).map(({ source = '' }) => source);
  return {
    devices: devices
      .filter((device) => !isNamed(device))
      .map(({ source = '', target = '', permissions = '' }) => ({
        PathOnHost: source,
        PathInContainer: target,
        CgroupPermissions: permissions,
      })),
    cdi: names.length === 0 ? [] : [{ Driver: 'cdi', Count: 0, DeviceIDs: names, Capabilities: null, Options: null }],
  };
}

const reserved = (reservations: Resource | undefined): EngineRequest[] =>
  (reservations?.devices ?? []).map((device) => deviceRequest(device, device.capabilities ?? []));

const gpuRequest = (gpu: DeviceRequest): EngineRequest => deviceRequest(gpu, [...(gpu.capabilities ?? []), 'gpu']);

const deviceRequest = (
  { driver, count, device_ids, options }: DeviceRequest,
  capabilities: string[],
): EngineRequest => ({
  Driver: driver ?? '',
  Count: Number(count ?? 0),
  DeviceIDs: device_ids ?? null,
  Capabilities: [capabilities],
  Options: options ?? null,
});

export function ulimitsOf(ulimits: Service['ulimits'] = {}): Ulimit[] | null {
  const list = Object.entries(ulimits).map(([Name, limit]) =>
    typeof limit === 'number' ? { Name, Hard: limit, Soft: limit } : { Name, Hard: limit.hard, Soft: limit.soft },
  );
  return list.length === 0 ? null : list;
}

function blockIo(blkio: BlkioConfig | undefined) {
  const throttles = (devices: ThrottleDevice[] | undefined) =>
    devices?.map(({ path, rate }) => ({ Path: path, Rate: bytes(rate) }));
  return given({
    BlkioWeight: blkio?.weight,
    BlkioWeightDevice: blkio?.weight_device?.map(({ path, weight }) => ({ Path: path, Weight: weight })),
    BlkioDeviceReadBps: throttles(blkio?.device_read_bps),
    BlkioDeviceReadIOps: throttles(blkio?.device_read_iops),
    BlkioDeviceWriteBps: throttles(blkio?.device_write_bps),
    BlkioDeviceWriteIOps: throttles(blkio?.device_write_iops),
  });
}
