/** The flags and words of run and create become the request that the engine takes, by the rules of Docker's client. */

import { resolve } from 'node:path';
import type { Config, CreateRequest, HostConfig, MountRequest, RestartPolicy } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { readDevices } from '#cli/run-devices.ts';
import { extrasFrom, hostEnvironment } from '#cli/run-extras.ts';
import { readEnvFile, readLabelFile, readSecurityOptions } from '#cli/run-files.ts';
import type { RequestValues } from '#cli/run-flags.ts';
import { healthFrom } from '#cli/run-health.ts';
import { limitsFrom } from '#cli/run-limits.ts';
import { readNetworks } from '#cli/run-network.ts';
import { pairs } from '#cli/values.ts';
import { apiAccess } from '#container/api-socket.ts';
import { parseExpose, publishMaps } from '#network/ports.ts';
import { parseTmpfsFlag, parseVolumeFlag } from '#volume/parse.ts';

const invalid = (message: string) => new WherryError('invalid', message);

export interface Line {
  /** IMAGE [COMMAND] [ARG...] */
  args: readonly string[];
  values: RequestValues;
  /** The flags that were really given. */
  given: ReadonlySet<string>;
}

/** Makes the request. Throws kind `invalid` in the words of Docker's client. */
export function requestFrom(line: Line): CreateRequest {
  const { values } = line;
  const ports = publishMaps(values.publish);
  const exposed = values.expose.flatMap(parseExpose).map((port) => [port, {}] as const);
  const volumes = readVolumes(values);
  const network = readNetworks(values);
  const environment = environmentFrom(values);
  const api = apiFrom(values, environment.named);
  const config = configFrom(line, {
    env: [...environment.all, ...api.env],
    exposed: { ...ports.exposed, ...Object.fromEntries(exposed) },
    anonymous: volumes.anonymous,
  });
  const hostConfig: HostConfig = {
    ...isolationFrom(values),
    ...limitsFrom(values),
    ...lifeFrom(line),
    Binds: orNull(volumes.binds),
    Mounts: [...values.mount, ...api.mounts],
    Tmpfs: Object.fromEntries(values.tmpfs.map(parseTmpfsFlag).map(({ path, options }) => [path, options])),
    VolumesFrom: orNull(values.volumesFrom),
    ...(values.volumeDriver ? { VolumeDriver: values.volumeDriver } : {}),
    NetworkMode: network.mode,
    PortBindings: ports.bindings,
    PublishAllPorts: values.publishAll,
    Dns: values.dns,
    DnsOptions: [...values.dnsOption, ...values.dnsOpt],
    DnsSearch: values.dnsSearch,
    ExtraHosts: orNull(values.addHost),
    Links: network.links,
  };
  if (hostConfig.AutoRemove && !['', 'no'].includes(hostConfig.RestartPolicy.Name)) {
    throw invalid('conflicting options: cannot specify both --restart and --rm');
  }
  checkTogether(values);
  const extras = extrasFrom(values, line.args);
  const platform = values.platform ?? process.env.DOCKER_DEFAULT_PLATFORM;
  return {
    ...(values.name === undefined || values.name === '' ? {} : { name: values.name }),
    ...(platform ? { platform } : {}),
    config,
    hostConfig,
    networks: network.networks,
    ...(extras === undefined ? {} : { extras }),
  };
}

/** Flags that contradict each other, or that ask for what is nowhere. */
function checkTogether(values: RequestValues): void {
  if (values.noHosts && values.addHost.length > 0) throw invalid('--no-hosts and --add-host cannot be set together');
  if (values.disableContentTrust) return;
  throw new WherryError('unsupported', 'Cannot verify the image by content trust: its servers (Notary) are no more', {
    hint: 'Leave out --disable-content-trust=false; policy.json and `wherry pull --verify-key` check signatures',
  });
}

const orNull = <T>(list: T[]): T[] | null => (list.length === 0 ? null : list);

function readVolumes({ volume }: RequestValues): { binds: string[]; anonymous: Record<string, object> } {
  // As Docker's client: only what starts with a dot is a path of the working directory.
  const absolute = (path: string) => (path.startsWith('.') ? resolve(path) : path);
  const binds: string[] = [];
  const anonymous: Record<string, object> = {};
  for (const flag of volume.map((text) => parseVolumeFlag(text, absolute))) {
    if ('bind' in flag) binds.push(flag.bind);
    else anonymous[flag.anonymous] = {};
  }
  return { binds: [...new Set(binds)], anonymous };
}

function configFrom(
  { args, values, given }: Line,
  { env, exposed, anonymous }: { env: string[] } & Record<'exposed' | 'anonymous', Record<string, object>>,
): Config {
  const [image = '', ...command] = args;
  const wanted = new Set(values.attach);
  const attachStdin = values.interactive || wanted.has('stdin');
  const healthcheck = healthFrom(values);
  return {
    Hostname: values.hostname ?? '',
    Domainname: values.domainname ?? '',
    User: values.user ?? '',
    AttachStdin: attachStdin,
    AttachStdout: wanted.size === 0 || wanted.has('stdout'),
    AttachStderr: wanted.size === 0 || wanted.has('stderr'),
    ...(Object.keys(exposed).length === 0 ? {} : { ExposedPorts: exposed }),
    Tty: values.tty,
    OpenStdin: values.interactive,
    StdinOnce: values.interactive && attachStdin,
    Env: env,
    Cmd: orNull(command),
    ...(healthcheck === undefined ? {} : { Healthcheck: healthcheck }),
    Image: image,
    Volumes: Object.keys(anonymous).length === 0 ? null : anonymous,
    WorkingDir: values.workdir ?? '',
    Entrypoint: given.has('entrypoint') ? [values.entrypoint ?? ''] : null,
    Labels: pairs([...values.labelFile.flatMap(readLabelFile), ...values.label]),
    ...(values.stopSignal ? { StopSignal: values.stopSignal } : {}),
    ...(values.stopTimeout === undefined ? {} : { StopTimeout: values.stopTimeout }),
  };
}

/** What the line names, and that with what it takes over from the host. */
function environmentFrom(values: RequestValues): { named: string[]; all: string[] } {
  const named = [...values.envFile.flatMap(readEnvFile), ...lastOfEach(values.env)];
  const host = hostEnvironment(values);
  return { named, all: host.length === 0 ? named : lastOfEach([...host, ...named]) };
}

/** --use-api-socket, as mounts and entries of the environment. named: those that the line names. */
function apiFrom({ useApiSocket }: RequestValues, named: readonly string[]): { mounts: MountRequest[]; env: string[] } {
  if (!useApiSocket) return { mounts: [], env: [] };
  const isPlaced = named.some((entry) => entry.startsWith('DOCKER_CONFIG='));
  const { binds, environment } = apiAccess(process.env, isPlaced);
  return {
    mounts: binds.map(
      ({ source, target, readOnly }): MountRequest => ({
        Type: 'bind',
        Source: source,
        Target: target,
        ...(readOnly ? { ReadOnly: true } : {}),
      }),
    ),
    env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
  };
}

/** Of several -e for one variable the last one counts. */
function lastOfEach(entries: readonly string[]): string[] {
  return [...new Map(entries.map((entry) => [entry.split('=', 1)[0], entry])).values()];
}

type Isolation = Pick<
  HostConfig,
  | 'CapAdd'
  | 'CapDrop'
  | 'CgroupnsMode'
  | 'GroupAdd'
  | 'IpcMode'
  | 'PidMode'
  | 'UTSMode'
  | 'UsernsMode'
  | 'Privileged'
  | 'ReadonlyRootfs'
  | 'SecurityOpt'
  | 'ShmSize'
  | 'Sysctls'
  | 'Runtime'
  | 'Devices'
  | 'DeviceRequests'
  | 'MaskedPaths'
  | 'ReadonlyPaths'
  | 'Annotations'
>;

function isolationFrom(values: RequestValues): Isolation {
  const security = readSecurityOptions(values.securityOpt);
  const { devices, requests } = readDevices(values.device);
  const asked = [...values.gpus, ...requests];
  return {
    CapAdd: orNull(values.capAdd),
    CapDrop: orNull(values.capDrop),
    CgroupnsMode: mode(values.cgroupns, /^(private|host|container:.+)$/, '--cgroupns: invalid CGROUP mode'),
    GroupAdd: orNull(values.groupAdd),
    IpcMode: values.ipc ?? '',
    PidMode: mode(values.pid, /^(host|private|container:.+)$/, '--pid: invalid PID mode'),
    UTSMode: mode(values.uts, /^(host|private|container:.+)$/, '--uts: invalid UTS mode'),
    UsernsMode: mode(values.userns, USERNS, '--userns: invalid USER mode'),
    Privileged: values.privileged,
    ReadonlyRootfs: values.readOnly,
    SecurityOpt: orNull(security.options),
    ShmSize: values.shmSize ?? 0,
    ...(Object.keys(values.sysctl).length === 0 ? {} : { Sysctls: values.sysctl }),
    Runtime: values.runtime ?? '',
    Devices: devices,
    ...(asked.length === 0 ? {} : { DeviceRequests: asked }),
    MaskedPaths: security.unconfinedPaths ? [] : null,
    ReadonlyPaths: security.unconfinedPaths ? [] : null,
    ...(Object.keys(values.annotation).length === 0 ? {} : { Annotations: values.annotation }),
  };
}

/** Docker's word and podman's. */
const USERNS = /^(host|private|nomap|(keep-id|auto)(:.*)?|container:.+|ns:.+)$/;

function mode(value: string | undefined, valid: RegExp, complaint: string): string {
  if (value === undefined || value === '' || valid.test(value)) return value ?? '';
  throw invalid(complaint);
}

type Life = Pick<HostConfig, 'ContainerIDFile' | 'LogConfig' | 'RestartPolicy' | 'AutoRemove' | 'ConsoleSize' | 'Init'>;

function lifeFrom({ values, given }: Line): Life {
  const { cidfile, logDriver = '', logOpt, restart, rm, init } = values;
  if (logDriver === 'none' && logOpt.length > 0) throw invalid('invalid logging opts for driver none');
  return {
    ContainerIDFile: cidfile ?? '',
    LogConfig: { Type: logDriver, Config: pairs(logOpt) },
    RestartPolicy: parseRestart(restart),
    AutoRemove: rm,
    ConsoleSize: [0, 0],
    ...(given.has('init') ? { Init: init } : {}),
  };
}

/** `on-failure:3`; whether there is such a policy is the daemon's to say. */
export function parseRestart(text: string): RestartPolicy {
  const colon = text.indexOf(':');
  const [name, count] = colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  if (colon === 0) throw invalid('invalid restart policy format: no policy provided before colon');
  if (!/^([+-]?\d+)?$/.test(count)) {
    throw invalid('invalid restart policy format: maximum retry count must be an integer');
  }
  return { Name: name as RestartPolicy['Name'], MaximumRetryCount: Number(count) };
}
