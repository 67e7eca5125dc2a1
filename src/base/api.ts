/**
 * The shapes of Docker's Engine API that a container is described in. The CLI, compose and the store use them as they
 * are, so that inspect, the API service and compose need no translation. Types only.
 */

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
  BindOptions?: { Propagation?: string; NonRecursive?: boolean; CreateMountpoint?: boolean };
  VolumeOptions?: { NoCopy?: boolean; Labels?: Record<string, string> };
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
  PidsLimit: number | null;
  CgroupParent: string;
  Links: string[] | null;
  VolumesFrom: string[] | null;
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
}

export interface EndpointRequest {
  Aliases?: string[];
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string };
  MacAddress?: string;
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
  mac?: string;
}
