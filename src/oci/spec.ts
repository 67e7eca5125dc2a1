/** The OCI runtime specification's config.json, version 1.2, as far as Linux containers of ours use it. Types only. */

/** A number that a double can't hold exactly (JSON.rawJSON): JSON.stringify() writes it as it stands. */
interface RawNumber {
  readonly rawJSON: string;
}

/** config.md */
export interface Spec {
  ociVersion: string;
  process: Process;
  root: { path: string; readonly?: boolean };
  hostname?: string;
  domainname?: string;
  mounts: Mount[];
  annotations?: Record<string, string>;
  hooks?: Record<string, Hook[]>;
  linux: Linux;
}

/** config.md, "POSIX-platform Hooks". */
interface Hook {
  path: string;
  args?: string[];
  env?: string[];
  timeout?: number;
}

/** config.md, "Process"; also what a runtime's `exec --process` reads. */
export interface Process {
  terminal?: boolean;
  consoleSize?: { height: number; width: number };
  user: { uid: number; gid: number; umask?: number; additionalGids?: number[] };
  args: string[];
  env: string[];
  cwd: string;
  capabilities?: Capabilities;
  rlimits?: Rlimit[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  oomScoreAdj?: number;
}

interface Capabilities {
  bounding: string[];
  effective: string[];
  permitted: string[];
}

export interface Rlimit {
  type: string;
  soft: number | RawNumber;
  hard: number | RawNumber;
}

/** config.md, "Mounts": options as mount(8) has them. */
/** One range of ids. */
interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

export interface Mount {
  destination: string;
  type: string;
  source: string;
  options: string[];
  /** From the ids on disk to those outside of the container. */
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
}

export type Propagation = 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave';

/** config-linux.md */
export interface Linux {
  namespaces: Namespace[];
  devices?: Device[];
  cgroupsPath?: string;
  resources?: Resources;
  sysctl?: Record<string, string>;
  seccomp?: Seccomp;
  rootfsPropagation?: Propagation;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  personality?: { domain: 'LINUX' | 'LINUX32' };
}

/** path: a namespace to join; without it a new one is made. */
export interface Namespace {
  type: 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'cgroup' | 'user';
  path?: string;
}

export interface Device {
  path: string;
  type: 'c' | 'b';
  major: number;
  minor: number;
  fileMode: number;
  uid: number;
  gid: number;
}

export interface Resources {
  devices?: DeviceRule[];
  memory?: { limit?: number; reservation?: number; swap?: number; swappiness?: number; disableOOMKiller?: boolean };
  cpu?: {
    shares?: number;
    quota?: number;
    period?: number;
    cpus?: string;
    mems?: string;
    realtimePeriod?: number;
    realtimeRuntime?: number;
  };
  pids?: { limit: number };
  blockIO?: BlockIo;
}

/** A block device by its numbers. */
export interface BlockDevice {
  major: number;
  minor: number;
}

type Throttle = BlockDevice & { rate: number };

/** config-linux.md, "Block IO": rates in bytes or operations a second. */
export interface BlockIo {
  weight?: number;
  weightDevice?: (BlockDevice & { weight: number })[];
  throttleReadBpsDevice?: Throttle[];
  throttleWriteBpsDevice?: Throttle[];
  throttleReadIOPSDevice?: Throttle[];
  throttleWriteIOPSDevice?: Throttle[];
}

export interface DeviceRule {
  allow: boolean;
  type?: 'a' | 'c' | 'b';
  major?: number;
  minor?: number;
  access: string;
}

/** config-linux.md, "Seccomp". */
export interface Seccomp {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  flags?: string[];
  listenerPath?: string;
  listenerMetadata?: string;
  syscalls?: SeccompRule[];
}

export interface SeccompRule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: SeccompArgument[];
}

export interface SeccompArgument {
  index: number;
  value: number | RawNumber;
  valueTwo?: number | RawNumber;
  op: string;
}
