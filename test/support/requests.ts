/** Requests, records and hosts as tests of what becomes of them want them: a plain one, and what differs. */
import type { Config, CreateRequest, HostConfig } from '#base/api.ts';
import { type ImageDefaults, makeRecord } from '#container/create.ts';
import type { Facts } from '#container/facts.ts';
import type { ContainerRecord } from '#container/record.ts';
import { maskedPaths, READONLY_PATHS } from '#container/security.ts';
import type { Found } from '#container/surroundings.ts';

export interface Wish {
  config?: Partial<Config>;
  host?: Partial<HostConfig>;
  image?: ImageDefaults;
}

export const plainConfig: Config = {
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: true,
  AttachStderr: true,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: [],
  Cmd: ['true'],
  Image: 'busybox',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  Labels: {},
};

export const plainHost: HostConfig = {
  Binds: null,
  ContainerIDFile: '',
  LogConfig: { Type: 'json-file', Config: {} },
  NetworkMode: 'bridge',
  PortBindings: {},
  PublishAllPorts: false,
  RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
  AutoRemove: false,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: 'private',
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: 'private',
  PidMode: '',
  UTSMode: '',
  UsernsMode: '',
  Privileged: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  ShmSize: 64 * 1024 * 1024,
  Runtime: '',
  Devices: [],
  Ulimits: [],
  MaskedPaths: maskedPaths(),
  ReadonlyPaths: [...READONLY_PATHS],
  OomScoreAdj: 0,
  Memory: 0,
  NanoCpus: 0,
  CpuShares: 0,
  PidsLimit: null,
  CgroupParent: '',
  Links: null,
  VolumesFrom: null,
};

export function request({ config = {}, host = {} }: Wish = {}): CreateRequest {
  return { config: { ...plainConfig, ...config }, hostConfig: { ...plainHost, ...host }, networks: {} };
}

export const ID = 'c0ffee'.padEnd(64, '1');

export function record(wish: Wish = {}, mounts: ContainerRecord['mounts'] = []): ContainerRecord {
  const image = {
    reference: 'busybox',
    id: `sha256:${'1'.repeat(64)}`,
    manifest: `sha256:${'2'.repeat(64)}`,
    platform: 'linux/amd64',
    diffIds: [],
    config: wish.image ?? {},
  };
  return makeRecord(request(wish), image, { id: ID, name: 'web', mounts, driver: 'overlay' });
}

const ALL = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
].concat(
  ['CAP_SETPCAP', 'CAP_NET_BIND_SERVICE', 'CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_SYS_CHROOT', 'CAP_SYS_ADMIN'],
  ['CAP_MKNOD', 'CAP_AUDIT_WRITE', 'CAP_SETFCAP'],
);

/** An ordinary user's namespace with a range of ids, and no cgroups. */
export const rootless: Facts = {
  userns: {
    initial: false,
    uids: [
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 100_000, count: 65_536 },
    ],
    gids: [
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 100_000, count: 65_536 },
    ],
  },
  capabilities: ALL,
  seccomp: true,
  apparmor: false,
  arch: 'x64',
  kernel: [6, 1],
  oomScoreAdj: 0,
  cgroup: { manager: 'disabled', version: 2, controllers: new Set(), swap: false, parent: '' },
};

/** An ordinary user without a range: one id. */
export const single: Facts = {
  ...rootless,
  userns: {
    initial: false,
    uids: [{ inside: 0, outside: 1000, count: 1 }],
    gids: [{ inside: 0, outside: 1000, count: 1 }],
  },
};

/** Real root with systemd. */
export const rootful: Facts = {
  ...rootless,
  userns: {
    initial: true,
    uids: [{ inside: 0, outside: 0, count: 0xffff_ffff }],
    gids: [{ inside: 0, outside: 0, count: 0xffff_ffff }],
  },
  cgroup: {
    manager: 'systemd',
    version: 2,
    controllers: new Set(['memory', 'cpu', 'cpuset', 'pids']),
    swap: true,
    parent: '/wherry',
  },
};

export function found(facts: Facts = rootless, more: Partial<Found> = {}): Found {
  return {
    facts,
    identity: { uid: 0, gid: 0, additionalGids: [0], home: '/root' },
    devices: [],
    namespaces: {},
    hostname: 'the-host',
    domainname: '',
    hasMqueue: true,
    files: new Set(),
    covered: new Map(),
    ...more,
  };
}
