/** A service becomes the request that the engine makes a container of, as docker compose words it to Docker's API. */
import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { Config, CreateRequest, HealthConfig, HostConfig, PortMap, RestartPolicy } from '#base/api.ts';
import { reasonOf } from '#base/errno.ts';
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { parseBytes, parseDuration } from '#base/units.ts';
import type { Mounts } from '#compose/apply/mounts.ts';
import { networkingOf } from '#compose/apply/networking.ts';
import { resourcesOf } from '#compose/apply/resources.ts';
import { LABEL } from '#compose/model/labels.ts';
import type { DependsOn, Healthcheck, Project, Service } from '#compose/model/project.ts';
import { parseExpose } from '#network/ports.ts';

export interface Making {
  /** What the container is called when all is done: its first alias on each network. */
  name: string;
  /** Absent for one-off containers. */
  number?: number;
  hash: string;
  labels: Record<string, string>;
  mounts: Mounts;
  links: readonly string[];
  /** Is it found by the service's name, too? */
  aliases: boolean;
  /** One-off: what it reads comes from here. */
  attachStdin?: boolean;
  autoRemove?: boolean;
}

/** The image's name where the service names none: what its build makes. */
export const imageOf = (project: string, service: Service): string => service.image ?? `${project}-${service.name}`;

/** How many containers a service has. */
export const scaleOf = (service: Service): number => service.scale ?? service.deploy?.replicas ?? 1;

export function requestOf(project: Project, service: Service, making: Making): CreateRequest {
  const { mode, networks } = networkingOf(project, service, making);
  const platform = service.platform ?? project.environment.DOCKER_DEFAULT_PLATFORM;
  return {
    ...(platform ? { platform } : {}),
    config: configOf(project, service, making),
    hostConfig: { ...hostConfigOf(project, service, making), NetworkMode: mode },
    networks,
  };
}

function configOf(project: Project, service: Service, making: Making): Config {
  const exposed = [
    ...(service.expose ?? []).flatMap((port) => parseExpose(`${port}`)),
    ...(service.ports ?? []).map(({ target, protocol = 'tcp' }) => `${target}/${protocol}`),
  ];
  const isOpen = service.stdin_open ?? false;
  const attached = making.attachStdin ?? false;
  const grace = service.stop_grace_period;
  return {
    Hostname: service.hostname ?? '',
    Domainname: service.domainname ?? '',
    User: service.user ?? '',
    AttachStdin: attached,
    AttachStdout: true,
    AttachStderr: true,
    ...(exposed.length === 0 ? {} : { ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])) }),
    Tty: service.tty ?? false,
    OpenStdin: isOpen,
    StdinOnce: attached && isOpen,
    Env: environmentOf(service.environment),
    Cmd: service.command ?? null,
    ...given({ Healthcheck: healthOf(service.healthcheck) }),
    Image: imageOf(project.name, service),
    Volumes: null,
    WorkingDir: service.working_dir ?? '',
    Entrypoint: service.entrypoint ?? null,
    Labels: {
      ...service.labels,
      ...making.labels,
      [LABEL.hash]: making.hash,
      ...(making.number === undefined ? {} : { [LABEL.number]: `${making.number}` }),
      [LABEL.dependsOn]: dependenciesText(service.depends_on),
    },
    ...given({ StopSignal: service.stop_signal }),
    ...(grace === undefined ? {} : { StopTimeout: Math.trunc(parseDuration(grace) / 1e9) }),
  };
}

/** A name without a value takes the image's away. */
export function environmentOf(environment: Service['environment'] = {}): string[] {
  return Object.entries(environment).map(([name, value]) => (value === null ? name : `${name}=${value}`));
}

const dependenciesText = (dependencies: Record<string, DependsOn> = {}) =>
  Object.entries(dependencies)
    .map(([name, { condition = '', restart = false }]) => `${name}:${condition}:${restart}`)
    .join(',');

function healthOf(check: Healthcheck | undefined): HealthConfig | undefined {
  if (check === undefined) return undefined;
  const time = (text: string | undefined) => (text === undefined ? undefined : parseDuration(text));
  return given({
    Test: check.disable ? ['NONE'] : check.test,
    Interval: time(check.interval),
    Timeout: time(check.timeout),
    StartPeriod: time(check.start_period),
    StartInterval: time(check.start_interval),
    Retries: check.retries,
  });
}

function hostConfigOf(project: Project, service: Service, making: Making): HostConfig {
  const { driver = '', options = {} } = service.logging ?? {};
  return {
    ...resourcesOf(service),
    ...isolationOf(project, service),
    Binds: orNull(making.mounts.binds),
    Mounts: making.mounts.mounts,
    ContainerIDFile: '',
    LogConfig: { Type: driver, Config: options },
    NetworkMode: '',
    PortBindings: portBindings(service),
    PublishAllPorts: false,
    RestartPolicy: restartPolicy(service),
    AutoRemove: making.autoRemove ?? false,
    ConsoleSize: [0, 0],
    Dns: service.dns ?? [],
    DnsOptions: service.dns_opt ?? [],
    DnsSearch: service.dns_search ?? [],
    ExtraHosts: (service.extra_hosts ?? []).map((entry) => entry.replace('=', ':')),
    ShmSize: parseBytes(service.shm_size ?? '0'),
    OomScoreAdj: service.oom_score_adj ?? 0,
    Links: orNull(making.links),
    VolumesFrom: orNull(service.volumes_from),
    ...given({
      Tmpfs: service.tmpfs && tmpfsOf(service.tmpfs),
      Init: service.init,
      Annotations: service.annotations,
      StorageOpt: service.storage_opt,
      Isolation: service.isolation,
      VolumeDriver: service.volume_driver,
    }),
  };
}

const orNull = (list: readonly string[] = []): string[] | null => (list.length === 0 ? null : [...list]);

function isolationOf(project: Project, service: Service) {
  const security = securityOf(project, service.security_opt ?? []);
  return {
    CapAdd: service.cap_add ?? null,
    CapDrop: service.cap_drop ?? null,
    CgroupnsMode: service.cgroup ?? '',
    GroupAdd: service.group_add?.map(String) ?? null,
    IpcMode: service.ipc ?? '',
    PidMode: service.pid ?? '',
    UTSMode: service.uts ?? '',
    UsernsMode: service.userns_mode ?? '',
    Privileged: service.privileged ?? false,
    ReadonlyRootfs: service.read_only ?? false,
    Runtime: service.runtime ?? '',
    SecurityOpt: security.options,
    MaskedPaths: security.unconfined ? [] : null,
    ReadonlyPaths: security.unconfined ? [] : null,
    ...given({ Sysctls: service.sysctls }),
  };
}

function tmpfsOf(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf(':');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

function portBindings({ ports = [] }: Service): PortMap {
  const bindings: PortMap = {};
  for (const { target, protocol = 'tcp', host_ip = '', published = '' } of ports) {
    const port = `${target}/${protocol}`;
    bindings[port] = [...(bindings[port] ?? []), { HostIp: host_ip, HostPort: `${published}` }];
  }
  return bindings;
}

/** deploy's words for the engine's policies; others are the engine's to refuse. */
const POLICIES: Readonly<Record<string, string>> = { none: 'no', any: 'always' };

function restartPolicy({ restart, deploy }: Service): RestartPolicy {
  const named = (name: string, count: number) => ({
    Name: (POLICIES[name] ?? name) as RestartPolicy['Name'],
    MaximumRetryCount: count,
  });
  const policy = deploy?.restart_policy;
  if (policy !== undefined) return named(policy.condition ?? '', policy.max_attempts ?? 0);
  const [name = '', count] = (restart ?? '').split(':');
  return named(name, Number(count ?? 0) || 0);
}

/** Reads what Docker's client reads of --security-opt. Throws kind `invalid` in compose's words. */
function securityOf({ workingDir }: Project, entries: readonly string[]) {
  const options = entries
    .filter((entry) => entry !== 'systempaths=unconfined')
    .map((entry) => {
      const at = entry.includes('=') ? entry.indexOf('=') : entry.indexOf(':');
      if (at < 0 && entry !== 'no-new-privileges') {
        throw new WherryError('invalid', `invalid security-opt: ${JSON.stringify(entry)}`);
      }
      const [key, value] = [entry.slice(0, Math.max(at, 0)), entry.slice(at + 1)];
      if (key !== 'seccomp' || value === 'unconfined' || value === 'builtin') return entry;
      return `seccomp=${readProfile(isAbsolute(value) ? value : resolve(workingDir, value), value)}`;
    });
  return { options: options.length === 0 ? null : options, unconfined: entries.includes('systempaths=unconfined') };
}

function readProfile(path: string, shown: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    JSON.parse(text);
    return text.trim();
  } catch (cause) {
    const system = reasonOf(cause);
    const why = system === undefined ? (cause as Error).message : `open ${path}: ${system}`;
    throw new WherryError('invalid', `opening seccomp profile (${shown}) failed: ${why}`, { cause });
  }
}
