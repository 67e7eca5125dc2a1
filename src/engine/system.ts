/** version and info: what runs here, and what this machine lets us do, in the shapes of Docker's Engine API. */
import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { arch, cpus, homedir, hostname, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { cdiDirectories } from '#container/cdi.ts';
import { LOG_DRIVERS } from '#container/log-options.ts';
import { listContainers } from '#container/names.ts';
import { readState } from '#container/state.ts';
import { listImages } from '#image/names.ts';
import { type ClientSight, clientSight } from '#network/leases.ts';
import { findRuntime } from '#oci/runtime.ts';
import { storageDriver } from '#store/driver.ts';
import type { Store } from '#store/store.ts';
import { type Cgroup, detectCgroup } from '#sys/cgroup.ts';
import { findTool, installation } from '#sys/host.ts';
import { run } from '#sys/process.ts';

/** The Engine API whose shapes we speak: Docker 28.5's. */
const API_VERSION = '1.51';
const MIN_API_VERSION = '1.24';

/** The version of Docker whose commands, messages and API these are. */
export const DOCKER_VERSION = '28.5.2';

/** The versions of buildx and BuildKit likewise. */
export const BUILDX_VERSION = '0.29.1';
export const BUILDKIT_VERSION = '0.25.1';

/** The version of wherry: package.json's in a checkout, else what the bundle was built with. */
export function ownVersion(): string {
  if (typeof WHERRY_VERSION === 'string') return WHERRY_VERSION;
  const { version } = JSON.parse(readFileSync(join(installation(), 'package.json'), 'utf8'));
  return version;
}

/** Set by the bundle (test/support/bundle.ts). */
declare const WHERRY_VERSION: string | undefined;

const goArch = () => ({ x64: 'amd64', ia32: '386' })[arch() as string] ?? arch();

/** When this copy was built: the bundle's time, RFC 3339. */
function buildTime(): string {
  const bundle = join(installation(), 'dist/main.js');
  const at = existsSync(bundle) ? statSync(bundle).mtime : new Date(0);
  return at.toISOString();
}

/** As `GET /version`, with the client's part that Docker's command adds. */
export async function versionInfo(): Promise<object> {
  const version = ownVersion();
  const common = { Version: version, ApiVersion: API_VERSION };
  const platform = { Os: 'linux', Arch: goArch() };
  const engine = { GitCommit: '', GoVersion: `node ${process.versions.node}`, BuildTime: buildTime() };
  return {
    Client: { ...common, DefaultAPIVersion: API_VERSION, ...engine, ...platform, Context: 'default' },
    Server: {
      Platform: { Name: 'wherry, without a daemon' },
      Components: await components(version),
      ...common,
      MinAPIVersion: MIN_API_VERSION,
      ...engine,
      ...platform,
      KernelVersion: release(),
    },
  };
}

async function components(version: string): Promise<object[]> {
  const details = {
    ApiVersion: API_VERSION,
    Arch: goArch(),
    BuildTime: buildTime(),
    Experimental: 'false',
    GitCommit: '',
    GoVersion: `node ${process.versions.node}`,
    KernelVersion: release(),
    MinAPIVersion: MIN_API_VERSION,
    Os: 'linux',
  };
  const runtime = await runtimeVersion();
  return [
    { Name: 'Engine', Version: version, Details: details },
    ...(runtime === undefined ? [] : [{ Name: runtime.name, Version: runtime.version, Details: { GitCommit: '' } }]),
  ];
}

/** `crun version 1.8.1` in the first line. */
async function runtimeVersion(): Promise<{ name: string; version: string; path: string } | undefined> {
  try {
    const { path, kind } = findRuntime();
    const { stdout } = await run(path, ['--version']);
    const version = /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
    return { name: kind === 'other' ? path : kind, version, path };
  } catch (error) {
    if (error instanceof WherryError) return undefined;
    throw error;
  }
}

/** What only a daemon has: there, so that a template may name it. */
const NO_DAEMON = {
  NFd: 0,
  NGoroutines: 0,
  NEventsListener: 0,
  KernelMemoryTCP: false,
  GenericResources: null,
  ContainerdCommit: { ID: '' },
  InitCommit: { ID: '' },
  Swarm: {
    NodeID: '',
    NodeAddr: '',
    LocalNodeState: 'inactive',
    ControlAvailable: false,
    Error: '',
    RemoteManagers: null,
  },
};

/** As `GET /info`. What we have no word for is there with the value that says "none". */
export async function systemInfo(store: Store): Promise<Record<string, unknown>> {
  const cgroup = detectCgroup(store.host);
  const [storage, runtime] = await Promise.all([storageDriver(store), runtimeVersion()]);
  const memory = cgroup.controllers.has('memory');
  const cpu = cgroup.controllers.has('cpu');
  return {
    ID: ownId(store),
    ...counts(store),
    Images: listImages(store).length,
    Driver: storage.driver,
    DriverStatus: driverStatus(store, storage),
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'null'],
      Authorization: null,
      Log: LOG_DRIVERS,
    },
    MemoryLimit: memory,
    SwapLimit: memory && cgroup.swap,
    CpuCfsPeriod: cpu,
    CpuCfsQuota: cpu,
    CPUShares: cpu,
    CPUSet: cgroup.controllers.has('cpuset'),
    PidsLimit: cgroup.controllers.has('pids'),
    IPv4Forwarding: true,
    Debug: false,
    OomKillDisable: false,
    SystemTime: new Date().toISOString(),
    LoggingDriver: 'json-file',
    CgroupDriver: cgroup.manager === 'disabled' ? 'none' : cgroup.manager,
    CgroupVersion: String(cgroup.version),
    ...machine(),
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: {
      IndexConfigs: { 'docker.io': { Mirrors: [], Name: 'docker.io', Official: true, Secure: true } },
      InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8'],
      Mirrors: null,
    },
    DockerRootDir: store.root,
    HttpProxy: process.env.HTTP_PROXY ?? process.env.http_proxy ?? '',
    HttpsProxy: process.env.HTTPS_PROXY ?? process.env.https_proxy ?? '',
    NoProxy: process.env.NO_PROXY ?? process.env.no_proxy ?? '',
    ...NO_DAEMON,
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: ownVersion(),
    Runtimes: runtimes(),
    DefaultRuntime: runtime?.name ?? '',
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: ['docker-init', 'tini-static', 'catatonit'].find((name) => findTool(name) !== undefined) ?? '',
    RuncCommit: { ID: runtime?.version ?? '' },
    SecurityOptions: securityOptions(store),
    CDISpecDirs: cdiDirectories(homedir()),
    Warnings: warnings(cgroup, clientSight(store)),
    ClientInfo: clientInfo(),
  };
}

function clientInfo() {
  return {
    Debug: false,
    Version: ownVersion(),
    GitCommit: '',
    GoVersion: `node ${process.versions.node}`,
    Os: 'linux',
    Arch: goArch(),
    BuildTime: buildTime(),
    DefaultAPIVersion: API_VERSION,
    Context: 'default',
    Plugins: [],
    Warnings: null,
  };
}

/** Docker's daemon has an id; ours is the store's: its inode, which a copy doesn't share. */
function ownId(store: Store): string {
  const { dev, ino } = statSync(store.root);
  return `${dev.toString(16)}-${ino.toString(16)}`;
}

function counts(store: Store) {
  const states = listContainers(store).map((record) => readState(store, record.id)?.status);
  const running = states.filter((status) => status === 'running' || status === 'restarting').length;
  const paused = states.filter((status) => status === 'paused').length;
  return {
    Containers: states.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: states.length - running - paused,
  };
}

function machine() {
  return {
    KernelVersion: release(),
    ...operatingSystem(),
    OSType: 'linux',
    Architecture: { x64: 'x86_64', arm64: 'aarch64' }[arch() as string] ?? arch(),
    NCPU: cpus().length,
    MemTotal: totalmem(),
    Name: hostname(),
  };
}

/** os-release(5). */
function operatingSystem() {
  const path = ['/etc/os-release', '/usr/lib/os-release'].find((one) => existsSync(one));
  const text = path === undefined ? '' : readFileSync(path, 'utf8');
  const value = (key: string) => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { OperatingSystem: value('PRETTY_NAME') || 'Linux', OSVersion: value('VERSION_ID') };
}

/** statfs(2)'s numbers. */
const FILE_SYSTEMS: Record<number, string> = {
  61267: 'extfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  26985: 'nfs',
  801189825: 'zfs',
  2035054128: 'overlayfs',
};

function driverStatus(store: Store, { refusals }: Awaited<ReturnType<typeof storageDriver>>): [string, string][] {
  const { type } = statfsSync(store.root);
  return [
    ['Backing Filesystem', FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`],
    ...Object.entries(refusals).map(([driver, why]): [string, string] => [`Not ${driver}`, why]),
  ];
}

function runtimes(): Record<string, { path: string }> {
  const found = ['crun', 'runc', 'youki'].map((name) => [name, findTool(name)] as const);
  return Object.fromEntries(found.flatMap(([name, path]) => (path === undefined ? [] : [[name, { path }]])));
}

function securityOptions(store: Store): string[] {
  const rootless = store.host.namespace === 'root' ? [] : ['name=rootless'];
  return ['name=seccomp,profile=builtin', ...rootless, 'name=cgroupns'];
}

/** Docker's sentences for what a limit can't do here, and why. */
function warnings(cgroup: Cgroup, sight: ClientSight): string[] | null {
  const lacks: [controller: string, words: string][] = [
    ['memory', 'WARNING: No memory limit support'],
    ['cpu', 'WARNING: No cpu cfs quota support'],
    ['cpuset', 'WARNING: No cpuset support'],
    ['pids', 'WARNING: No pids limit support'],
    ['io', 'WARNING: No io.weight support'],
  ];
  const missing = lacks.filter(([controller]) => !cgroup.controllers.has(controller)).map(([, words]) => words);
  const reason = missing.length > 0 && cgroup.reason !== undefined ? [`WARNING: Limits: ${cgroup.reason}`] : [];
  const blind = ([4, 6] as const).filter((version) => sight[version] === false).map((version) => `IPv${version}`);
  const unseen = `WARNING: Services see the gateway instead of the clients of their published ports (${blind.join(', ')}): this kernel lacks nft's socket match or routes by marks`;
  const all = [...missing, ...reason, ...(blind.length > 0 ? [unseen] : [])];
  return all.length === 0 ? null : all;
}
