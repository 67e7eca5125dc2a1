/** Containers as `inspect` shows them: Docker's JSON, in the order of its keys (Engine API 1.51, ContainerInspect). */
import { existsSync } from 'node:fs';
import type { MountPoint } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import type { Health } from '#container/health.ts';
import { networkSettingsOf } from '#container/inspect-network.ts';
import { keepsLog, logPathOf } from '#container/logconfig.ts';
import { readRecord } from '#container/names.ts';
import { type ContainerRecord, type State, shownMounts } from '#container/record.ts';
import { isRunning, NEVER } from '#container/state.ts';
import { type Seen, type Size, statusOf } from '#container/view.ts';
import { findRuntime } from '#oci/runtime.ts';
import type { Store } from '#store/store.ts';

/** Describes a container. size: measured by the caller where it was asked for. */
export function inspectContainer(store: Store, seen: Seen, size?: Size): object {
  const { record, state } = seen;
  const file = (name: string) => {
    const path = store.path('containers', record.id, name);
    return existsSync(path) ? path : '';
  };
  const { LogConfig } = record.hostConfig;
  const log = keepsLog(LogConfig) && LogConfig.Type !== 'local' ? logPathOf(store, record) : '';
  return {
    Id: record.id,
    Created: shortTime(record.created),
    Path: record.path,
    Args: record.args,
    State: stateOf(state, seen.health()),
    Image: record.image.id,
    ResolvConfPath: file('resolv.conf'),
    HostnamePath: file('hostname'),
    HostsPath: file('hosts'),
    LogPath: existsSync(log) ? log : '',
    Name: `/${record.name}`,
    RestartCount: state?.restartCount ?? 0,
    Driver: record.driver,
    Platform: record.image.platform.split('/')[0],
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
    HostConfig: hostConfigOf(store, record),
    GraphDriver: graphDriverOf(store, record),
    ...(size === undefined ? {} : { SizeRw: size.own, SizeRootFs: size.own + size.image }),
    Mounts: shownMounts(record).map(mountOf),
    Config: configOf(record),
    NetworkSettings: networkSettingsOf(store, seen),
  };
}

/** Go's RFC3339Nano leaves out zeros at the end. */
function shortTime(time: string): string {
  return time.replace(/\.(\d*?)0*Z$/, (_all, digits: string) => (digits === '' ? 'Z' : `.${digits}Z`));
}

function stateOf(state: State | undefined, health: Health | undefined): object {
  const running = isRunning(state);
  return {
    Status: statusOf(state),
    Running: running,
    Paused: state?.status === 'paused',
    Restarting: state?.status === 'restarting',
    OOMKilled: state?.oomKilled ?? false,
    Dead: false,
    Pid: running ? state.pid : 0,
    ExitCode: state?.exitCode ?? 0,
    Error: state?.error ?? '',
    StartedAt: shortTime(state?.startedAt ?? NEVER),
    FinishedAt: shortTime(state?.finishedAt ?? NEVER),
    ...(health === undefined ? {} : { Health: health }),
  };
}

/** What Docker shows where the record has nothing; undefined: the key is left out then. In Docker's order. */
const HOST_DEFAULTS: [key: string, value: unknown][] = [
  ['Binds', null],
  ['ContainerIDFile', ''],
  ['LogConfig', { Type: 'json-file', Config: {} }],
  ['NetworkMode', 'bridge'],
  ['PortBindings', {}],
  ['RestartPolicy', { Name: 'no', MaximumRetryCount: 0 }],
  ['AutoRemove', false],
  ['VolumeDriver', ''],
  ['VolumesFrom', null],
  ['ConsoleSize', [0, 0]],
  ['Annotations', undefined],
  ['CapAdd', null],
  ['CapDrop', null],
  ['CgroupnsMode', 'private'],
  ['Dns', []],
  ['DnsOptions', []],
  ['DnsSearch', []],
  ['ExtraHosts', null],
  ['GroupAdd', null],
  ['IpcMode', 'private'],
  ['Cgroup', ''],
  ['Links', null],
  ['OomScoreAdj', 0],
  ['PidMode', ''],
  ['Privileged', false],
  ['PublishAllPorts', false],
  ['ReadonlyRootfs', false],
  ['SecurityOpt', null],
  ['StorageOpt', undefined],
  ['Tmpfs', undefined],
  ['UTSMode', ''],
  ['UsernsMode', ''],
  ['ShmSize', 67108864],
  ['Sysctls', undefined],
  ['Runtime', ''],
  ['Isolation', ''],
  ['CpuShares', 0],
  ['Memory', 0],
  ['NanoCpus', 0],
  ['CgroupParent', ''],
  ['BlkioWeight', 0],
  ['BlkioWeightDevice', []],
  ['BlkioDeviceReadBps', []],
  ['BlkioDeviceWriteBps', []],
  ['BlkioDeviceReadIOps', []],
  ['BlkioDeviceWriteIOps', []],
  ['CpuPeriod', 0],
  ['CpuQuota', 0],
  ['CpuRealtimePeriod', 0],
  ['CpuRealtimeRuntime', 0],
  ['CpusetCpus', ''],
  ['CpusetMems', ''],
  ['Devices', []],
  ['DeviceCgroupRules', null],
  ['DeviceRequests', null],
  ['MemoryReservation', 0],
  ['MemorySwap', 0],
  ['MemorySwappiness', null],
  ['OomKillDisable', false],
  ['PidsLimit', null],
  ['Ulimits', []],
  ['CpuCount', 0],
  ['CpuPercent', 0],
  ['IOMaximumIOps', 0],
  ['IOMaximumBandwidth', 0],
  ['Mounts', undefined],
  ['MaskedPaths', null],
  ['ReadonlyPaths', null],
  ['Init', undefined],
];

const CONFIG_DEFAULTS: [key: string, value: unknown][] = [
  ['Hostname', ''],
  ['Domainname', ''],
  ['User', ''],
  ['AttachStdin', false],
  ['AttachStdout', false],
  ['AttachStderr', false],
  ['ExposedPorts', undefined],
  ['Tty', false],
  ['OpenStdin', false],
  ['StdinOnce', false],
  ['Env', []],
  ['Cmd', null],
  ['Healthcheck', undefined],
  ['Image', ''],
  ['Volumes', null],
  ['WorkingDir', ''],
  ['Entrypoint', null],
  ['MacAddress', undefined],
  ['OnBuild', null],
  ['Labels', {}],
  ['StopSignal', undefined],
  ['StopTimeout', undefined],
  ['Shell', undefined],
];

/** The known keys in Docker's order, with its defaults, and further ones that the record may have. */
function filled(values: object, defaults: readonly [string, unknown][]): object {
  const known = new Map<string, unknown>(Object.entries(values));
  const pairs: [string, unknown][] = [];
  for (const [key, fallback] of defaults) {
    const value = known.get(key) ?? fallback;
    known.delete(key);
    if (value !== undefined && !(fallback === undefined && isEmpty(value))) pairs.push([key, value]);
  }
  return Object.fromEntries([...pairs, ...known]);
}

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

function hostConfigOf(store: Store, record: ContainerRecord): object {
  const { hostConfig } = record;
  const { Links: links } = hostConfig;
  return filled(
    {
      ...hostConfig,
      ...(links?.length ? { Links: links.map((link) => shownLink(store, record, link)) } : {}),
      Runtime: runtimeName(hostConfig.Runtime),
    },
    HOST_DEFAULTS,
  );
}

/** `ID:ALIAS` is shown as `/db:/web/db`, with the names of now. */
function shownLink(store: Store, { name }: ContainerRecord, link: string): string {
  const [id = '', alias = ''] = link.split(':');
  return `/${readRecord(store, id)?.name ?? id}:/${name}/${alias}`;
}

function runtimeName(wanted: string): string {
  if (wanted !== '') return wanted;
  try {
    return findRuntime().kind;
  } catch (error) {
    if (error instanceof WherryError) return '';
    throw error;
  }
}

/** As the daemon, the first network's MAC address is shown here, too; podman's name for what an unhealthy one gets. */
function configOf({ config, hostConfig, networks, extras }: ContainerRecord): object {
  const action = extras?.healthAction;
  const { NetworkMode: mode } = hostConfig;
  const MacAddress = networks[mode === 'default' ? 'bridge' : mode]?.MacAddress;
  const further = { MacAddress, ...(action && { HealthcheckOnFailureAction: action }) };
  return filled({ ...config, ...further }, CONFIG_DEFAULTS);
}

function graphDriverOf(store: Store, { id, driver, image }: ContainerRecord): object {
  if (driver === 'copy') return { Data: { MergedDir: store.path('containers', id, 'merged') }, Name: driver };
  return {
    Data: {
      ID: id,
      LowerDir: image.diffIds
        .toReversed()
        .map((diffId) => store.path('layers', diffId.replace(/^sha256:/, '')))
        .join(':'),
      MergedDir: store.path('containers', id, 'merged'),
      UpperDir: store.path('containers', id, 'upper'),
      WorkDir: store.path('containers', id, 'work'),
    },
    Name: driver,
  };
}

function mountOf({ Type, Name, Source, Destination, Driver, Mode, RW, Propagation }: MountPoint): object {
  return {
    Type,
    ...(Name === undefined ? {} : { Name }),
    Source,
    Destination,
    ...(Driver === undefined ? {} : { Driver }),
    Mode,
    RW,
    Propagation,
  };
}
