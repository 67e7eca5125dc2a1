/**
 * The Go types behind what inspect, info, version and events show (moby, api/types of 28.5, as `printf "%#v"` tells them): with them
 * a template meets the same structs, lists and maps as with Docker, empty ones included.
 */

import { METHODS } from '#cli/gomethods.ts';
import {
  BOOL,
  type GoType,
  getter,
  INT,
  type Method,
  mapOf,
  pointerTo,
  RAW,
  STRING,
  sliceOf,
  textOf,
  type Value,
} from '#cli/gotypes.ts';

/**
 * A type a line: its name, then `Field type` pairs, or `= type` for a name of a basic type. `Field:Key type` where JSON has
 * another key; `+ type` is embedded.
 */
const SHAPES = `
container.InspectResponse + *container.ContainerJSONBase, Mounts []container.MountPoint, Config *container.Config, NetworkSettings *container.NetworkSettings, ImageManifestDescriptor *v1.Descriptor
container.ContainerJSONBase ID:Id string, Created string, Path string, Args []string, State *container.State, Image string, ResolvConfPath string, HostnamePath string, HostsPath string, LogPath string, Name string, RestartCount int, Driver string, Platform string, MountLabel string, ProcessLabel string, AppArmorProfile string, ExecIDs []string, HostConfig *container.HostConfig, GraphDriver storage.DriverData, SizeRw *int64, SizeRootFs *int64
container.State Status string, Running bool, Paused bool, Restarting bool, OOMKilled bool, Dead bool, Pid int, ExitCode int, Error string, StartedAt string, FinishedAt string, Health *container.Health
container.Health Status string, FailingStreak int, Log []*container.HealthcheckResult
container.HealthcheckResult Start time.Time, End time.Time, ExitCode int, Output string
container.Config Hostname string, Domainname string, User string, AttachStdin bool, AttachStdout bool, AttachStderr bool, ExposedPorts nat.PortSet, Tty bool, OpenStdin bool, StdinOnce bool, Env []string, Cmd strslice.StrSlice, Healthcheck *v1.HealthcheckConfig, ArgsEscaped bool, Image string, Volumes map[string]struct {}, WorkingDir string, Entrypoint strslice.StrSlice, NetworkDisabled bool, MacAddress string, OnBuild []string, Labels map[string]string, StopSignal string, StopTimeout *int, Shell strslice.StrSlice
container.HostConfig Binds []string, ContainerIDFile string, LogConfig container.LogConfig, NetworkMode container.NetworkMode, PortBindings nat.PortMap, RestartPolicy container.RestartPolicy, AutoRemove bool, VolumeDriver string, VolumesFrom []string, ConsoleSize []uint, Annotations map[string]string, CapAdd strslice.StrSlice, CapDrop strslice.StrSlice, CgroupnsMode container.CgroupnsMode, DNS:Dns []string, DNSOptions:DnsOptions []string, DNSSearch:DnsSearch []string, ExtraHosts []string, GroupAdd []string, IpcMode container.IpcMode, Cgroup container.CgroupSpec, Links []string, OomScoreAdj int, PidMode container.PidMode, Privileged bool, PublishAllPorts bool, ReadonlyRootfs bool, SecurityOpt []string, StorageOpt map[string]string, Tmpfs map[string]string, UTSMode container.UTSMode, UsernsMode container.UsernsMode, ShmSize int64, Sysctls map[string]string, Runtime string, Isolation container.Isolation, + container.Resources, Mounts []mount.Mount, MaskedPaths []string, ReadonlyPaths []string, Init *bool
container.Resources CPUShares:CpuShares int64, Memory int64, NanoCPUs:NanoCpus int64, CgroupParent string, BlkioWeight uint16, BlkioWeightDevice []*blkiodev.WeightDevice, BlkioDeviceReadBps []*blkiodev.ThrottleDevice, BlkioDeviceWriteBps []*blkiodev.ThrottleDevice, BlkioDeviceReadIOps []*blkiodev.ThrottleDevice, BlkioDeviceWriteIOps []*blkiodev.ThrottleDevice, CPUPeriod:CpuPeriod int64, CPUQuota:CpuQuota int64, CPURealtimePeriod:CpuRealtimePeriod int64, CPURealtimeRuntime:CpuRealtimeRuntime int64, CpusetCpus string, CpusetMems string, Devices []container.DeviceMapping, DeviceCgroupRules []string, DeviceRequests []container.DeviceRequest, KernelMemory int64, KernelMemoryTCP int64, MemoryReservation int64, MemorySwap int64, MemorySwappiness *int64, OomKillDisable *bool, PidsLimit *int64, Ulimits []*units.Ulimit, CPUCount:CpuCount int64, CPUPercent:CpuPercent int64, IOMaximumIOps uint64, IOMaximumBandwidth uint64
container.LogConfig Type string, Config map[string]string
container.RestartPolicy Name container.RestartPolicyMode, MaximumRetryCount int
container.DeviceMapping PathOnHost string, PathInContainer string, CgroupPermissions string
container.DeviceRequest Driver string, Count int, DeviceIDs []string, Capabilities [][]string, Options map[string]string
container.MountPoint Type mount.Type, Name string, Source string, Destination string, Driver string, Mode string, RW bool, Propagation mount.Propagation
container.NetworkSettings + container.NetworkSettingsBase, + container.DefaultNetworkSettings, Networks map[string]*network.EndpointSettings
container.NetworkSettingsBase Bridge string, SandboxID string, SandboxKey string, Ports nat.PortMap, HairpinMode bool, LinkLocalIPv6Address string, LinkLocalIPv6PrefixLen int, SecondaryIPAddresses []network.Address, SecondaryIPv6Addresses []network.Address
container.DefaultNetworkSettings EndpointID string, Gateway string, GlobalIPv6Address string, GlobalIPv6PrefixLen int, IPAddress string, IPPrefixLen int, IPv6Gateway string, MacAddress string
container.NetworkMode = string
container.CgroupnsMode = string
container.IpcMode = string
container.CgroupSpec = string
container.PidMode = string
container.UTSMode = string
container.UsernsMode = string
container.Isolation = string
container.RestartPolicyMode = string
mount.Type = string
mount.Propagation = string
mount.Consistency = string
mount.Mount Type mount.Type, Source string, Target string, ReadOnly bool, Consistency mount.Consistency, BindOptions *mount.BindOptions, VolumeOptions *mount.VolumeOptions, ImageOptions *mount.ImageOptions, TmpfsOptions *mount.TmpfsOptions, ClusterOptions *mount.ClusterOptions
mount.BindOptions Propagation mount.Propagation, NonRecursive bool, CreateMountpoint bool, ReadOnlyNonRecursive bool, ReadOnlyForceRecursive bool
mount.VolumeOptions NoCopy bool, Labels map[string]string, Subpath string, DriverConfig *mount.Driver
mount.Driver Name string, Options map[string]string
mount.ImageOptions Subpath string
mount.TmpfsOptions SizeBytes int64, Mode uint32, Options [][]string
mount.ClusterOptions
blkiodev.WeightDevice Path string, Weight uint16
blkiodev.ThrottleDevice Path string, Rate uint64
units.Ulimit Name string, Hard int64, Soft int64
nat.Port = string
nat.PortSet = map[nat.Port]struct {}
nat.PortMap = map[nat.Port][]nat.PortBinding
nat.PortBinding HostIP:HostIp string, HostPort string
strslice.StrSlice = []string
storage.DriverData Data map[string]string, Name string
network.Address Addr string, PrefixLen int
network.EndpointSettings IPAMConfig *network.EndpointIPAMConfig, Links []string, Aliases []string, MacAddress string, DriverOpts map[string]string, GwPriority int, NetworkID string, EndpointID string, Gateway string, IPAddress string, IPPrefixLen int, IPv6Gateway string, GlobalIPv6Address string, GlobalIPv6PrefixLen int, DNSNames []string
network.EndpointIPAMConfig IPv4Address string, IPv6Address string, LinkLocalIPs []string
network.Inspect Name string, ID:Id string, Created time.Time, Scope string, Driver string, EnableIPv4 bool, EnableIPv6 bool, IPAM network.IPAM, Internal bool, Attachable bool, Ingress bool, ConfigFrom network.ConfigReference, ConfigOnly bool, Containers map[string]network.EndpointResource, Options map[string]string, Labels map[string]string, Peers []network.PeerInfo, Services map[string]network.ServiceInfo
network.IPAM Driver string, Options map[string]string, Config []network.IPAMConfig
network.IPAMConfig Subnet string, IPRange string, Gateway string, AuxAddress:AuxiliaryAddresses map[string]string
network.ConfigReference Network string
network.EndpointResource Name string, EndpointID string, MacAddress string, IPv4Address string, IPv6Address string
network.PeerInfo Name string, IP string
network.ServiceInfo VIP string, Ports []string, LocalLBIndex int, Tasks []any
volume.Volume ClusterVolume *volume.ClusterVolume, CreatedAt string, Driver string, Labels map[string]string, Mountpoint string, Name string, Options map[string]string, Scope string, Status map[string]any, UsageData *volume.UsageData
volume.ClusterVolume ID string
volume.UsageData RefCount int64, Size int64
image.InspectResponse ID:Id string, RepoTags []string, RepoDigests []string, Parent string, Comment string, Created string, Container string, ContainerConfig *container.Config, DockerVersion string, Author string, Config *v1.DockerOCIImageConfig, Architecture string, Variant string, Os string, OsVersion string, Size int64, VirtualSize int64, GraphDriver storage.DriverData, RootFS image.RootFS, Metadata image.Metadata, Descriptor *v1.Descriptor, Manifests []image.ManifestSummary
image.RootFS Type string, Layers []string
image.Metadata LastTagTime time.Time
image.ManifestSummary ID string, Descriptor v1.Descriptor, Available bool, Kind string
v1.DockerOCIImageConfig + v1.ImageConfig, + v1.DockerOCIImageConfigExt
v1.ImageConfig User string, ExposedPorts map[string]struct {}, Env []string, Entrypoint []string, Cmd []string, Volumes map[string]struct {}, WorkingDir string, Labels map[string]string, StopSignal string, ArgsEscaped bool
v1.DockerOCIImageConfigExt Healthcheck *v1.HealthcheckConfig, OnBuild []string, Shell []string
v1.HealthcheckConfig Test []string, Interval time.Duration, Timeout time.Duration, StartPeriod time.Duration, StartInterval time.Duration, Retries int
v1.Descriptor MediaType:mediaType string, Digest:digest digest.Digest, Size:size int64, URLs:urls []string, Annotations:annotations map[string]string, Data:data []uint8, Platform:platform *v1.Platform, ArtifactType:artifactType string
v1.Platform Architecture:architecture string, OS:os string, OSVersion:os.version string, OSFeatures:os.features []string, Variant:variant string
digest.Digest = string
system.dockerInfo + *system.Info, ServerErrors []string, UserName string, ClientInfo *system.clientInfo, ClientErrors []string
system.Info ID string, Containers int, ContainersRunning int, ContainersPaused int, ContainersStopped int, Images int, Driver string, DriverStatus [][]string, SystemStatus [][]string, Plugins system.PluginsInfo, MemoryLimit bool, SwapLimit bool, KernelMemory bool, KernelMemoryTCP bool, CPUCfsPeriod:CpuCfsPeriod bool, CPUCfsQuota:CpuCfsQuota bool, CPUShares bool, CPUSet bool, PidsLimit bool, IPv4Forwarding bool, Debug bool, NFd int, OomKillDisable bool, NGoroutines int, SystemTime string, LoggingDriver string, CgroupDriver string, CgroupVersion string, NEventsListener int, KernelVersion string, OperatingSystem string, OSVersion string, OSType string, Architecture string, IndexServerAddress string, RegistryConfig *registry.ServiceConfig, NCPU int, MemTotal int64, GenericResources []any, DockerRootDir string, HTTPProxy:HttpProxy string, HTTPSProxy:HttpsProxy string, NoProxy string, Name string, Labels []string, ExperimentalBuild bool, ServerVersion string, Runtimes map[string]system.RuntimeWithStatus, DefaultRuntime string, Swarm swarm.Info, LiveRestoreEnabled bool, Isolation container.Isolation, InitBinary string, ContainerdCommit system.Commit, RuncCommit system.Commit, InitCommit system.Commit, SecurityOptions []string, ProductLicense string, DefaultAddressPools []system.NetworkAddressPool, FirewallBackend *system.FirewallInfo, CDISpecDirs []string, DiscoveredDevices []any, Containerd *system.ContainerdInfo, Warnings []string
system.PluginsInfo Volume []string, Network []string, Authorization []string, Log []string
system.RuntimeWithStatus + system.Runtime, Status:status map[string]string
system.Runtime Path:path string, Args:runtimeArgs []string, Type:runtimeType string, Options:options map[string]any
system.Commit ID string, Expected string
system.NetworkAddressPool Base string, Size int
system.FirewallInfo Driver string, Info [][]string
system.ContainerdInfo Address string, Namespaces system.ContainerdNamespaces
system.ContainerdNamespaces Containers string, Plugins string
system.clientInfo Debug bool, + system.clientVersion, Plugins []manager.Plugin, Warnings []string
system.clientVersion Platform *system.platformInfo, Version string, APIVersion:ApiVersion string, DefaultAPIVersion string, GitCommit string, GoVersion string, Os string, Arch string, BuildTime string, Context string
system.platformInfo Name string
system.versionInfo Client system.clientVersion, Server *types.Version
types.Version Platform system.platformInfo, Components []types.ComponentVersion, Version string, APIVersion:ApiVersion string, MinAPIVersion string, GitCommit string, GoVersion string, Os string, Arch string, KernelVersion string, Experimental bool, BuildTime string
types.ComponentVersion Name string, Version string, Details map[string]string
manager.Plugin SchemaVersion string, Vendor string, Version string, ShortDescription string, Name string, Path string
registry.ServiceConfig AllowNondistributableArtifactsCIDRs []string, AllowNondistributableArtifactsHostnames []string, InsecureRegistryCIDRs []string, IndexConfigs map[string]*registry.IndexInfo, Mirrors []string
registry.IndexInfo Name string, Mirrors []string, Secure bool, Official bool
swarm.Info NodeID string, NodeAddr string, LocalNodeState swarm.LocalNodeState, ControlAvailable bool, Error string, RemoteManagers []swarm.Peer, Nodes int, Managers int, Cluster *swarm.ClusterInfo, Warnings []string
swarm.LocalNodeState = string
swarm.Peer NodeID string, Addr string
swarm.ClusterInfo ID string
events.Message Status:status string, ID:id string, From:from string, Type events.Type, Action events.Action, Actor events.Actor, Scope:scope string, Time:time int64, TimeNano:timeNano int64
events.Actor ID string, Attributes map[string]string
events.Type = string
events.Action = string
imagetools.tplInput/manifest Name:name string, Manifest:manifest v1.Descriptor, Image:image *v1.Image
imagetools.tplInputs/manifest Name:name string, Manifest:manifest v1.Descriptor, Image:image map[string]*v1.Image
imagetools.tplInput/index Name:name string, Manifest:manifest imagetools.manifestList, Image:image *v1.Image
imagetools.tplInputs/index Name:name string, Manifest:manifest imagetools.manifestList, Image:image map[string]*v1.Image
imagetools.manifestList SchemaVersion:schemaVersion int, MediaType:mediaType string, Digest:digest digest.Digest, Size:size int64, Manifests:manifests []v1.Descriptor, Annotations:annotations map[string]string
v1.Image Created:created *time.Time, Author:author string, + v1.Platform, Config:config v1.ImageConfig, RootFS:rootfs v1.RootFS, History:history []v1.History
v1.RootFS Type:type string, DiffIDs:diff_ids []digest.Digest
v1.History Created:created *time.Time, CreatedBy:created_by string, Author:author string, Comment:comment string, EmptyLayer:empty_layer bool
`;

const BASIC: Readonly<Record<string, GoType>> = {
  string: STRING,
  bool: BOOL,
  int: INT,
  int64: { kind: 'int', name: 'int64' },
  uint: { kind: 'uint', name: 'uint' },
  uint8: { kind: 'uint', name: 'uint8' },
  uint16: { kind: 'uint', name: 'uint16' },
  uint32: { kind: 'uint', name: 'uint32' },
  uint64: { kind: 'uint', name: 'uint64' },
  any: RAW,
  'struct {}': { kind: 'struct', name: 'struct {}', fields: [] },
};

let lines: Map<string, string> | undefined;
const known = new Map<string, GoType>();

/** The type of this name. Throws a RangeError for one that is not here. */
function goType(name: string): GoType {
  const basic = BASIC[name];
  if (basic !== undefined) return basic;
  if (name.startsWith('*')) return pointerTo(goType(name.slice(1)));
  if (name.startsWith('[]')) return sliceOf(goType(name.slice(2)));
  const map = /^map\[([^\]]+)\](.+)$/.exec(name);
  if (map !== null) return mapOf(goType(map[1] ?? ''), goType(map[2] ?? ''));
  const type = known.get(name) ?? readShape(name);
  known.set(name, type);
  return type;
}

/** What stands behind a slash tells shapes apart that a type of one name has. */
function readShape(key: string): GoType {
  const special = SPECIAL[key];
  if (special !== undefined) return special;
  const [name = ''] = key.split('/');
  lines ??= new Map(
    SHAPES.trim()
      .split('\n')
      .map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)]),
  );
  const line = lines.get(key);
  if (line === undefined) throw new RangeError(`no shape of ${key}`);
  const methods = METHODS[name];
  const more = methods === undefined ? {} : { methods: (wanted: string): Method | undefined => methods[wanted] };
  if (line.startsWith('= ')) return { ...goType(line.slice(2)), name, named: true, ...more };
  return { kind: 'struct', name, named: true, fields: line === key ? [] : line.split(', ').map(readField), ...more };
}

/** `Field type`, `Field:Key type`, `+ type`. */
function readField(text: string) {
  const at = text.indexOf(' ');
  const names = text.slice(0, at);
  const type = goType(text.slice(at + 1));
  if (names === '+') return { name: (type.elem ?? type).name.split('.').at(-1) ?? '', type };
  const [name = '', key = name] = names.split(':');
  return { name, key, type };
}

/** time.Duration's String: `1h0m0s`, `1.5s`, `100ms`. */
function durationText(data: unknown): string {
  const nanoseconds = BigInt(Math.trunc(Number(data ?? 0)));
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  for (const [unit, digits] of [
    ['ns', 3],
    ['µs', 6],
    ['ms', 9],
  ] as const) {
    if (size < 10n ** BigInt(digits)) return `${sign}${decimal(size, digits - 3)}${unit}`;
  }
  const minutes = size / 60_000_000_000n;
  const seconds = decimal(size % 60_000_000_000n, 9);
  const hours = minutes / 60n;
  return `${sign}${hours > 0n ? `${hours}h` : ''}${minutes > 0n ? `${minutes % 60n}m` : ''}${seconds}s`;
}

function decimal(value: bigint, digits: number): string {
  const text = String(value).padStart(digits + 1, '0');
  const rest = digits === 0 ? '' : text.slice(-digits).replace(/0+$/, '');
  const whole = text.slice(0, text.length - digits);
  return rest === '' ? whole : `${whole}.${rest}`;
}

/** time.Time's String: `2026-11-21 18:07:43.838633248 +0000 UTC`. */
function timeText(data: unknown): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(textOf(data));
  if (match === null) return '0001-01-01 00:00:00 +0000 UTC';
  const [, date, time, fraction = '', zone = 'Z'] = match;
  const offset = zone === 'Z' ? '+0000 UTC' : `${zone.replace(':', '')} ${zone.replace(':', '')}`;
  return `${date} ${time}${fraction.replace(/\.?0+$/, '')} ${offset}`;
}

const SPECIAL: Readonly<Record<string, GoType>> = {
  'time.Duration': { kind: 'int', name: 'time.Duration', named: true, show: durationText },
  'time.Time': {
    kind: 'struct',
    name: 'time.Time',
    named: true,
    show: timeText,
    methods: (name) =>
      name === 'String' ? getter(STRING, timeText) : name === 'IsZero' ? getter(BOOL, isNoTime) : undefined,
  },
};

const isNoTime = (data: unknown) => !data || textOf(data).startsWith('0001-01-01T00:00:00');

/** How each kind of thing is told from the others: these are among its keys. */
const TOLD_BY: readonly [shape: string, keys: readonly string[]][] = [
  ['container.InspectResponse', ['State', 'HostConfig']],
  ['image.InspectResponse', ['RootFS', 'RepoTags']],
  ['network.Inspect', ['IPAM', 'Scope']],
  ['volume.Volume', ['Mountpoint', 'Scope']],
];

/** What inspect shows, with the type that it has in Docker; undefined for things that Docker has no type for. */
export function shapeOf(data: unknown): GoType | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const found = TOLD_BY.find(([, keys]) => keys.every((key) => key in data));
  return found === undefined ? undefined : goType(found[0]);
}

/** A value of a named type. */
export const shaped = (name: string, data: unknown): Value => ({ type: goType(name), data });
