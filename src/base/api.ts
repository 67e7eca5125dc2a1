/**
 * The shapes of Docker's Engine API that a container is described in. The CLI, compose and the store use them as they
 * are, so that inspect, the API service and compose need no translation. Types only.
 */
import type { Extras } from '#base/extras.ts';

/** Engine API `ContainerConfig`. */
export interface Config {
  Hostname: string;
  Domainname: string;
  User: string;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  ExposedPorts?: Record<string, object>;
  Tty: boolean;
  OpenStdin: boolean;
  StdinOnce: boolean;
  Env: string[];
  Cmd: string[] | null;
  Healthcheck?: HealthConfig;
  Image: string;
  Volumes: Record<string, object> | null;
  WorkingDir: string;
  Entrypoint: string[] | null;
  Labels: Record<string, string>;
  StopSignal?: string;
  /** Seconds. */
  StopTimeout?: number;
  Shell?: string[];
}

/** Durations in nanoseconds. */
export interface HealthConfig {
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

export interface PortBinding {
  HostIp: string;
  HostPort: string;
}

/** `80/tcp` -> where it is published on the host. */
export type PortMap = Record<string, PortBinding[] | null>;

export interface RestartPolicy {
  Name: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  MaximumRetryCount: number;
}

export interface DeviceMapping {
  PathOnHost: string;
  PathInContainer: string;
  CgroupPermissions: string;
}

/** One request for devices that a driver knows: CDI, or GPUs. */
export interface DeviceRequest {
  Driver: string;
  /** -1: all. */
  Count: number;
  DeviceIDs: string[] | null;
  Capabilities: string[][] | null;
  Options: Record<string, string> | null;
}

/** A block device's share of what it can do. */
export interface WeightDevice {
  Path: string;
  Weight: number;
}

/** A block device's limit: bytes or operations a second. */
export interface ThrottleDevice {
  Path: string;
  Rate: number;
}

export interface Ulimit {
  Name: string;
  Hard: number;
  Soft: number;
}

/** Engine API `Mount`: one --mount. */
export interface MountRequest {
  Type: 'bind' | 'volume' | 'tmpfs' | 'image';
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  BindOptions?: {
    Propagation?: string;
    NonRecursive?: boolean;
    CreateMountpoint?: boolean;
    /** What is mounted below the source stays writable. */
    ReadOnlyNonRecursive?: boolean;
    /** The kernel must be able to make all of it read-only. */
    ReadOnlyForceRecursive?: boolean;
  };
  VolumeOptions?: {
    NoCopy?: boolean;
    Labels?: Record<string, string>;
    Subpath?: string;
    DriverConfig?: { Name?: string; Options?: Record<string, string> };
  };
  ImageOptions?: { Subpath?: string };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
}

/** Engine API `HostConfig`: the parts that the host decides on. Sizes in bytes. */
export interface HostConfig {
  Binds: string[] | null;
  ContainerIDFile: string;
  LogConfig: { Type: string; Config: Record<string, string> };
  /** default (= bridge), none, host, container:ID or a network's name. */
  NetworkMode: string;
  PortBindings: PortMap;
  PublishAllPorts: boolean;
  RestartPolicy: RestartPolicy;
  AutoRemove: boolean;
  /** Rows and columns of the terminal at the start. */
  ConsoleSize: [number, number];
  CapAdd: string[] | null;
  CapDrop: string[] | null;
  CgroupnsMode: string;
  Dns: string[];
  DnsOptions: string[];
  DnsSearch: string[];
  ExtraHosts: string[] | null;
  GroupAdd: string[] | null;
  IpcMode: string;
  PidMode: string;
  UTSMode: string;
  UsernsMode: string;
  Privileged: boolean;
  ReadonlyRootfs: boolean;
  SecurityOpt: string[] | null;
  Tmpfs?: Record<string, string>;
  ShmSize: number;
  Sysctls?: Record<string, string>;
  Runtime: string;
  Devices: DeviceMapping[];
  DeviceRequests?: DeviceRequest[] | null;
  Ulimits: Ulimit[] | null;
  Mounts?: MountRequest[];
  MaskedPaths: string[] | null;
  ReadonlyPaths: string[] | null;
  Init?: boolean;
  Annotations?: Record<string, string>;
  OomScoreAdj: number;
  /** Limits; 0 = none. */
  Memory: number;
  MemoryReservation?: number;
  /** Memory and swap together; -1 = no limit. */
  MemorySwap?: number;
  NanoCpus: number;
  /** Microseconds. */
  CpuPeriod?: number;
  CpuQuota?: number;
  CpusetCpus?: string;
  CpusetMems?: string;
  CpuShares: number;
  /** Windows' own: the count is kept and means nothing, the percentage is discarded. */
  CpuCount?: number;
  CpuPercent?: number;
  CpuRealtimePeriod?: number;
  CpuRealtimeRuntime?: number;
  PidsLimit: number | null;
  /** 0 to 100; absent: the kernel's. */
  MemorySwappiness?: number;
  OomKillDisable?: boolean;
  /** 10 to 1000. */
  BlkioWeight?: number;
  BlkioWeightDevice?: WeightDevice[];
  BlkioDeviceReadBps?: ThrottleDevice[];
  BlkioDeviceWriteBps?: ThrottleDevice[];
  BlkioDeviceReadIOps?: ThrottleDevice[];
  BlkioDeviceWriteIOps?: ThrottleDevice[];
  /** `c 1:3 rwm` */
  DeviceCgroupRules?: string[] | null;
  CgroupParent: string;
  /** `default`, or absent. */
  Isolation?: string;
  /** Of the storage driver: none that this one has. */
  StorageOpt?: Record<string, string>;
  Links: string[] | null;
  VolumesFrom: string[] | null;
  /** The driver of volumes that -v makes. */
  VolumeDriver?: string;
}

/** What ContainerCreate takes: the CLI's run and create, compose, and the API all make one of these. */
export interface CreateRequest {
  name?: string;
  /** os/architecture[/variant]. */
  platform?: string;
  config: Config;
  hostConfig: HostConfig;
  /** Per network: Engine API `EndpointSettings` as requested. */
  networks: Record<string, EndpointRequest>;
  /** What podman has and Docker has not. */
  extras?: Extras;
}

export interface EndpointRequest {
  Aliases?: string[];
  /** `CONTAINER:ALIAS`, or the container's name alone; on the default network they stand in HostConfig. */
  Links?: string[];
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] };
  MacAddress?: string;
  DriverOpts?: Record<string, string>;
  /** The network with the highest one has the default route. */
  GwPriority?: number;
}

/** One resolved mount, in the shape of inspect's `Mounts`, in the order in which they are mounted. */
export interface MountPoint {
  Type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** The volume's name. */
  Name?: string;
  /** The host's path; empty for tmpfs. */
  Source: string;
  Destination: string;
  Driver?: string;
  Mode: string;
  RW: boolean;
  Propagation: string;
  /** mount(8) options for a tmpfs (`size=…`, `mode=…`). */
  TmpfsOptions?: string[];
  NoCopy?: boolean;
  /** A bind without the mounts below its source. */
  NonRecursive?: boolean;
  /** Made for this container alone: `rm -v` and `--rm` take it away. */
  Anonymous?: boolean;
  /** Only `readonly` of the mount itself, not of what is mounted below its source. */
  ReadOnlyNonRecursive?: boolean;
  /** All of it is read-only, or the container doesn't start. */
  ReadOnlyForceRecursive?: boolean;
  /** Of a volume's or an image's content only this part: a relative path. */
  Subpath?: string;
  /** The image's ID and layers, lowest first, where an image is mounted. */
  Image?: { id: string; diffIds: string[] };
  /** The container's user gets the content (podman's U). */
  Chown?: boolean;
  /** The container's ids are those on disk (podman's idmap). */
  Idmap?: boolean;
  /** noexec, nosuid, nodev: of the file system that a volume's options mount. */
  Flags?: string[];
  /** The container writes in a layer of its own above the source (podman's O). */
  Overlay?: boolean;
}

/** One network's share of a container, kept while it exists; addresses are given at each start. */
export interface Endpoint {
  network: string;
  /** 64 hexadecimal digits, as inspect's NetworkID and EndpointID show them; the endpoint's is new at each start. */
  networkId?: string;
  id?: string;
  aliases: string[];
  /** With the prefix length: 172.17.0.2/16. */
  address?: string;
  gateway?: string;
  /** Of IPv6: fd00::2/64. */
  address6?: string;
  gateway6?: string;
  mac?: string;
  /** In the container: eth0. */
  interface?: string;
  /** What it is called on the network: Docker's DNSNames. None on the predefined ones. */
  names?: string[];
}
